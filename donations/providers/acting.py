"""Does what follows from stored reports: each in one transaction, in any order, once.

A fact about a payment that is not known yet leaves no trace; its report waits and is tried again
when the payment is told. So whatever order reports come in, the books end the same.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import Error, IntegrityError, OperationalError, transaction
from django.db.models import Q, QuerySet

from donations.models import PaymentEvent
from donations.providers import provider
from donations.providers.entering import Books
from donations.providers.facts import Refused, Told, Unavailable, Unknown, Unreadable

logger = logging.getLogger(__name__)

Done = TypeVar("Done")
State = PaymentEvent.State

# A report whose payment nobody told of in this time is of none of ours; one that failed for so
# long is left to `replay_events`.
GIVE_UP = timedelta(days=35)
# What fails for so long needs a person.
ALARM_AFTER = timedelta(hours=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=6)
# Left to the queue so long before the sweep takes it for lost.
PATIENCE = timedelta(seconds=20)
SWEEP_ROWS = 500
# Two workers may make the same gift at once, or wait for each other: then one starts again.
ATTEMPTS = 3


def handle_all(event_ids: Iterable[int], *, now: datetime) -> None:
    """Handle reports, and those that waited for what they tell. Never raises."""
    waiting = list(event_ids)
    while waiting:
        event_id = waiting.pop(0)
        try:
            waiting += handle(event_id, now=now)
        except Exception as error:
            logger.exception("A payment event could not be handled")
            _fall_behind(event_id, error, now=now)


def _fall_behind(event_id: int, error: Exception, *, now: datetime) -> None:
    """Let the sweep come back to it later, after those that it would hold up."""
    try:
        _note(event_id, f"{type(error).__name__}: {error}", now=now)
    except Error:
        logger.exception("A payment event could not be marked")


def handle(event_id: int, *, now: datetime) -> list[int]:
    """Do what follows from one stored report; the reports that waited for it.

    A second call, or one at the same time, changes nothing.
    """
    event = PaymentEvent.objects.filter(pk=event_id, handled_at=None).first()
    if event is None:
        return []
    try:
        # Before the transaction: it may ask the provider for more.
        told = provider(event.provider).read(event)
    except (Unreadable, ValueError) as error:
        # Time does not mend that: somebody is told at once.
        _note(event_id, f"It cannot be read: {error}", now=now, alarm_at=now)
        return []
    except (Unavailable, Refused) as error:
        _note(event_id, str(error), now=now)
        return []
    return again_if_raced(lambda: _apply(event_id, told, now=now))


def again_if_raced(work: Callable[[], Done]) -> Done:
    """Do work that is one transaction; anew where another one was in its way, ATTEMPTS in all."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except (IntegrityError, OperationalError):
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _apply(event_id: int, told: Told, *, now: datetime) -> list[int]:
    """One transaction: all facts of a report and its mark, or nothing but the mark."""
    with transaction.atomic():
        locked = PaymentEvent.objects.select_for_update().filter(pk=event_id, handled_at=None)
        event = locked.first()
        if event is None:
            return []
        if not told.facts:
            _settle(event, State.IGNORED, told.ignored, now=now)
            return []
        books = Books(event.provider, now=now, livemode=event.livemode)
        try:
            with transaction.atomic():
                words = [books.enter(fact) for fact in told.facts]
        except Unknown as error:
            _wait(event, error, now=now)
            return []
        except ValueError as error:
            _fail(event, str(error), now=now)
            return []
        _settle(event, State.HANDLED, " ".join(filter(None, words)), now=now)
    # After the transaction, which holds the lock of the drive's total.
    return books.woken()


def _settle(event: PaymentEvent, state: str, words: str, *, now: datetime) -> None:
    event.state, event.outcome, event.handled_at = state, words[:300], now
    event.alarm_at = event.alarm_at if state == State.FAILED else None
    event.save(update_fields=["state", "outcome", "handled_at", "alarm_at"])


def _wait(event: PaymentEvent, error: Unknown, *, now: datetime) -> None:
    if now - event.received_at > GIVE_UP:
        _settle(event, State.IGNORED, f"{error} Nobody told of it since.", now=now)
        return
    event.subject = error.subject[:255]
    _postpone(event, State.WAITING, str(error), now=now)


def _fail(
    event: PaymentEvent, words: str, *, now: datetime, alarm_at: datetime | None = None
) -> None:
    """Try it again until GIVE_UP, and have somebody told, after ALARM_AFTER if not sooner."""
    alarm_at = alarm_at or now + ALARM_AFTER
    event.alarm_at = min(event.alarm_at or alarm_at, alarm_at)
    if now - event.received_at > GIVE_UP:
        _settle(event, State.FAILED, f"Given up. {words}", now=now)
    else:
        _postpone(event, State.FAILED, words, now=now)


def _postpone(event: PaymentEvent, state: str, words: str, *, now: datetime) -> None:
    """Try it again later, after pauses that double."""
    pause = min(FIRST_PAUSE * 2 ** min(event.tries, 16), LONGEST_PAUSE)
    event.state, event.outcome = state, words[:300]
    event.due_at, event.tries = now + pause, min(event.tries + 1, 30_000)
    event.save(update_fields=["state", "outcome", "due_at", "tries", "subject", "alarm_at"])


def _note(event_id: int, words: str, *, now: datetime, alarm_at: datetime | None = None) -> None:
    with transaction.atomic():
        locked = PaymentEvent.objects.select_for_update().filter(pk=event_id, handled_at=None)
        event = locked.first()
        if event is not None:
            _fail(event, words, now=now, alarm_at=alarm_at)


def due(now: datetime) -> QuerySet[PaymentEvent]:
    """Reports to try now: what the queue lost, and what waited long enough."""
    lost = Q(state=State.NEW, received_at__lt=now - PATIENCE)
    later = Q(state__in=[State.WAITING, State.FAILED], due_at__lte=now)
    return PaymentEvent.objects.filter(lost | later, handled_at=None).order_by("due_at", "pk")


def sweep(*, now: datetime) -> None:
    """Do what the queue lost, and try again what waits."""
    handle_all(list(due(now).values_list("pk", flat=True)[:SWEEP_ROWS]), now=now)
