"""The only writer of the ledger: each fact once, its sums in the same transaction.

Whatever order facts come in, and however often, the sums end the same: they depend on the facts
alone. Locks are always taken in this order: gift, total of the drive, matches of the drive.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from donations.models import (
    Donation,
    Donor,
    Drive,
    DriveDay,
    DriveRate,
    DriveTotal,
    LedgerEntry,
    Match,
    Milestone,
)
from fibrosite.lib.money import exponent

Kind = LedgerEntry.Kind

# What the money came by: a hand, or a provider.
CAME = frozenset({Kind.RECEIVED, Kind.SETTLED})
# What a gift holds is the sum of these.
HOLDING = CAME | {Kind.REFUNDED, Kind.DISPUTED, Kind.DISPUTE_WON, Kind.CORRECTION}


class NoRateError(ValueError):
    """The drive has no rate for this currency."""


class MoneyCameTwiceError(ValueError):
    """The money of this gift is booked already, from another source."""


class BookedAlreadyError(ValueError):
    """Somebody entered the same already."""


@dataclass(frozen=True)
class _Standing:
    """What one gift adds to the sums of its drive."""

    counted_minor: int
    promised_minor: int
    paid_at: datetime | None

    @classmethod
    def of(cls, gift: Donation) -> "_Standing":
        return cls(gift.counted_minor, gift.promised_minor, gift.paid_at)

    @property
    def holds(self) -> bool:
        return self.counted_minor > 0

    @property
    def awaited_minor(self) -> int:
        """What is promised and has not come."""
        return 0 if self.paid_at else self.promised_minor

    def matched_by(self, match: Match) -> int:
        """The part of it that the match looks at."""
        came = self.paid_at and match.from_at <= self.paid_at <= match.until_at
        return self.counted_minor if came else 0


def book(
    donation: Donation,
    kind: str,
    amount_minor: int,
    *,
    currency: str,
    source_key: str,
    happened_at: datetime,
    now: datetime,
    by: User | None = None,
    reason: str = "",
) -> LedgerEntry | None:
    """Append one fact and change the sums with it; None if its source is booked already.

    `amount_minor` is signed, in minor units of `currency`: what leaves is negative. Raises
    NoRateError, MoneyCameTwiceError, ValueError for another currency than the gift's, and
    IntegrityError for a sign that does not fit; then nothing is changed.
    """
    with transaction.atomic():
        gift = _locked(donation)
        sources = _sources(gift, kind, source_key)
        if source_key in sources:
            return None
        entry = LedgerEntry(
            drive=gift.drive,
            donation=gift,
            kind=kind,
            amount_minor=amount_minor,
            currency=currency,
            source_key=source_key,
            reason=reason,
            happened_at=happened_at,
            recorded_at=now,
            recorded_by=by,
        )
        _refuse(gift, entry, came=bool(sources))
        _enter(gift, entry)
    return entry


def _enter(gift: Donation, entry: LedgerEntry) -> None:
    """Save a fact of a locked gift, with all sums that it changes."""
    before = _Standing.of(gift)
    entry.rate = rate_of(gift.drive, entry.currency)
    entry.drive_minor = _converted(gift, entry)
    entry.counts = entry.kind in HOLDING and not gift.is_test
    _apply(gift, entry)
    entry.save(force_insert=True)
    gift.save(update_fields=["held_minor", "counted_minor", "promised_minor", "paid_at"])
    _sum_up(gift, before, entry)


def _locked(donation: Donation) -> Donation:
    """The row as it stands, locked; its drive, whose currency is fixed, is not read again."""
    gift = Donation.objects.select_for_update().get(pk=donation.pk)
    if gift.drive_id == donation.drive_id:
        gift.drive = donation.drive
    return gift


def _sources(gift: Donation, kind: str, source_key: str) -> list[str]:
    """Where a fact like this comes from already: this very source, or where the money came from."""
    same = Q(source_key=source_key)
    if kind in CAME:
        same |= Q(donation=gift, kind__in=CAME)
    found = LedgerEntry.objects.order_by().filter(same)
    return list(found.values_list("source_key", flat=True))


def _refuse(gift: Donation, entry: LedgerEntry, *, came: bool) -> None:
    if entry.kind == Kind.MATCHED:
        raise ValueError("A match is booked with the gifts that it matches.")
    if entry.kind != Kind.FEE and entry.currency != gift.currency:
        raise ValueError(f"This gift is in {gift.currency}, not in {entry.currency}.")
    if came:
        raise MoneyCameTwiceError("The money of this gift came already.")


def _apply(gift: Donation, entry: LedgerEntry) -> None:
    if entry.kind in HOLDING:
        gift.held_minor += entry.amount_minor
        gift.counted_minor += 0 if gift.is_test else entry.drive_minor
    if entry.kind == Kind.PLEDGED:
        gift.promised_minor += 0 if gift.is_test else entry.drive_minor
    if entry.kind in CAME:
        gift.paid_at = entry.happened_at


# Currencies


def currency_of(drive: Drive | None) -> str:
    """What gifts to this drive, or to the fund, count in."""
    return drive.currency if drive else str(settings.FUND_CURRENCY)


def rate_of(drive: Drive | None, currency: str) -> Decimal:
    """What one unit of `currency` counts in the drive's. Raises NoRateError."""
    if currency == currency_of(drive):
        return Decimal(1)
    found = DriveRate.objects.filter(drive=drive, currency=currency).first()
    if found is None:
        raise NoRateError(f"{drive or 'The fund'} has no rate for {currency}.")
    return found.rate


