"""Histories of a drive as chance has it: facts that may be told in any order, and often."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from donations import booking
from donations.models import Donation, Donor, Drive, DriveRate, LedgerEntry, Match, Milestone
from tests.factories import NOON, DriveFactory

RATES = {
    "USD": {"EUR": Decimal("1.0853"), "JPY": Decimal("0.006713"), "KWD": Decimal("3.2571")},
    "JPY": {"USD": Decimal("148.97"), "KWD": Decimal("485.2")},
    "KWD": {"USD": Decimal("0.30701"), "JPY": Decimal("0.00206")},
}


@dataclass(frozen=True)
class Fact:
    """One fact, as a provider or a hand would tell it."""

    gift: int
    kind: str
    minor: int
    currency: str
    key: str
    at: datetime


@dataclass
class History:
    """A drive with gifts of which nothing is booked yet, and what will be told of them."""

    drive: Drive
    gifts: list[Donation] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def tell(self, facts: list[Fact]) -> None:
        """Book some facts, in this order."""
        for fact in facts:
            tell(self.gifts[fact.gift], fact)


def tell(gift: Donation, fact: Fact) -> LedgerEntry | None:
    """Book one fact."""
    return booking.book(
        gift,
        fact.kind,
        fact.minor,
        currency=fact.currency,
        source_key=f"{gift.drive_id}:{fact.key}",
        happened_at=fact.at,
        now=fact.at + timedelta(minutes=5),
        reason="a slip" if fact.kind == "correction" or fact.minor < 0 else "",
    )


def history(seed: int, *, currency: str = "USD", gifts: int = 12) -> History:
    """The same seed gives the same history in a new drive each time."""
    chance = random.Random(seed)
    drive = DriveFactory.create(currency=currency, goal_minor=chance.randint(1_000, 300_000))
    for other, rate in RATES[currency].items():
        DriveRate.objects.create(drive=drive, currency=other, rate=rate)
    _add_matches(drive, chance)
    donors = [Donor.objects.create(name=f"Donor {n}") for n in range(4)]
    told = History(drive)
    for number in range(gifts):
        gift_currency = chance.choice([currency, currency, currency, *RATES[currency]])
        told.gifts.append(
            Donation.objects.create(
                drive=drive,
                currency=gift_currency,
                donor=chance.choice([None, *donors]),
                is_test=chance.random() < 0.1,
            )
        )
        told.facts += _facts(number, gift_currency, chance)
    return told


def _add_matches(drive: Drive, chance: random.Random) -> None:
    for number in range(chance.randint(0, 2)):
        begin = NOON + timedelta(hours=chance.randint(-40, 10))
        Match.objects.create(
            drive=drive,
            name=f"Matcher {number}",
            ratio=chance.choice([Decimal("0.33"), Decimal(1), Decimal("2.5")]),
            cap_minor=chance.randint(1, 60_000),
            from_at=begin,
            until_at=begin + timedelta(hours=chance.randint(1, 40)),
        )
    for at in chance.sample(range(1, 200_000), 3):
        Milestone.objects.create(drive=drive, at_minor=at, words=f"{at} reached")


def _facts(number: int, currency: str, chance: random.Random) -> list[Fact]:
    """What happens to one gift: promised, paid, charged for, given back, disputed, corrected."""
    amount = chance.randint(1, 50_000)
    at = NOON + timedelta(hours=chance.randint(-48, 48))
    told: list[tuple[str, int]] = []
    if chance.random() < 0.3:
        told.append(("pledged", amount))
    if chance.random() < 0.9:
        told.append((chance.choice(["received", "settled"]), amount))
        told += _later(amount, chance)
    return [
        Fact(number, kind, minor, currency, f"{number}:{place}:{kind}", at + timedelta(hours=place))
        for place, (kind, minor) in enumerate(told)
    ]


def _later(amount: int, chance: random.Random) -> list[tuple[str, int]]:
    told: list[tuple[str, int]] = []
    if chance.random() < 0.5:
        told.append(("fee", -chance.randint(1, 100)))
    left = amount
    while left and chance.random() < 0.3:
        part = chance.randint(1, left)
        told.append(("refunded", -part))
        left -= part
    if left and chance.random() < 0.4:
        told.append(("disputed", -left))
        told += chance.choice(
            [
                [("dispute-won", left)],
                [("dispute-lost", 0)],
                # Held and let go, and then taken back in part or in whole.
                [("correction", left), ("refunded", -chance.randint(1, left))],
            ]
        )
    if chance.random() < 0.2:
        told.append(("correction", chance.choice([-1, 1, 700])))
    return told
