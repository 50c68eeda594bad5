"""Keeps each report once, and does what follows from it: settles copies, takes readers off.

Reports come in any order, late, and more than once. So nothing here depends on what came before:
each effect is worked out from all rows that are there, and doing it again changes nothing.
"""

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from newsletter.events import braking
from newsletter.events.refusals import judge
from newsletter.models import (
    Batch,
    ConsentEvent,
    Delivery,
    Digest,
    MailEvent,
    Subscriber,
    Suppression,
)
from newsletter.sending.batches import count_again
from newsletter.suppressing import address_hash, suppress

logger = logging.getLogger(__name__)

Kind = MailEvent.Kind
State = Delivery.State
Reason = Suppression.Reason

ARRIVED = (Kind.DELIVERED, Kind.COMPLAINT, Kind.UNSUBSCRIBED, Kind.AUTO_REPLY)
CAME_BACK = (Kind.HARD_BOUNCE, Kind.SOFT_BOUNCE, Kind.REJECTED)
SOFT_LIMIT = 3
# Left to the queue so long before the tick takes it for lost.
PATIENCE = timedelta(seconds=30)
SWEEP_ROWS = 500
_BY_REPORT = "settled by a report: "
_ADDRESS = re.compile(r"[^\s<>:;,\"'()\[\]]+(@|%40|=40)[^\s<>:;,\"'()\[\]]+")


@dataclass(frozen=True)
class Report:
    """One report about one message, in our words. `recipient` may be "" where it is not named."""

    provider: str
    kind: MailEvent.Kind
    event_id: str
    happened_at: datetime
    recipient: str = ""
    delivery: Delivery | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def identity(*parts: object) -> str:
    """A name for an event, of whatever tells it from others: the same parts, the same name."""
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def without_addresses(words: str) -> str:
    """A server's words on one line of at most 300 characters; the row outlives its reader."""
    storable = words.replace("\0", " ").encode(errors="replace").decode()
    return " ".join(_ADDRESS.sub("(address)", storable).split())[:300]


def keep(report: Report, *, now: datetime) -> MailEvent | None:
    """Store a report; None if it is known already (mail rule R50). Keeps no address."""
    delivery, email = report.delivery, report.recipient
    reader = Subscriber.objects.with_address(email).first() if email else None
    row, is_new = MailEvent.objects.get_or_create(
        provider=report.provider,
        event_id=report.event_id,
        defaults={
            "kind": report.kind,
            "address_hash": address_hash(email) if email else "",
            "delivery": delivery,
            "digest_id": delivery.digest_id if delivery else None,
            "happened_at": min(report.happened_at, now),
            "received_at": now,
            # The row holds no address, and its reader may be erased meanwhile: then it finds none.
            "detail": {**report.detail, "reader": reader.pk if reader else None},
        },
    )
    return row if is_new else None


def handle(event_id: int, *, now: datetime) -> None:
    """Do what follows from a stored report, once; a second call finds it handled."""
    with transaction.atomic():
        waiting = MailEvent.objects.select_for_update().filter(handled_at=None)
        event = waiting.filter(pk=event_id).first()
        if event is None:
            return
        if event.delivery_id:
            settle([event.delivery_id], now=now)
        _follow(event, now=now)
        event.handled_at = now
        event.save(update_fields=["handled_at"])
    if event.digest_id and event.kind in (Kind.COMPLAINT, *CAME_BACK):
        braking.brake_if_needed(event.digest_id, now=now)


def handle_all(event_ids: Iterable[int], *, now: datetime) -> None:
    """Handle many reports; one that cannot be is logged, and the next sweep tries it again."""
    for pk in event_ids:
        try:
            handle(pk, now=now)
        except Exception:
            # One row must not hold up the rest.
            logger.exception("Mail event %s could not be handled", pk)


def settle(deliveries: Iterable[int], *, now: datetime) -> None:
    """Give copies of unknown fate the one that their reports tell (mail rule R62).

    That one report says it arrived outweighs that others say it came back.
    """
    for pk in deliveries:
        kinds = set(MailEvent.objects.filter(delivery=pk).values_list("kind", flat=True))
        if kinds & set(ARRIVED):
            state, words = State.SENT, "it arrived"
        elif kinds & set(CAME_BACK):
            state, words = State.FAILED, "it came back"
        else:
            continue
        ours = Q(state=State.UNKNOWN) | Q(state=State.FAILED, reason__startswith=_BY_REPORT)
        open_copy = Delivery.objects.filter(ours, pk=pk).exclude(state=state)
        if open_copy.update(state=state, reason=_BY_REPORT + words, settled_at=now):
            count_again([pk])


def _follow(event: MailEvent, *, now: datetime) -> None:
    reader = Subscriber.objects.filter(pk=event.detail.get("reader")).first()
    if reader is not None and event.happened_at < reader.joined_at:
        # Of a time before the owner confirmed the address anew.
        return
    reason = _reason(event, reader)
    if reason is None or not event.address_hash:
        return
    if reader is None:
        _suppress_unknown(event, reason, now=now)
    else:
        _take_off(reader, reason, event, now=now)


