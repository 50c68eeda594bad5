"""What the scheduler asks of the library."""

from celery import shared_task
from django.utils import timezone

from research import watching


@shared_task
def watch() -> None:
    """Check the studies that are due for corrections and retractions."""
    watching.tick(now=timezone.now())
