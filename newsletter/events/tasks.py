"""What workers do about reports."""

import logging

from celery import shared_task
from django.utils import timezone

from newsletter.events import mailbox, recording

logger = logging.getLogger(__name__)


@shared_task
def handle_events(event_ids: list[int]) -> None:
    """Do what follows from stored reports."""
    recording.handle_all(event_ids, now=timezone.now())


@shared_task
def sweep_events() -> None:
    """Do what the queue lost."""
    recording.sweep(now=timezone.now())


@shared_task
def read_bounces() -> None:
    """Read what came to the bounce mailbox; the next time goes on if it is away."""
    try:
        mailbox.read_mailbox(now=timezone.now())
    except mailbox.MailboxError as error:
        logger.warning("%s", error)
