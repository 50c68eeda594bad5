"""What providers tell, in our words. A fact is true by itself: none depends on what came before.

`refs` are the names by which the provider knows one payment (a payment, its charge, its invoice).
Amounts are minor units as `fibrosite.lib.money` counts them, always positive.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime


class Forged(Exception):
    """The request does not come from the provider, or is too old."""


class Denied(Forged):
    """The provider itself was asked, and says that the request is not its own."""


class Unavailable(Exception):
    """The provider cannot be reached now, or answers with a fault of its own."""


class Refused(Exception):
    """The provider says no; the words say why."""


class Unreadable(ValueError):
    """The report lacks what it must have."""


class Unknown(LookupError):
    """It is about a payment or monthly gift that we do not know, or not yet.

    `subject` is the name to wake it by, should that be told later.
    """

    def __init__(self, subject: str, words: str) -> None:
        super().__init__(words)
        self.subject = subject


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The envelope of a report, as far as it must be known to store it."""

    event_id: str
    type: str
    livemode: bool
    happened_at: datetime | None
    body: str


@dataclass(frozen=True, kw_only=True)
class Fact:
    happened_at: datetime


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever paid, as far as the provider says."""

    email: str = ""
    name: str = ""
    customer_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Paid(Fact):
    """Money came. `refs[0]` is what it is booked by, the same in each report of this payment.

    `tells_amount`: the monthly gift it is of gives as much from then on.
    """

    refs: tuple[str, ...]
    amount_minor: int
    currency: str
    checkout: uuid.UUID | None = None
    pledge_id: str = ""
    tells_amount: bool = False
    next_due_at: datetime | None = None
    person: Person = Person()
    fee_minor: int = 0


@dataclass(frozen=True, kw_only=True)
class Named(Fact):
    """These are names of one payment."""

    refs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FeeTaken(Fact):
    """The provider kept something; negative: gave it back."""

    refs: tuple[str, ...]
    key: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class GivenBack(Fact):
    """A refund. `failed`: it came back to us after all. `reason`: why, if it was not ours to do."""

    refs: tuple[str, ...]
    key: str
    amount_minor: int
    currency: str
    failed: bool = False
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Moved(Fact):
    """Money of a payment moved back, as the provider's books have it; never entered as it is.

    `key` may be another name than the provider's report gives it. `is_loss`: it left us for
    good, for this `reason`. What else moved is for a person to judge.
    """

    refs: tuple[str, ...]
    key: str
    amount_minor: int
    currency: str
    is_loss: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Disputed(Fact):
    """The giver's bank took the money; `outcome` is "", "won" or "lost"."""

    refs: tuple[str, ...]
    key: str
    amount_minor: int
    currency: str
    outcome: str = ""


@dataclass(frozen=True, kw_only=True)
class Held(Fact):
    """The provider holds the money of a payment while a claim is looked into, until `ended_at`.

    The end gives it back, whoever `won`: that it is gone then is told as GivenBack.
    """

    refs: tuple[str, ...]
    key: str
    amount_minor: int
    currency: str
    ended_at: datetime | None = None
    won: bool = False


@dataclass(frozen=True, kw_only=True)
class CheckoutTold(Fact):
    """A checkout was completed, expired, or (`failed`) its money did not arrive."""

    checkout: uuid.UUID
    state: str
    pledge_id: str = ""
    person: Person = Person()


@dataclass(frozen=True, kw_only=True)
class PledgeTold(Fact):
    """How a monthly gift stands. `ended`: nothing more comes of it."""

    pledge_id: str
    checkout: uuid.UUID | None = None
    amount_minor: int = 0
    currency: str = ""
    next_due_at: datetime | None = None
    ends_at: datetime | None = None
    ended: bool = False
    person: Person = Person()


@dataclass(frozen=True, kw_only=True)
class RenewalFailed(Fact):
    """A month of a monthly gift could not be taken. `key` names the month."""

    pledge_id: str
    key: str
    checkout: uuid.UUID | None = None


@dataclass(frozen=True)
class Told:
    """The facts of one report, or why there are none."""

    facts: tuple[Fact, ...] = ()
    ignored: str = ""
