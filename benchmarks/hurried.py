"""The site's Celery application with shorter waits, so that a test of faults ends soon.

For measurements and tests alone: `celery -A benchmarks.hurried worker`. HURRY is a JSON object
of names and seconds, or rows; what it does not name stays as it is in production.
"""

import json
import os
import sys
from datetime import timedelta

import django

from fibrosite.celery import app

__all__ = ["app", "hurry"]


def hurry() -> None:
    """Put what HURRY names in the place of the site's own numbers, wherever they were imported."""
    from django.conf import settings  # noqa: PLC0415

    import newsletter.tasks  # noqa: F401, PLC0415

    wanted: dict[str, float] = json.loads(os.environ.get("HURRY", "{}"))
    if "EMAIL_TIMEOUT" in wanted:
        settings.EMAIL_TIMEOUT = wanted.pop("EMAIL_TIMEOUT")
    if "TICK" in wanted:
        tick = settings.CELERY_BEAT_SCHEDULE["send what is due"]
        tick["schedule"] = timedelta(seconds=wanted.pop("TICK"))
    modules = [one for path, one in list(sys.modules.items()) if path.startswith("newsletter.")]
    for name, number in wanted.items():
        having = [module for module in modules if hasattr(module, name)]
        if not having:
            raise ValueError(f"the newsletter has no number called {name}")
        for module in having:
            setattr(module, name, _like(getattr(module, name), number))


def _like(old: object, number: float) -> object:
    return timedelta(seconds=number) if isinstance(old, timedelta) else type(old)(number)  # type: ignore[call-arg]


django.setup()
hurry()
