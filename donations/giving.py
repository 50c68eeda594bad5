"""What people enter by hand: gifts that came by post, promises, refunds, corrections."""

import uuid
from datetime import date, datetime, time

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from donations import booking
from donations.models import Donation, LedgerEntry
from fibrosite.lib.money import format_money

Kind = LedgerEntry.Kind


def receive(
    donation: Donation,
    *,
    amount_minor: int,
    now: datetime,
    by: User | None = None,
    source_key: str = "",
) -> LedgerEntry:
    """Save a gift and enter what was received, both or neither. `amount_minor` must be positive.

    `source_key` names the act, so that doing it twice raises booking.BookedAlreadyError.
    """
    return _save_and_book(donation, Kind.RECEIVED, amount_minor, now, by, source_key)


def promise(
    donation: Donation,
    *,
    amount_minor: int,
    now: datetime,
    by: User | None = None,
    source_key: str = "",
) -> LedgerEntry:
    """Save a gift that is promised ("I'll send a cheque"): it counts once it is received."""
    return _save_and_book(donation, Kind.PLEDGED, amount_minor, now, by, source_key)


def receive_promised(
    donation: Donation, *, amount_minor: int, on: date, now: datetime, by: User | None = None
) -> LedgerEntry:
    """Enter what came of a promise, on that day; it need not be what was promised.

    Raises booking.MoneyCameTwiceError if it came already.
    """
    with transaction.atomic():
        gift = Donation.objects.select_for_update().get(pk=donation.pk)
        gift.given_on = on
        gift.save(update_fields=["given_on"])
        return _book(gift, Kind.RECEIVED, amount_minor, _moment(on, now), now, by, "")


def release(
    donation: Donation, *, reason: str, now: datetime, by: User | None = None
) -> LedgerEntry:
    """Let go of a promise that will not be kept. Raises ValueError if nothing is awaited."""
    with transaction.atomic():
        gift = Donation.objects.select_for_update().get(pk=donation.pk)
        promised = sum(entry.amount_minor for entry in gift.entries.filter(kind=Kind.PLEDGED))
        if gift.paid_at or promised <= 0:
            raise ValueError("Nothing is awaited of this gift.")
        return _book(gift, Kind.PLEDGED, -promised, now, now, by, "", reason=reason)


def amend(
    donation: Donation,
    kind: str,
    amount_minor: int,
    *,
    now: datetime,
    by: User | None = None,
    reason: str = "",
) -> LedgerEntry:
    """Append a refund or correction; what was entered before stays readable.

    Raises ValueError if the gift would hold less than nothing, also when two people refund it
    at once.
    """
    with transaction.atomic():
        gift = Donation.objects.select_for_update().get(pk=donation.pk)
        if gift.held_minor + amount_minor < 0:
            held = format_money(gift.held_minor, gift.currency)
            raise ValueError(f"A gift cannot give back more than it holds: {held}.")
        return _book(gift, kind, amount_minor, now, now, by, "", reason=reason)


def _save_and_book(
    donation: Donation, kind: str, amount_minor: int, now: datetime, by: User | None, key: str
) -> LedgerEntry:
    donation.currency = donation.currency or booking.currency_of(donation.drive)
    with transaction.atomic():
        donation.save()
        happened_at = _moment(donation.given_on, now)
        return _book(donation, kind, amount_minor, happened_at, now, by, key)


def _book(
    donation: Donation,
    kind: str,
    amount_minor: int,
    happened_at: datetime,
    now: datetime,
    by: User | None,
    key: str,
    *,
    reason: str = "",
) -> LedgerEntry:
    entry = booking.book(
        donation,
        kind,
        amount_minor,
        currency=donation.currency,
        source_key=key or f"hand:{uuid.uuid4()}",
        happened_at=happened_at,
        now=now,
        by=by,
        reason=reason,
    )
    if entry is None:
        raise booking.BookedAlreadyError("This was entered already.")
    return entry


def _moment(day: date, now: datetime) -> datetime:
    """When something of that day happened: now if it is today, else noon in the site's zone."""
    zone = timezone.get_default_timezone()
    if day == timezone.localdate(now, zone):
        return now
    return datetime.combine(day, time(12), tzinfo=zone)
