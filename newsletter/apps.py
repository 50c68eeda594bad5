from django.apps import AppConfig


class NewsletterConfig(AppConfig):
    """Connects the receiver of mail providers' reports, its tasks and its checks."""

    name = "newsletter"

    def ready(self) -> None:
        # Anymail reports by a signal; Celery itself finds newsletter.tasks alone.
        from newsletter.events import checks, webhooks  # noqa: F401, PLC0415
        from newsletter.sending import limits  # noqa: F401, PLC0415