def convert(amount_minor: int, rate: Decimal, *, source: str, target: str) -> int:
    """Minor units of one currency in those of another, halves rounded away from zero."""
    with localcontext(prec=60):
        amount = (Decimal(amount_minor) * rate).scaleb(exponent(target) - exponent(source))
        return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def _converted(gift: Donation, entry: LedgerEntry) -> int:
    """What an entry adds in the drive's currency.

    What a gift holds is converted as a whole, so that cents of rounding never stay when all of it
    is given back, and the order of its parts does not matter.
    """
    target = currency_of(gift.drive)
    held = gift.held_minor if entry.kind in HOLDING else 0
    after = convert(held + entry.amount_minor, entry.rate, source=entry.currency, target=target)
    return after - convert(held, entry.rate, source=entry.currency, target=target)


# Sums


def _sum_up(gift: Donation, before: _Standing, entry: LedgerEntry) -> None:
    after = _Standing.of(gift)
    total = lock_total(gift.drive)
    raised = total.raised_minor
    total.pledged_minor += after.awaited_minor - before.awaited_minor
    if entry.kind == Kind.FEE and not gift.is_test:
        total.fees_minor += entry.drive_minor
    _count_givers(total, gift, held=before.holds, holds=after.holds)
    if entry.counts:
        _raise(total, entry)
    _match(total, gift, before, after, entry)
    total.as_of = max(total.as_of or entry.recorded_at, entry.recorded_at)
    total.save()
    _reach(gift.drive, raised, total.raised_minor, now=entry.recorded_at)


def lock_total(drive: Drive | None) -> DriveTotal:
    """The total of a drive (of the fund), locked until the transaction ends; made if missing."""
    rows = DriveTotal.objects.select_for_update().filter(drive=drive)
    total = rows.first()
    if total is None:
        # Another transaction may make it in this moment: then that one is taken. By its key, so
        # that the drive does not remember this row as its own.
        new = DriveTotal(drive_id=drive.pk if drive else None)
        DriveTotal.objects.bulk_create([new], ignore_conflicts=True)
        total = rows.get()
    return total


