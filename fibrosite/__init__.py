"""The wiring: settings, URLs, Celery and the checks that hold the apps together."""

from fibrosite.celery import app as celery_app

__all__ = ["celery_app"]