def _suppress_unknown(event: MailEvent, reason: str, *, now: datetime) -> None:
    """The same for an address of nobody on the list, known by its hash alone."""
    told = {"reason": reason, "source": event.provider[:60]}
    row, is_new = Suppression.objects.get_or_create(
        address_hash=event.address_hash, defaults={**told, "since_at": now}
    )
    if not is_new and reason == Reason.COMPLAINT:
        Suppression.objects.filter(pk=row.pk).exclude(reason=reason).update(**told)


def _reason(event: MailEvent, reader: Subscriber | None) -> str | None:
    """Why this address is mailed no more, if it is not (mail rules R51, R52, R53)."""
    if event.kind == Kind.SOFT_BOUNCE:
        return Reason.SOFT_BOUNCES if reader and _keeps_bouncing(reader) else None
    if event.kind == Kind.REJECTED:
        return event.detail.get("because") or None
    return {
        Kind.COMPLAINT: Reason.COMPLAINT,
        Kind.HARD_BOUNCE: Reason.HARD_BOUNCE,
        Kind.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
    }.get(Kind(event.kind))


def _keeps_bouncing(reader: Subscriber) -> bool:
    """Whether SOFT_LIMIT digests handed over to the reader one after the other came back."""
    soft = MailEvent.objects.filter(
        delivery__subscriber=reader, kind=Kind.SOFT_BOUNCE, happened_at__gte=reader.joined_at
    )
    came_back = set(soft.values_list("delivery_id", flat=True))
    handed = reader.deliveries.filter(
        Q(state__in=[State.SENT, State.UNKNOWN]) | Q(pk__in=came_back)
    )
    row = 0
    for pk in handed.order_by("pk").values_list("pk", flat=True):
        row = row + 1 if pk in came_back else 0
        if row == SOFT_LIMIT:
            return True
    return False


def _take_off(reader: Subscriber, reason: str, event: MailEvent, *, now: datetime) -> None:
    locked = Subscriber.objects.active().select_for_update().filter(pk=reader.pk)
    was_active = locked.first() is not None
    suppress(reader.email, reason=reason, source=event.provider, now=now)
    if was_active:
        ConsentEvent.objects.create(
            subscriber=reader,
            kind=ConsentEvent.Kind.LEFT,
            method=ConsentEvent.Method.PROVIDER,
            detail=f"{Reason(reason).label}, told by {event.provider}",
            happened_at=now,
        )


def sweep(*, now: datetime) -> None:
    """Do what the queue lost, and settle copies whose reports came before they were unknown."""
    lost = MailEvent.objects.filter(handled_at=None, received_at__lt=now - PATIENCE)
    waiting = lost.order_by("received_at").values_list("pk", flat=True)[:SWEEP_ROWS]
    handle_all(list(waiting), now=now)
    for batch in _recently_unknown(now):
        told = batch.copies().filter(state=State.UNKNOWN, events__kind__in=ARRIVED + CAME_BACK)
        settle(list(told.order_by("pk").values_list("pk", flat=True).distinct()), now=now)
    for pk in Digest.objects.filter(state=Digest.State.SENDING).values_list("pk", flat=True):
        braking.brake_if_needed(pk, now=now)


def _recently_unknown(now: datetime) -> QuerySet[Batch]:
    """Batches with copies of unknown fate, of digests on their way or of yesterday's."""
    recent = Q(digest__finished_at=None) | Q(digest__finished_at__gte=now - timedelta(days=1))
    return Batch.objects.filter(recent, unknown__gt=0)


def forget(email: str) -> None:
    """Leave nothing in the events that leads to this address, whose owner is erased.

    What became of the copies stays, so that a digest's figures stay true.
    """
    told = MailEvent.objects.filter(address_hash=address_hash(email))
    told.update(address_hash="", detail={})


def keep_refusals(deliveries: Iterable[int], *, now: datetime) -> None:
    """Make events of what the mail server refused at once: a bounce, but in its answer to us.

    The next sweep handles them.
    """
    refused = Delivery.objects.filter(
        pk__in=deliveries,
        state=State.FAILED,
        reason__regex=r"^5[0-9][0-9] ",
        subscriber__isnull=False,
    )
    events = [_refusal(row, now=now) for row in refused.select_related("subscriber")]
    MailEvent.objects.bulk_create(events, ignore_conflicts=True)


def _refusal(row: Delivery, *, now: datetime) -> MailEvent:
    assert row.subscriber is not None  # noqa: S101
    return MailEvent(
        provider="smtp",
        event_id=identity(row.pk),
        kind=judge(row.reason),
        address_hash=address_hash(row.subscriber.email),
        delivery=row,
        digest_id=row.digest_id,
        happened_at=row.settled_at or now,
        received_at=now,
        detail={"reader": row.subscriber.pk},
    )