def _count_givers(total: DriveTotal, gift: Donation, *, held: bool, holds: bool) -> None:
    change = int(holds) - int(held)
    if not change:
        return
    total.gifts += change
    total.donors += change if _is_only_gift(gift) else 0


def _is_only_gift(gift: Donation) -> bool:
    """Whether no other gift to the same drive holds anything of the same donor."""
    if gift.donor_id is None:
        return True
    others = Donation.objects.filter(
        drive=gift.drive_id, donor=gift.donor_id, counted_minor__gt=0
    ).exclude(pk=gift.pk)
    return not others.exists()


def _raise(total: DriveTotal, entry: LedgerEntry) -> None:
    """Count an entry in the total and in its day."""
    total.raised_minor += entry.drive_minor
    day = timezone.localdate(entry.happened_at, timezone.get_default_timezone())
    rows = DriveDay.objects.filter(drive=entry.drive_id, day=day)
    if not rows.update(raised_minor=F("raised_minor") + entry.drive_minor):
        DriveDay.objects.create(drive=entry.drive, day=day, raised_minor=entry.drive_minor)


def _reach(drive: Drive | None, before: int, after: int, *, now: datetime) -> None:
    """Mark the milestones that were passed; unmark those that a refund took back."""
    if drive is None or before == after:
        return
    low, high = sorted([before, after])
    passed = Milestone.objects.filter(drive=drive, at_minor__gt=low, at_minor__lte=high)
    passed.update(reached_at=now if after > before else None)


# Matches


def _match(
    total: DriveTotal, gift: Donation, before: _Standing, after: _Standing, entry: LedgerEntry
) -> None:
    if gift.drive is None or before == after:
        return
    for match in Match.objects.select_for_update().filter(drive=gift.drive):
        change = after.matched_by(match) - before.matched_by(match)
        if change:
            match.eligible_minor += change
            _settle(total, match, happened_at=entry.happened_at, now=entry.recorded_at)


def _settle(total: DriveTotal, match: Match, *, happened_at: datetime, now: datetime) -> None:
    """Book what the match owes more, or less, than was booked for it."""
    owed = match.due_minor - match.booked_minor
    match.booked_minor += owed
    match.save()
    if not owed:
        return
    entry = LedgerEntry.objects.create(
        drive=match.drive,
        match=match,
        kind=Kind.MATCHED,
        amount_minor=owed,
        currency=match.drive.currency,
        drive_minor=owed,
        counts=True,
        source_key=f"match:{match.pk}:{uuid.uuid4()}",
        happened_at=happened_at,
        recorded_at=now,
    )
    total.matched_minor += owed
    _raise(total, entry)


def save_match(match: Match, *, now: datetime) -> None:
    """Save a new or changed match and book what it owes by now for the gifts of its days."""
    with transaction.atomic():
        total = lock_total(match.drive)
        raised = total.raised_minor
        kept = Match.objects.filter(pk=match.pk).first()
        match.booked_minor = kept.booked_minor if kept else 0
        gifts = match.drive.donations.filter(
            paid_at__gte=match.from_at, paid_at__lte=match.until_at
        )
        match.eligible_minor = int(gifts.aggregate(sum=Sum("counted_minor", default=0))["sum"])
        _settle(total, match, happened_at=now, now=now)
        total.as_of = max(total.as_of or now, now)
        total.save()
        _reach(match.drive, raised, total.raised_minor, now=now)


# Givers


def set_donor(donation: Donation, donor: Donor | None) -> None:
    """Say who gave; the givers of the drive are counted anew with it."""
    with transaction.atomic():
        gift = Donation.objects.select_for_update().get(pk=donation.pk)
        total = lock_total(gift.drive)
        holds = gift.counted_minor > 0
        total.donors -= int(holds and _is_only_gift(gift))
        gift.donor = donor
        gift.save(update_fields=["donor"])
        total.donors += int(holds and _is_only_gift(gift))
        total.save(update_fields=["donors"])
    donation.donor = donor
