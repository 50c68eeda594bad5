"""The one sum: bar, text, digest and newsroom all read `progress`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Sum

from donations.models import Drive, LedgerEntry
from fibrosite.lib.money import format_money


@dataclass(frozen=True)
class Progress:
    """Where a drive stands: minor units of its currency, and when the last entry was made."""

    raised_minor: int
    goal_minor: int
    currency: str
    as_of: datetime | None

    @property
    def raised(self) -> str:
        """What came in, as text."""
        return format_money(self.raised_minor, self.currency)

    @property
    def goal(self) -> str:
        """The goal, as text."""
        return format_money(self.goal_minor, self.currency)

    @property
    def percent(self) -> int:
        """Whole percent of the goal, rounded down so that 100 means met; never below 0."""
        return max(0, self.raised_minor * 100 // self.goal_minor)

    @property
    def filled(self) -> int:
        """How much of the bar is full, in percent: `percent`, at most 100."""
        return min(100, self.percent)


def progress(drive: Drive) -> Progress:
    """What the ledger says of a drive: received, less refunds, with corrections."""
    return progress_of([drive])[0]


def progress_of(drives: Sequence[Drive]) -> list[Progress]:
    """The same for each of some drives, in their order, in one query."""
    rows = (
        LedgerEntry.objects.filter(donation__drive__in=drives)
        .order_by()
        .values_list("donation__drive")
        .annotate(raised=Sum("amount_minor"), as_of=Max("recorded_at"))
    )
    sums = {pk: (raised, as_of) for pk, raised, as_of in rows}
    return [_progress(drive, *sums.get(drive.pk, (0, None))) for drive in drives]


def _progress(drive: Drive, raised: int, as_of: datetime | None) -> Progress:
    return Progress(
        raised_minor=int(raised),  # PostgreSQL sums to a decimal
        goal_minor=drive.goal_minor,
        currency=drive.currency,
        as_of=as_of,
    )
