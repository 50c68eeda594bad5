from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DonationsConfig(AppConfig):
    """Keeps the words of callouts after each migration."""

    name = "donations"

    def ready(self) -> None:
        post_migrate.connect(_keep_words, sender=self)


def _keep_words(using: str, **kwargs: Any) -> None:
    # Models load only once the registry is ready.
    from donations import callouts  # noqa: PLC0415

    callouts.keep(using=using)
