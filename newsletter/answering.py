"""Sending the letters that sign-ups wait for."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from newsletter.letters import already_letter, confirm_letter
from newsletter.mailing import ROUND_SECONDS, hand_over, open_mailer
from newsletter.models import Delivery, SignUp, Subscriber
from newsletter.outcomes import Outcome
from newsletter.tokens import CONFIRM_WITHIN

logger = logging.getLogger(__name__)

NOT_SENT = Q(letter_sent_at__isnull=True) | Q(letter_sent_at__lt=F("letter_due_at"))
NOT_DROPPED = Q(letter_dropped_at__isnull=True) | Q(letter_dropped_at__lt=F("letter_due_at"))
LETTER_WAITS = NOT_SENT & NOT_DROPPED
AT_ONCE = 200
PAUSE = timedelta(minutes=30)
# Longer than a round and the letter it ends with: an older claim is that of a worker that died.
CLAIM = timedelta(minutes=2)


def answer_waiting(*, now: datetime) -> int:
    """Send the letters that are due, for about ten seconds; the number sent.

    Safe in two workers at once: each letter is claimed by a conditional update first. One that
    the mail server refuses is dropped. One that it wants later stays due, and so does one to
    confirm with that may be lost: to get it twice does no harm, to miss it keeps a reader out.
    """
    waiting: list[SignUp | Subscriber] = list(_sign_ups(now)[:AT_ONCE])
    waiting += _subscribers(now)[:AT_ONCE]
    if not waiting:
        return 0
    with open_mailer() as mailer:
        return _answer(waiting, mailer, now=now) if mailer else 0


def letters_waiting() -> int:
    """How many sign-ups have not got their letter yet; more than a few mean that mail is stuck."""
    return _unanswered(timezone.now()).count()


def _unanswered(now: datetime) -> QuerySet[SignUp]:
    """Those who wait for the letter to confirm with; after a week it is given up."""
    recent = now - CONFIRM_WITHIN
    return SignUp.objects.filter(LETTER_WAITS, confirmed_at=None, asked_at__gt=recent)


def _sign_ups(now: datetime) -> QuerySet[SignUp]:
    return _unanswered(now).filter(_free(now)).order_by("letter_due_at")


def _subscribers(now: datetime) -> QuerySet[Subscriber]:
    """Those who signed up again, and wait for the note that all is well."""
    waiting = Subscriber.objects.active().filter(LETTER_WAITS)
    return waiting.filter(_free(now)).order_by("letter_due_at")


def _free(now: datetime) -> Q:
    """Due by `now`, and in no living worker's hands."""
    unclaimed = Q(letter_claimed_at=None) | Q(letter_claimed_at__lt=now - CLAIM)
    return unclaimed & Q(letter_due_at__lte=now)


def _answer(rows: Sequence[SignUp | Subscriber], mailer: BaseEmailBackend, *, now: datetime) -> int:
    sent = 0
    deadline = time.monotonic() + ROUND_SECONDS
    for row in rows:
        if time.monotonic() > deadline:
            break
        outcome = _answer_one(row, mailer, now=now)
        if outcome is None:
            continue
        sent += outcome.state == Delivery.State.SENT
        if outcome.stop:
            break
    return sent


def _answer_one(
    row: SignUp | Subscriber, mailer: BaseEmailBackend, *, now: datetime
) -> Outcome | None:
    """Claim one letter, hand it over, and note what became of it. None if not ours."""
    waiting = _sign_ups(now) if isinstance(row, SignUp) else _subscribers(now)
    # The time is part of the claim: should the address be asked for anew, this row is outdated.
    claim = waiting.filter(pk=row.pk, letter_due_at=row.letter_due_at)
    if not claim.update(letter_claimed_at=now):
        return None
    outcome = hand_over(_letter(row), mailer)
    if outcome.state != Delivery.State.SENT:
        logger.warning("A letter did not go out: %s", outcome.reason)
    _settle(row, outcome, now=now)
    return outcome


def _letter(row: SignUp | Subscriber) -> EmailMessage:
    return confirm_letter(row) if isinstance(row, SignUp) else already_letter(row)


def _settle(row: SignUp | Subscriber, outcome: Outcome, *, now: datetime) -> None:
    """Exchange our claim for the result; what another worker claimed since is left to it."""
    mine = type(row)._default_manager.filter(pk=row.pk, letter_claimed_at=now)
    mine.update(letter_claimed_at=None, **_result(row, outcome, now=now))


def _result(row: SignUp | Subscriber, outcome: Outcome, *, now: datetime) -> dict[str, datetime]:
    if outcome.state == Delivery.State.SENT:
        return {"letter_sent_at": now}
    pause = _pause(row, outcome, now=now)
    return {"letter_dropped_at": now} if pause is None else {"letter_due_at": now + pause}


def _pause(row: SignUp | Subscriber, outcome: Outcome, *, now: datetime) -> timedelta | None:
    """How long a letter that did not go out waits for its next try; None if there is none."""
    if outcome.state == Delivery.State.QUEUED and outcome.stop:
        return timedelta()
    if outcome.state == Delivery.State.FAILED or isinstance(row, Subscriber):
        return None  # The note is a courtesy: a mailbox that does not take it need not have it.
    if outcome.state == Delivery.State.UNKNOWN:
        # Pauses double: a server that takes letters but never says so gets ten in the week.
        return max(PAUSE, now - row.asked_at)
    return PAUSE
