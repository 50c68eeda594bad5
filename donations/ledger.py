"""The one sum: bar, text, digest and newsroom all read `progress`."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, Sum

from donations.models import Drive, LedgerEntry
from fibrosite.lib.money import format_money


@dataclass(frozen=True)
class Progress:
    """Where a drive stands: minor units of its currency, and when the last entry was made."""

    raised_minor: int
    goal_minor: int
    currency: str
    gifts: int
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

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.raised_minor >= self.goal_minor


def progress(drive: Drive) -> Progress:
    """What the ledger says of a drive: received, less refunds, with corrections."""
    total = LedgerEntry.objects.filter(donation__drive=drive).aggregate(
        raised=Sum("amount_minor", default=0),
        gifts=Count("donation", filter=Q(kind=LedgerEntry.Kind.RECEIVED), distinct=True),
        as_of=Max("recorded_at"),
    )
    return Progress(
        raised_minor=total["raised"],
        goal_minor=drive.goal_minor,
        currency=drive.currency,
        gifts=total["gifts"],
        as_of=total["as_of"],
    )
