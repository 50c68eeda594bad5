"""What workers do about gifts: they start it, and the database holds what is due."""

from celery import shared_task
from django.utils import timezone

from donations import posting, renewing
from donations.providers import acting, reconciling
from fibrosite.lib.queueing import enqueue


@shared_task
def handle_events(event_ids: list[int]) -> None:
    """Do what follows from stored reports, and send the letters that follow from it."""
    now = timezone.now()
    acting.handle_all(event_ids, now=now)
    if posting.waiting(now).exists():
        enqueue(send_letters)


@shared_task
def sweep_events() -> None:
    """Do what the queue lost, and try again what waits."""
    acting.sweep(now=timezone.now())
    posting.send_waiting(now=timezone.now())


@shared_task
def send_letters() -> None:
    """Send the letters that are due."""
    posting.send_waiting(now=timezone.now())


@shared_task
def reconcile() -> None:
    """Compare our books with each provider's, and enter what is missing."""
    reconciling.reconcile_all(now=timezone.now())


@shared_task
def watch_renewals() -> None:
    """Raise the alarm if monthly gifts were due and none arrived."""
    renewing.watch(now=timezone.now())
