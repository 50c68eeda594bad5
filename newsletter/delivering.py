"""Handing a digest to the mail server: each reader's copy at most once, whatever breaks.

A row is claimed by a conditional update before its message is handed over and settled after.
A crash in between leaves it claimed; `settle_lost` later calls it unknown, and nobody sends it
again. One worker at a time serves a digest: it holds a lease on it, which runs out by itself.
"""

import logging
import time
from datetime import datetime, timedelta

from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from articles.models import Article
from newsletter.letters import digest_letter
from newsletter.mailing import ROUND_SECONDS, hand_over, open_mailer
from newsletter.models import Delivery, Digest, Subscriber
from newsletter.outcomes import Outcome

logger = logging.getLogger(__name__)

ROUND_ROWS = 500
# Longer than a round and one message after it, each of whose five steps may take EMAIL_TIMEOUT.
LEASE = timedelta(minutes=2)
# Pauses double, so the last attempt is 42 hours after the first: a relay may be ill for a night.
MAX_ATTEMPTS = 10
FIRST_PAUSE = timedelta(minutes=5)
WITHDRAWN = "an article in it was withdrawn"

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
        _hold(digest, None)
    finish_if_done(digest_id, now=timezone.now())
    return more


def _lease(digest_id: int) -> Digest | None:
    now = timezone.now()
    free = Q(leased_until_at__isnull=True) | Q(leased_until_at__lt=now)
    open_digest = Digest.objects.filter(free, pk=digest_id, state=Digest.State.SENDING)
    if not open_digest.update(leased_until_at=now + LEASE):
        return None
    return Digest.objects.get(pk=digest_id)


def _hold(digest: Digest, until: datetime | None) -> None:
    """Exchange our lease for a rest, or for none; another's lease, or a rest, stays as it is."""
    ours = Digest.objects.filter(pk=digest.pk, leased_until_at=digest.leased_until_at)
    ours.update(leased_until_at=until)


def _send_waiting(digest: Digest) -> bool:
    if _skip_withdrawn(digest, now=timezone.now()):
        return False
    waiting = digest.deliveries.waiting(timezone.now())
    rows = list(waiting.prefetch_related("corrections")[:ROUND_ROWS])
    if not rows:
        return False
    with open_mailer() as mailer:
        done = mailer is not None and _send_rows(rows, digest, mailer)
    return done and digest.deliveries.waiting(timezone.now()).exists()


def _skip_withdrawn(digest: Digest, *, now: datetime) -> bool:
    """Whether readers may no longer see one of its articles; then no more copies go out."""
    public = Article.objects.published(now).order_by().values("pk")
    if not digest.articles.exclude(pk__in=public).exists():
        return False
    logger.warning("Digest %s goes to nobody else: an article in it was withdrawn", digest.pk)
    queued = digest.deliveries.filter(state=State.QUEUED)
    queued.update(state=State.SKIPPED, reason=WITHDRAWN, settled_at=now)
    return True


def _send_rows(rows: list[Delivery], digest: Digest, mailer: BaseEmailBackend) -> bool:
    """False if the mail server's answers say that it is no use to go on now.

    A server that ends a connection after some letters is no reason to wait: it got us on.
    """
    # Counted from here: a server that greets slowly still gets its letters.
    deadline = time.monotonic() + ROUND_SECONDS
    for row in rows:
        outcome = deliver_one(row, digest, mailer)
        if outcome and outcome.stop:
            logger.warning("Digest %s stops for now: %s", digest.pk, outcome.reason)
            if outcome.rest:
                _hold(digest, timezone.now() + outcome.rest)
            return outcome.is_free
        if time.monotonic() > deadline:
            break
    return True


def deliver_one(row: Delivery, digest: Digest, mailer: BaseEmailBackend) -> Outcome | None:
    """Claim one row, send its message through the open `mailer`, settle it. None if not ours.

    Whether the reader still wants it is read after the claim, right before the hand-over.
    """
    now = timezone.now()
    mine = Delivery.objects.waiting(now).filter(pk=row.pk)
    if not mine.update(state=State.CLAIMED, claimed_at=now, attempts=F("attempts") + 1):
        return None
    row.attempts += 1
    outcome = _send(row, digest, mailer)
    _settle(row, outcome)
    return outcome


def _send(row: Delivery, digest: Digest, mailer: BaseEmailBackend) -> Outcome:
    reader = Subscriber.objects.reachable(timezone.now()).filter(deliveries=row).first()
    if reader is None:
        return Outcome(State.SKIPPED, "left or paused before it was sent")
    return hand_over(digest_letter(digest, row, reader), mailer)


def _settle(row: Delivery, outcome: Outcome) -> None:
    now = timezone.now()
    claimed = Delivery.objects.filter(pk=row.pk, state=State.CLAIMED)
    if outcome.is_free:
        attempts = F("attempts") - 1
        claimed.update(state=State.QUEUED, reason=outcome.reason, attempts=attempts)
    elif outcome.state == State.QUEUED:
        _put_back(row, claimed, outcome.reason, now=now)
    else:
        claimed.update(state=outcome.state, reason=outcome.reason, settled_at=now)


def _put_back(row: Delivery, claimed: QuerySet[Delivery], reason: str, *, now: datetime) -> None:
    """Queue it again after a pause that doubles each time; after MAX_ATTEMPTS it has failed."""
    if row.attempts < MAX_ATTEMPTS:
        later = now + FIRST_PAUSE * 2 ** (row.attempts - 1)
        claimed.update(state=State.QUEUED, reason=reason, not_before_at=later)
    else:
        given_up = f"given up after {row.attempts} attempts: {reason}"
        claimed.update(state=State.FAILED, reason=given_up, settled_at=now)


def settle_lost(*, now: datetime) -> int:
    """Call unknown what was claimed longer than a lease ago: its worker died on the way."""
    lost = Delivery.objects.filter(
        digest__state=Digest.State.SENDING, state=State.CLAIMED, claimed_at__lt=now - LEASE
    )
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
