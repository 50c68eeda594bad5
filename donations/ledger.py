"""The one sum: bar, text, callout, JSON, digest, newsroom and files all read `progress`.

It costs the same for a hundred gifts and for a hundred thousand: the sums are kept with each entry
(`donations.booking`), and proven by `manage.py check_ledger`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from donations.booking import currency_of
from donations.models import Donation, Drive, DriveDay, DriveTotal
from fibrosite.lib.money import format_money


@dataclass(frozen=True)
class Progress:
    """Where a drive or the fund stands: minor units of its currency, and when the last entry was
    made. The fund has no goal."""

    raised_minor: int
    goal_minor: int | None
    currency: str
    as_of: datetime | None
    stretch_goal_minor: int | None = None
    # The part of what was raised that matches added.
    matched_minor: int = 0
    pledged_minor: int = 0
    fees_minor: int = 0
    gifts: int = 0
    donors: int = 0

    @property
    def raised(self) -> str:
        """What came in, as text."""
        return format_money(self.raised_minor, self.currency)

    @property
    def goal(self) -> str:
        """The goal, as text; empty if there is none."""
        return "" if self.goal_minor is None else format_money(self.goal_minor, self.currency)

    @property
    def stretch_goal(self) -> str:
        """The stretch goal, as text; empty if there is none."""
        stretch = self.stretch_goal_minor
        return "" if stretch is None else format_money(stretch, self.currency)

    @property
    def matched(self) -> str:
        """What matches added, as text."""
        return format_money(self.matched_minor, self.currency)

    @property
    def pledged(self) -> str:
        """What is promised and has not come, as text."""
        return format_money(self.pledged_minor, self.currency)

    @property
    def fees(self) -> str:
        """What providers kept, as text; it does not lessen what was raised."""
        return format_money(-self.fees_minor, self.currency)

    @property
    def words(self) -> str:
        """The sum in words, the same everywhere: $5 raised of $10 goal."""
        raised = f"{self.raised} raised"
        return raised if self.goal_minor is None else f"{raised} of {self.goal} goal"

    @property
    def percent(self) -> int:
        """Whole percent of the goal, rounded down so that 100 means met; never below 0.

        0 without a goal.
        """
        return max(0, self.raised_minor * 100 // self.goal_minor) if self.goal_minor else 0

    @property
    def filled(self) -> int:
        """How much of the bar is full, in percent: `percent`, at most 100."""
        return min(100, self.percent)


def progress(drive: Drive | None) -> Progress:
    """What the ledger says of a drive (of the fund: None): received and settled, less refunds and
    disputes, with corrections and matches."""
    return progress_of([drive])[0]


def progress_of(drives: Sequence[Drive | None]) -> list[Progress]:
    """The same for each of some drives, in their order, in one query."""
    known = Q(drive__in=[drive for drive in drives if drive])
    if None in drives:
        known |= Q(drive=None)
    totals = {total.drive_id: total for total in DriveTotal.objects.filter(known)}
    return [
        _progress(drive, totals.get(drive.pk if drive else None) or DriveTotal())
        for drive in drives
    ]


def _progress(drive: Drive | None, total: DriveTotal) -> Progress:
    return Progress(
        raised_minor=total.raised_minor,
        goal_minor=drive.goal_minor if drive else None,
        currency=currency_of(drive),
        as_of=total.as_of,
        stretch_goal_minor=drive.stretch_goal_minor if drive else None,
        matched_minor=total.matched_minor,
        pledged_minor=total.pledged_minor,
        fees_minor=total.fees_minor,
        gifts=total.gifts,
        donors=total.donors,
    )


def raised_by_day(drive: Drive) -> list[tuple[date, int]]:
    """What each day of the site's calendar brought, in minor units; days without are left out.

    Their sum is what was raised. A match stands at the day of the gift that it was booked with.
    """
    return raised_by_day_of([drive])[drive.pk]


def raised_by_day_of(drives: Sequence[Drive]) -> dict[int, list[tuple[date, int]]]:
    """The same for each of some drives, by their primary keys, in one query."""
    days: dict[int, list[tuple[date, int]]] = {drive.pk: [] for drive in drives}
    found = DriveDay.objects.filter(drive__in=drives).order_by("day")
    for pk, day, minor in found.values_list("drive_id", "day", "raised_minor"):
        days[pk].append((day, minor))
    return days


def raised_by_month(drive: Drive | None) -> list[tuple[date, int]]:
    """What each month of the site's calendar brought, by its first day, in minor units; months
    without are left out. Their sum is what was raised."""
    months = DriveDay.objects.filter(drive=drive).values(month=TruncMonth("day"))
    sums = months.annotate(brought=Sum("raised_minor")).order_by("month")
    return list(sums.values_list("month", "brought"))


def recent_gifts(drive: Drive | None, limit: int = 10) -> QuerySet[Donation]:
    """The gifts that came last and still hold something, the newest first.

    Their names are for readers only by `Donation.public_name`, their words by `public_message`.
    """
    holding = Donation.objects.filter(drive=drive, counted_minor__gt=0, paid_at__isnull=False)
    return holding.order_by("-paid_at", "-pk")[:limit]
