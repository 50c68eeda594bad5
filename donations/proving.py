"""Proof that the running totals are the sums of what the ledger holds."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Q, Sum
from django.utils import timezone

from donations.booking import CAME, HOLDING
from donations.models import Donation, DriveDay, DriveTotal, LedgerEntry, Match, Milestone

Kind = LedgerEntry.Kind
CHUNK = 2000


def differences() -> Iterator[str]:
    """Each running total that is not what its entries say, in a sentence; none if all is right.

    Read in one snapshot: gifts that come meanwhile are no difference.
    """
    with transaction.atomic():
        _look_at_one_moment()
        yield from _gifts()
        yield from _totals()
        yield from _days()
        yield from _matches()
        yield from _milestones()


def _look_at_one_moment() -> None:
    """Elsewhere than on PostgreSQL a transaction sees one moment by itself. Inside another
    transaction it is too late to ask, and nobody else is there to disturb."""
    if connection.vendor == "postgresql" and len(connection.savepoint_ids) == 0:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _gifts() -> Iterator[str]:
    holding = Q(entries__kind__in=HOLDING)
    rows = Donation.objects.order_by("pk").annotate(
        sum_held=Sum("entries__amount_minor", filter=holding, default=0),
        sum_counted=Sum("entries__drive_minor", filter=Q(entries__counts=True), default=0),
        sum_promised=Sum("entries__drive_minor", filter=Q(entries__kind=Kind.PLEDGED), default=0),
        came_at=Max("entries__happened_at", filter=Q(entries__kind__in=CAME)),
    )
    for gift in rows.iterator(chunk_size=CHUNK):
        told = (gift.held_minor, gift.counted_minor, gift.paid_at)
        found = (int(gift.sum_held), int(gift.sum_counted), gift.came_at)
        promised = 0 if gift.is_test else int(gift.sum_promised)
        if told != found or gift.promised_minor != promised:
            yield f"Gift {gift.pk} says {told}, its entries say {found}."


def _totals() -> Iterator[str]:
    sums = _sums()
    for total in DriveTotal.objects.select_related("drive"):
        found = sums.pop(total.drive_id, _nothing())
        for name, value in found.items():
            told = getattr(total, name)
            if told != value:
                yield f"{total}: {name} is {told}, the entries say {value}."
    for drive in sums:
        yield f"Drive {drive} has entries and no total."


def _nothing() -> dict[str, Any]:
    names = ("raised", "matched", "pledged", "fees")
    return {**{f"{name}_minor": 0 for name in names}, "gifts": 0, "donors": 0, "as_of": None}


def _sums() -> dict[int | None, dict[str, Any]]:
    """What the totals should say, by drive (None: the fund)."""
    found: dict[int | None, dict[str, Any]] = defaultdict(_nothing)
    fees = Q(kind=Kind.FEE) & ~Q(donation__is_test=True)
    entries = LedgerEntry.objects.order_by().values("drive")
    for row in entries.annotate(
        raised=Sum("drive_minor", filter=Q(counts=True), default=0),
        matched=Sum("drive_minor", filter=Q(kind=Kind.MATCHED), default=0),
        fees=Sum("drive_minor", filter=fees, default=0),
        as_of=Max("recorded_at"),
    ):
        one = found[row["drive"]]
        one |= {f"{name}_minor": int(row[name]) for name in ("raised", "matched", "fees")}
        one["as_of"] = row["as_of"]
    gifts = Donation.objects.order_by()
    for drive, pledged in (
        gifts.filter(paid_at=None).values_list("drive").annotate(sum=Sum("promised_minor"))
    ):
        found[drive]["pledged_minor"] += int(pledged)
    givers: dict[int | None, set[int]] = defaultdict(set)
    for drive, donor in gifts.filter(counted_minor__gt=0).values_list("drive", "donor").iterator():
        found[drive]["gifts"] += 1
        if donor is None:
            found[drive]["donors"] += 1
        else:
            givers[drive].add(donor)
    for drive, donors in givers.items():
        found[drive]["donors"] += len(donors)
    return dict(found)


def _days() -> Iterator[str]:
    zone = timezone.get_default_timezone()
    found: dict[tuple[int | None, date], int] = defaultdict(int)
    counting = LedgerEntry.objects.order_by().filter(counts=True)
    rows = counting.values_list("drive", "happened_at", "drive_minor")
    for drive, happened_at, minor in rows.iterator(chunk_size=CHUNK):
        found[drive, timezone.localdate(happened_at, zone)] += minor
    for one in DriveDay.objects.all():
        value = found.pop((one.drive_id, one.day), 0)
        if one.raised_minor != value:
            yield f"Day {one} of drive {one.drive_id}: the entries say {value}."
    for (of_drive, day), value in found.items():
        yield f"Day {day} of drive {of_drive} is missing: {value}."


def _matches() -> Iterator[str]:
    for match in Match.objects.select_related("drive"):
        gifts = Donation.objects.filter(
            drive=match.drive, paid_at__range=(match.from_at, match.until_at)
        )
        eligible = int(gifts.aggregate(sum=Sum("counted_minor", default=0))["sum"])
        booked = int(match.entries.aggregate(sum=Sum("amount_minor", default=0))["sum"])
        if (match.eligible_minor, match.booked_minor) != (eligible, booked):
            told = f"{match.eligible_minor}, {match.booked_minor}"
            yield f"{match} says {told}; the entries say {eligible}, {booked}."
        if match.booked_minor != match.due_minor:
            yield f"{match} booked {match.booked_minor} and owes {match.due_minor}."


def _milestones() -> Iterator[str]:
    raised = F("drive__total__raised_minor")
    passed = Q(at_minor__lte=raised, reached_at=None)
    ahead = Q(at_minor__gt=raised, reached_at__isnull=False)
    for milestone in Milestone.objects.filter(passed | ahead).select_related("drive"):
        yield f"Milestone “{milestone}” of {milestone.drive} is marked wrongly."
