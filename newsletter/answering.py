"""Sending the letters to one person each that wait in the outbox."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q, QuerySet
from django.utils import timezone

from newsletter.home import is_at_home
from newsletter.mailing import ROUND_SECONDS, hand_over, open_mailer
from newsletter.models import Delivery, Letter
from newsletter.outcomes import Outcome
from newsletter.posting import Kind
from newsletter.singles import message_of
from newsletter.tokens import CONFIRM_WITHIN

logger = logging.getLogger(__name__)

AT_ONCE = 200
PAUSE = timedelta(minutes=30)
# Longer than a round and the letter it ends with: an older claim is that of a worker that died.
CLAIM = timedelta(minutes=2)
# Somebody waits for these: to get one twice does no harm, to miss it keeps a person out.
NEEDED = {Kind.CONFIRM, Kind.CHANGE, Kind.DATA, Kind.ERASE}
# A mailbox that does not take these at once need not have them.
COURTESIES = {Kind.ALREADY, Kind.GOODBYE}


def answer_waiting(*, now: datetime) -> int:
    """Send the letters that are due, for about ten seconds; the number sent.

    Safe in two workers at once: each letter is claimed by a conditional update first. One that
    the mail server refuses is dropped. One that it wants later stays due, and so does a needed
    one that may be lost.
    """
    letters = list(_free(now)[:AT_ONCE])
    if not letters or not is_at_home():
        return 0
    with open_mailer() as mailer:
        return _answer(letters, mailer, now=now) if mailer else 0


def letters_waiting() -> int:
    """How many letters have not gone out yet; more than a few mean that mail is stuck."""
    return _unanswered(timezone.now()).count()


def _unanswered(now: datetime) -> QuerySet[Letter]:
    """Letters that wait; after a week one is given up."""
    return Letter.objects.filter(sent_at=None, dropped_at=None, asked_at__gt=now - CONFIRM_WITHIN)


def _free(now: datetime) -> QuerySet[Letter]:
    """Due by `now`, and in no living worker's hands."""
    unclaimed = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM)
    return _unanswered(now).filter(unclaimed, due_at__lte=now).order_by("due_at", "pk")


def _answer(letters: Sequence[Letter], mailer: BaseEmailBackend, *, now: datetime) -> int:
    sent = 0
    deadline = time.monotonic() + ROUND_SECONDS
    for letter in letters:
        if time.monotonic() > deadline:
            break
        outcome = _answer_one(letter, mailer, now=now)
        if outcome is None:
            continue
        sent += outcome.state == Delivery.State.SENT
        if outcome.stop:
            break
    return sent


def _answer_one(letter: Letter, mailer: BaseEmailBackend, *, now: datetime) -> Outcome | None:
    """Claim one letter, hand it over, and note what became of it. None if not ours."""
    # The time is part of the claim: what was tried or dropped meanwhile is not this letter.
    if not _free(now).filter(pk=letter.pk, due_at=letter.due_at).update(claimed_at=now):
        return None
    message = message_of(letter)
    if message is None:
        _settle(letter, {"dropped_at": now, "reason": "of no use any more"}, now=now)
        return None
    outcome = hand_over(message, mailer)
    if outcome.state != Delivery.State.SENT:
        logger.warning("A letter did not go out: %s", outcome.reason)
    _settle(letter, _result(letter, outcome, now=now), now=now)
    return outcome


def _settle(letter: Letter, result: dict[str, Any], *, now: datetime) -> None:
    """Exchange our claim for the result; what another worker claimed since is left to it."""
    mine = Letter.objects.filter(pk=letter.pk, claimed_at=now)
    mine.update(claimed_at=None, **result)


def _result(letter: Letter, outcome: Outcome, *, now: datetime) -> dict[str, Any]:
    if outcome.state == Delivery.State.SENT:
        return {"sent_at": now, "reason": ""}
    pause = _pause(letter, outcome, now=now)
    result = {"dropped_at": now} if pause is None else {"due_at": now + pause}
    return {**result, "reason": outcome.reason[:300]}


def _pause(letter: Letter, outcome: Outcome, *, now: datetime) -> timedelta | None:
    """How long a letter that did not go out waits for its next try; None if there is none."""
    if outcome.state == Delivery.State.QUEUED and outcome.stop:
        return timedelta()
    if outcome.state == Delivery.State.FAILED or letter.kind in COURTESIES:
        return None
    if outcome.state == Delivery.State.UNKNOWN:
        # Pauses double: a server that takes letters but never says so gets ten in the week.
        return max(PAUSE, now - letter.asked_at) if letter.kind in NEEDED else None
    return PAUSE
