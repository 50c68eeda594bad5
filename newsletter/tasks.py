"""What workers do for the newsletter: they start it, and the database holds what is due."""

from celery import shared_task
from django.utils import timezone

from fibrosite.lib.queueing import enqueue
from newsletter import answering, delivering, spiking, subscribing, ticking
from newsletter.moving import importing


@shared_task
def tick() -> None:
    """Build the digest that is due, start what waits to be sent, and answer sign-ups."""
    now = timezone.now()
    for digest_id in ticking.work_to_do(now=now):
        enqueue(deliver, digest_id)
    answering.answer_waiting(now=now)


@shared_task
def answer_sign_ups() -> None:
    """Send the letters that new sign-ups wait for."""
    answering.answer_waiting(now=timezone.now())


@shared_task
def deliver(digest_id: int) -> None:
    """Send one round of a digest, and queue the next round while more is waiting."""
    if delivering.deliver_round(digest_id):
        enqueue(deliver, digest_id)


@shared_task
def look_after_sign_ups() -> None:
    """Remind those who did not confirm, and tell the editors of more sign-ups than usual."""
    now = timezone.now()
    subscribing.remind(now=now)
    spiking.tell_of_spike(now=now)


@shared_task
def purge_sign_ups() -> None:
    """Forget sign-ups that nobody confirmed in 30 days."""
    subscribing.purge(now=timezone.now())


@shared_task
def move_lists() -> None:
    """Go on with lists that are being brought in, and forget those that nobody wanted."""
    now = timezone.now()
    importing.forget_old(now)
    for run in importing.waiting(now):
        if importing.go_on(run):
            enqueue(move_lists)
