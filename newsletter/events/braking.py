"""The brake: a digest that readers complain of, or that comes back in heaps, goes no further.

Mail rule R54: 0.3 % complaints is where Google stops trusting a sender; more than 5 % returned of
the first 500 copies means that the list is not one of people who asked.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from newsletter.events import alarming
from newsletter.models import Delivery, Digest, MailEvent

logger = logging.getLogger(__name__)

Kind = MailEvent.Kind
State = Delivery.State

COMPLAINTS_PER_1000 = 3
FIRST = 500
RETURNED_PER_100 = 5
# One angry reader of a small list, or a handful of old addresses, is no alarm.
LEAST_COMPLAINTS = 3
LEAST_RETURNED = 10

PROVIDER = "brake"
_HANDED = (State.SENT, State.FAILED, State.UNKNOWN)
_RETURNED = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE, Kind.REJECTED)


@dataclass(frozen=True)
class Figures:
    """What is known of one digest: copies handed over and complained of; of the first 500 of
    them, how many came back."""

    sent: int
    complaints: int
    first: int
    returned: int


def faults(figures: Figures) -> Iterator[tuple[str, str]]:
    """Why a digest must stop: each cause in a word, and in a sentence for editors."""
    complaints, returned = figures.complaints, figures.returned
    if complaints >= LEAST_COMPLAINTS and complaints * 1000 >= figures.sent * COMPLAINTS_PER_1000:
        yield (
            "complaints",
            f"Stopped by itself: {complaints:,} of {figures.sent:,} readers complained that it is "
            f"spam; 3 in 1,000 is the limit.",
        )
    if returned >= LEAST_RETURNED and returned * 100 > figures.first * RETURNED_PER_100:
        yield (
            "returned",
            f"Stopped by itself: {returned:,} of the first {figures.first:,} copies came back; "
            f"5 in 100 is the limit.",
        )


def figures_of(digest: Digest) -> Figures:
    """What happened to the copies of a digest so far."""
    counts = digest.counts()
    sent = sum(counts.get(state, 0) for state in _HANDED)
    first = _first_copies(digest)
    returned = Delivery.objects.filter(
        Q(state=State.FAILED) | Q(events__kind__in=_RETURNED), pk__in=first
    )
    complaints = MailEvent.objects.filter(
        digest=digest, kind=Kind.COMPLAINT, delivery__state__in=_HANDED
    )
    return Figures(
        sent=sent,
        complaints=complaints.order_by().values("delivery").distinct().count(),
        first=len(first),
        returned=returned.distinct().count(),
    )


def _first_copies(digest: Digest) -> list[int]:
    """The first copies that were handed over; batches go in the order of their copies."""
    found: list[int] = []
    begun = digest.batches.filter(Q(sent__gt=0) | Q(failed__gt=0) | Q(unknown__gt=0))
    for batch in begun.order_by("first"):
        handed = batch.copies().filter(state__in=_HANDED).order_by("settled_at", "pk")
        found += handed.values_list("pk", flat=True)[: FIRST - len(found)]
        if len(found) >= FIRST:
            break
    return found


def brake_if_needed(digest_id: int, *, now: datetime) -> bool:
    """Pause a digest on its way that readers complain of or that comes back, and tell the editors.

    True if this call paused it. An editor alone lets it go on, and has then decided: the same
    cause does not stop the same digest again.
    """
    digest = Digest.objects.filter(pk=digest_id, state=Digest.State.SENDING).first()
    if digest is None:
        return False
    for cause, sentence in faults(figures_of(digest)):
        if _pause(digest, cause, sentence, now=now):
            logger.error("Digest %s: %s", digest_id, sentence)
            alarming.tell_editors(f"“{digest.subject}” was stopped", sentence)
            return True
    return False


@transaction.atomic
def _pause(digest: Digest, cause: str, sentence: str, *, now: datetime) -> bool:
    """Pause it, with a row that says so for good; False if another did, or did so once before."""
    _, is_first = MailEvent.objects.get_or_create(
        provider=PROVIDER,
        event_id=f"digest {digest.pk}: {cause}",
        defaults={
            "kind": Kind.UNKNOWN,
            "digest": digest,
            "happened_at": now,
            "received_at": now,
            "handled_at": now,
            "detail": {"words": sentence},
        },
    )
    on_its_way = Digest.objects.filter(pk=digest.pk, state=Digest.State.SENDING)
    return is_first and bool(on_its_way.update(state=Digest.State.PAUSED, reason=sentence))
