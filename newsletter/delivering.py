"""Handing a digest to the mail server: each reader's copy at most once, whatever breaks.

A row is claimed by a conditional update before its message is handed over and settled after.
A crash in between leaves it claimed; `settle_lost` later calls it unknown, and nobody sends it
again. One worker at a time serves a digest: it holds a lease on it, which runs out by itself.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import get_connection
from django.db.models import F, Q
from django.utils import timezone

from newsletter.letters import digest_letter
from newsletter.models import Delivery, Digest, Subscriber
from newsletter.outcomes import Outcome, judge

logger = logging.getLogger(__name__)

# One round ends well before its lease does, even if the last message waits for EMAIL_TIMEOUT.
ROUND_SECONDS = 10
ROUND_ROWS = 500
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 6
FIRST_PAUSE = timedelta(minutes=5)

State = Delivery.State


def deliver_round(digest_id: int) -> bool:
    """Send a bounded part of a digest. True if more can be sent at once.

    Safe to call at any time, twice, and from two workers: without the lease it does nothing.
    """
    digest = _lease(digest_id)
    if digest is None:
        return False
    try:
        more = _send_waiting(digest)
    finally:
        Digest.objects.filter(pk=digest_id).update(leased_until=None)
    finish_if_done(digest_id, now=timezone.now())
    return more


def _lease(digest_id: int) -> Digest | None:
    now = timezone.now()
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    open_digest = Digest.objects.filter(free, pk=digest_id, state=Digest.State.SENDING)
    if not open_digest.update(leased_until=now + LEASE):
        return None
    return Digest.objects.get(pk=digest_id)


def _send_waiting(digest: Digest) -> bool:
    deadline = time.monotonic() + ROUND_SECONDS
    waiting = digest.deliveries.waiting(timezone.now()).select_related("subscriber")
    rows = list(waiting[:ROUND_ROWS])
    if not rows:
        return False
    try:
        mailer = get_connection()
        mailer.open()
    except OSError as error:  # smtplib's exceptions are OSErrors too
        logger.warning("Digest %s waits: the mail server does not answer (%s)", digest.pk, error)
        return False
    try:
        for row in rows:
            if time.monotonic() > deadline:
                return True
            outcome = deliver_one(row, digest, mailer)
            if outcome and outcome.stop:
                logger.warning("Digest %s pauses: %s", digest.pk, outcome.reason)
                return False
    finally:
        _close(mailer)
    return len(rows) == ROUND_ROWS


def _close(mailer: Any) -> None:
    try:
        mailer.close()
    except OSError:
        logger.info("The mail server had already hung up")


def deliver_one(row: Delivery, digest: Digest, mailer: Any) -> Outcome | None:
    """Claim one row, send its message through the open `mailer`, settle it. None if not ours.

    Whether the reader is still subscribed is read after the claim, right before the hand-over.
    """
    now = timezone.now()
    mine = Delivery.objects.waiting(now).filter(pk=row.pk)
    if not mine.update(state=State.CLAIMED, claimed_at=now, attempts=F("attempts") + 1):
        return None
    row.attempts += 1
    outcome = _hand_over(row, digest, mailer)
    _settle(row, outcome)
    return outcome


def _hand_over(row: Delivery, digest: Digest, mailer: Any) -> Outcome:
    if not Subscriber.objects.active().filter(pk=row.subscriber_id).exists():
        return Outcome(State.SKIPPED, "left before it was sent")
    try:
        sent = mailer.send_messages([digest_letter(digest, row)])
    except Exception as error:
        return judge(error)
    return Outcome(State.SENT, "") if sent else Outcome(State.FAILED, "the mailer took nothing")


def _settle(row: Delivery, outcome: Outcome) -> None:
    now = timezone.now()
    if outcome.state == State.QUEUED:
        outcome = _later(row, outcome)
    pause = FIRST_PAUSE * 2 ** (row.attempts - 1) if outcome.state == State.QUEUED else timedelta()
    Delivery.objects.filter(pk=row.pk, state=State.CLAIMED).update(
        state=outcome.state,
        reason=outcome.reason,
        not_before_at=now + pause,
        settled_at=None if outcome.state == State.QUEUED else now,
    )


def _later(row: Delivery, outcome: Outcome) -> Outcome:
    if row.attempts < MAX_ATTEMPTS:
        return outcome
    return Outcome(State.FAILED, f"given up after {row.attempts} attempts: {outcome.reason}")


def settle_lost(*, now: datetime) -> int:
    """Call unknown what was claimed longer than a lease ago: its worker died on the way."""
    lost = Delivery.objects.filter(state=State.CLAIMED, claimed_at__lt=now - LEASE)
    return lost.update(
        state=State.UNKNOWN,
        reason="the worker stopped while handing it over; it may have arrived",
        settled_at=now,
    )


def finish_if_done(digest_id: int, *, now: datetime) -> bool:
    """Close a digest once every delivery is final and their sum is its audience."""
    digest = Digest.objects.get(pk=digest_id)
    if digest.deliveries.unfinished().exists():
        return False
    if digest.deliveries.count() != digest.audience:
        logger.error(
            "Digest %s: %s rows do not add up to %s",
            digest_id,
            digest.deliveries.count(),
            digest.audience,
        )
        return False
    closed = Digest.objects.filter(pk=digest_id, state=Digest.State.SENDING)
    return bool(closed.update(state=Digest.State.DONE, finished_at=now))
