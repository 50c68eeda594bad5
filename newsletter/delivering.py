"""Handing a digest to the mail server: each reader's copy at most once, whatever breaks.

A row is claimed by a conditional update before its message is handed over and settled after.
A crash in between leaves it claimed; `settle_lost` later calls it unknown, and nobody sends it
again. One worker at a time serves a digest: it holds a lease on it, which runs out by itself.
"""

import logging
import time
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from articles.models import Article
from newsletter.home import is_at_home
from newsletter.letters import digest_letter
from newsletter.mailing import ROUND_SECONDS, hand_over, open_mailer
from newsletter.models import Delivery, Digest, Subscriber, Variant
from newsletter.outcomes import Outcome
from newsletter.undoing import take_back

logger = logging.getLogger(__name__)

ROUND_ROWS = 500
# Longer than a round and one message after it, each of whose five steps may take EMAIL_TIMEOUT.
LEASE = timedelta(minutes=2)
# Pauses double, so the last attempt is 42 hours after the first: a relay may be ill for a night.
MAX_ATTEMPTS = 10
FIRST_PAUSE = timedelta(minutes=5)
# An editor who presses pause does not wait longer than this.
LOOK_UP = 1.0
WITHDRAWN = "an article in it was withdrawn"

State = Delivery.State


def deliver_round(digest_id: int) -> bool:
    """Send a bounded part of a digest. True if more can be sent at once.

    Safe to call at any time, twice, and from two workers: without the lease it does nothing.
    """
    digest = _lease(digest_id) if is_at_home() else None
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
    _skip_withdrawn(digest, now=timezone.now())
    waiting = digest.deliveries.waiting(timezone.now())
    rows = list(waiting.prefetch_related("corrections")[:ROUND_ROWS])
    if not rows:
        return False
    with open_mailer() as mailer:
        done = mailer is not None and _send_rows(rows, digest, mailer)
    return done and digest.deliveries.waiting(timezone.now()).exists()


def _skip_withdrawn(digest: Digest, *, now: datetime) -> None:
    """Skip the copies still waiting that hold an article which readers may no longer see."""
    public = Article.objects.published(now).order_by().values("pk")
    gone = digest.items.exclude(article__in=public).order_by().values("variant")
    queued = digest.deliveries.filter(state=State.QUEUED, variant__in=gone)
    take_back(queued, digest)
    skipped = queued.update(state=State.SKIPPED, reason=WITHDRAWN, settled_at=now)
    if skipped:
        logger.warning("Digest %s: %s copies hold a withdrawn article", digest.pk, skipped)


def _send_rows(rows: list[Delivery], digest: Digest, mailer: BaseEmailBackend) -> bool:
    """False if the mail server's answers, or an editor, say that it is no use to go on now.

    A server that ends a connection after some letters is no reason to wait: it got us on.
    """
    # Counted from here: a server that greets slowly still gets its letters.
    deadline = time.monotonic() + ROUND_SECONDS
    looked = time.monotonic()
    variants: dict[int | None, Variant] = {one.pk: one for one in digest.variants.all()}
    for row in rows:
        outcome = deliver_one(row, digest, variants[row.variant_id], mailer)
        if outcome and outcome.stop:
            logger.warning("Digest %s stops for now: %s", digest.pk, outcome.reason)
            if outcome.rest:
                _hold(digest, timezone.now() + outcome.rest)
            return outcome.is_free
        if time.monotonic() > deadline:
            break
        if time.monotonic() > looked + LOOK_UP:
            looked = time.monotonic()
            if not _still_sends(digest):
                return False
    return True


def _still_sends(digest: Digest) -> bool:
    """Whether no editor, and no brake, has stopped it meanwhile."""
    return Digest.objects.filter(pk=digest.pk, state=Digest.State.SENDING).exists()


def deliver_one(
    row: Delivery, digest: Digest, variant: Variant, mailer: BaseEmailBackend
) -> Outcome | None:
    """Claim one row, send its message through the open `mailer`, settle it. None if not ours.

    Whether the reader still wants it is read after the claim, right before the hand-over.
    """
    now = timezone.now()
    mine = Delivery.objects.waiting(now).filter(pk=row.pk)
    if not mine.update(state=State.CLAIMED, claimed_at=now, attempts=F("attempts") + 1):
        return None
    row.attempts += 1
    outcome = _send(row, digest, variant, mailer)
    _settle(row, outcome)
    return outcome


def _send(row: Delivery, digest: Digest, variant: Variant, mailer: BaseEmailBackend) -> Outcome:
    reader = Subscriber.objects.reachable(timezone.now()).filter(deliveries=row).first()
    if reader is None:
        # Who is in a pause gets what this copy held once it is over.
        take_back(Delivery.objects.filter(pk=row.pk), digest)
        return Outcome(State.SKIPPED, "left or paused before it was sent")
    letter = digest_letter(digest, variant, row, reader)
    outcome = hand_over(letter, mailer)
    row.provider_id = _provider_id(letter)
    return outcome


def _provider_id(letter: EmailMessage) -> str:
    """The provider's own name for a letter handed over by Anymail; "" for plain SMTP."""
    name = getattr(getattr(letter, "anymail_status", None), "message_id", None)
    return name[:200] if isinstance(name, str) else ""


def _settle(row: Delivery, outcome: Outcome) -> None:
    now = timezone.now()
    claimed = Delivery.objects.filter(pk=row.pk, state=State.CLAIMED)
    if outcome.is_free:
        attempts = F("attempts") - 1
        claimed.update(state=State.QUEUED, reason=outcome.reason, attempts=attempts)
    elif outcome.state == State.QUEUED:
        _put_back(row, claimed, outcome.reason, now=now)
    else:
        claimed.update(
            state=outcome.state,
            reason=outcome.reason,
            provider_id=row.provider_id,
            settled_at=now,
        )


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


@transaction.atomic
def finish_if_done(digest_id: int, *, now: datetime) -> bool:
    """Close a digest once every delivery is final and their sum is its audience.

    Under the digest's lock: an editor who queues copies again, at this moment, does so after.
    """
    digest = Digest.objects.select_for_update().get(pk=digest_id)
    if digest.state != Digest.State.SENDING or digest.deliveries.unfinished().exists():
        return False
    copies = digest.deliveries.count()
    if copies != digest.audience:
        logger.error("Digest %s: %s rows are not %s", digest_id, copies, digest.audience)
        return False
    digest.state, digest.finished_at = Digest.State.DONE, now
    digest.save(update_fields=["state", "finished_at"])
    return True
