"""What workers do for the newsletter: they start it, and the database holds what is due."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery import shared_task
from celery.signals import beat_init, worker_ready
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError

from fibrosite.lib.queueing import enqueue
from newsletter import answering, delivering, spiking, subscribing, ticking, watching
from newsletter.moving import importing

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)
# In seconds. A word to send that waited longer is one too many: the workers are busy, and
# `keep_sending` gives it anew. Without an end such words pile up, and ticks wait behind them.
TOO_MANY_AFTER = 5


@shared_task
def tick() -> None:
    """Build the digest that is due, start what waits to be sent, and answer sign-ups."""
    now = timezone.now()
    try:
        for digest_id in ticking.work_to_do(now=now):
            enqueue(deliver, digest_id)
    finally:
        # Whatever keeps digests here, who signed up has an answer.
        answering.answer_waiting(now=now)


@shared_task
def keep_sending() -> None:
    """Settle what dead workers left, and see that as many batches are sent at once as may be."""
    for digest_id in delivering.work_to_do(now=timezone.now()):
        enqueue(deliver, digest_id)


@worker_ready.connect
def _go_on(**_: Any) -> None:
    """A worker that starts after a crash does not wait for the scheduler."""
    enqueue(keep_sending)


@shared_task
def answer_sign_ups() -> None:
    """Send the letters that new sign-ups wait for."""
    answering.answer_waiting(now=timezone.now())


@shared_task(expires=TOO_MANY_AFTER)
def deliver(digest_id: int) -> None:
    """Send one batch of a digest, and queue the next while one is due: of the newest digest."""
    if delivering.deliver_round(digest_id):
        following = delivering.next_due(now=timezone.now())
        if following is not None:
            enqueue(deliver, following)


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


@shared_task
def watch() -> None:
    """Tell the editors of digests that ended or stand still, and of a scheduler that is silent."""
    watching.look(now=timezone.now())


@worker_ready.connect
def _watch_as_worker(**_: Any) -> None:
    """Not by the schedule: who else would notice that the scheduler is gone?"""

    def ask() -> None:
        try:
            watch.apply_async(expires=LOOK_EVERY.total_seconds())
        except (OperationalError, OSError) as error:
            logger.warning("%s waits for the broker: %s", watch.name, error)

    _every_minute(ask, first=LOOK_EVERY)


@beat_init.connect
def _watch_as_scheduler(**_: Any) -> None:
    """The scheduler alone notices that no worker is left; they may need a while to start."""

    def look() -> None:
        watching.look_from_scheduler(now=timezone.now())
        connection.close()

    _every_minute(look, first=watching.SILENT_AFTER)


def _every_minute(act: Callable[[], None], *, first: timedelta) -> None:
    """Beside what this process does, and not before `first` is over."""

    def run() -> None:
        time.sleep(first.total_seconds())
        while True:
            act()
            time.sleep(LOOK_EVERY.total_seconds())

    threading.Thread(target=run, name="watch", daemon=True).start()
