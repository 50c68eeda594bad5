"""What the scheduler asks of the articles."""

from celery import shared_task
from django.utils import timezone

from articles import publishing


@shared_task
def publish_due() -> None:
    """Settle scheduled articles whose time has come."""
    publishing.publish_due(now=timezone.now())
