"""What workers do about gifts: they start it, and the database holds what is due."""

from contextlib import suppress

from celery import shared_task
from django.utils import timezone

from donations import forgetting, posting, renewing
from donations.providers import acting, alarming, collecting, reconciling
from donations.providers.facts import Unavailable
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
    """Do what the queue lost, try again what waits, and tell of what fails."""
    acting.sweep(now=timezone.now())
    alarming.tell_of_failures(now=timezone.now())
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
def collect(checkout_pk: int) -> None:
    """Take the money of a gift by PayPal whose giver has come back from approving it."""
    now = timezone.now()
    with suppress(Unavailable):  # its report comes later, and the hourly look after that
        collecting.collect(checkout_pk, now=now)
    if posting.waiting(now).exists():
        enqueue(send_letters)


@shared_task
def collect_all() -> None:
    """Take the money that givers approved at PayPal where its report never came."""
    collecting.collect_all(now=timezone.now())


@shared_task
def watch_renewals() -> None:
    """Raise the alarm if monthly gifts were due and none arrived."""
    renewing.watch(now=timezone.now())


@shared_task
def forget_erased() -> None:
    """Take erased givers out of what was told since."""
    forgetting.forget(now=timezone.now())


@shared_task
def empty_abandoned() -> None:
    """Empty the forms to give of which nothing came."""
    forgetting.empty_abandoned(now=timezone.now())
