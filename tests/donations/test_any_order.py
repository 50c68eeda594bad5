"""Whatever order facts are told in, and however often: one ledger, one sum."""

import csv
import random
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client

from donations import booking, exporting
from donations.charts import days_of
from donations.ledger import progress, raised_by_day
from donations.models import Donation, Drive, DriveRate, LedgerEntry, Match
from donations.proving import differences
from fibrosite.lib.money import format_money
from newsletter.letters import render_letter
from tests.donations.histories import Fact, History, history
from tests.factories import NOON, DriveFactory, gift

pytestmark = pytest.mark.django_db

SEEDS = range(12)
CURRENCIES = ["USD", "JPY", "KWD"]


def expected_minor(told: History) -> int:
    """What the gifts hold in the drive's currency, counted without any help of the ledger."""
    rates = {rate.currency: rate.rate for rate in DriveRate.objects.filter(drive=told.drive)}
    total = 0
    for number, one in enumerate(told.gifts):
        facts = [fact for fact in told.facts if fact.gift == number]
        held = sum(f.minor for f in facts if f.kind not in ("pledged", "fee"))
        if not one.is_test:
            rate = rates.get(one.currency, Decimal(1))
            ours = told.drive.currency
            total += booking.convert(held, rate, source=one.currency, target=ours)
    return total


def books(drive: Drive) -> dict[str, Any]:
    """All that must not depend on the order."""
    entries = LedgerEntry.objects.filter(drive=drive).exclude(kind="matched")
    standing = progress(drive)
    return {
        "facts": Counter(
            (entry.source_key.partition(":")[2], entry.kind, entry.amount_minor, entry.currency)
            for entry in entries
        ),
        "gifts": [
            (one.held_minor, one.counted_minor, one.promised_minor, one.paid_at)
            for one in drive.donations.order_by("pk")
        ],
        "sums": [
            standing.raised_minor, standing.matched_minor, standing.pledged_minor,
            standing.fees_minor, standing.gifts, standing.donors, standing.as_of,
        ],
        "matches": list(drive.matches.order_by("pk").values_list("booked_minor", flat=True)),
        "milestones": [one.reached_at is not None for one in drive.milestones.all()],
    }  # fmt: skip


def shuffled_with_repeats(facts: list[Fact], order: random.Random) -> list[Fact]:
    again = order.sample(facts, len(facts) // 2)
    return order.sample([*facts, *again], len(facts) + len(again))


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_and_repetition_gives_the_same_books(seed: int, currency: str):
    first = history(seed, currency=currency)
    first.tell(first.facts)
    for order in range(3):
        told = history(seed, currency=currency)
        told.tell(shuffled_with_repeats(told.facts, random.Random(order)))
        assert books(told.drive) == books(first.drive)
    standing = progress(first.drive)
    assert standing.raised_minor - standing.matched_minor == expected_minor(first)
    assert list(differences()) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_after_each_fact_the_sums_are_right_and_no_match_is_above_its_cap(seed: int):
    told = history(seed, gifts=5)
    for fact in shuffled_with_repeats(told.facts, random.Random(seed)):
        told.tell([fact])
        assert list(differences()) == []
        for match in told.drive.matches.all():
            assert 0 <= match.booked_minor <= match.cap_minor


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_tellers_at_the_same_time_give_the_same_books(seed: int):
    alone = history(seed, gifts=25)
    alone.tell(alone.facts)
    told = history(seed, gifts=25)

    def teller(number: int) -> None:
        try:
            told.tell(shuffled_with_repeats(told.facts, random.Random(number)))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(teller, range(8)))
    assert books(told.drive) == books(alone.drive)
    assert list(differences()) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_bar_text_digest_chart_json_and_file_say_the_same(cleo: Client, seed: int):
    told = history(seed, currency=CURRENCIES[seed % 3])
    told.tell(shuffled_with_repeats(told.facts, random.Random(seed)))
    drive, standing = told.drive, progress(told.drive)

    template = Template("{% load donations %}{% drive_progress drive %}")
    bar = template.render(Context({"drive": drive}))
    letter = render_letter("digest", {"articles": [], "leave_url": "", "with_drive": True})
    assert f'aria-valuetext="{standing.words}"' in bar
    assert standing.words in re.sub(r"<[^>]+>", "", bar)
    assert standing.words in letter.text
    assert standing.words in re.sub(r"<[^>]+>", "", letter.html)
    assert sum(minor for _, minor in raised_by_day(drive)) == standing.raised_minor
    assert days_of(drive, until=drive.ends_on)[-1].raised_minor == standing.raised_minor
    assert sum_of_file(drive) == standing.raised
    told_elsewhere = cleo.get(f"{drive.get_absolute_url()}progress.json").json()
    assert told_elsewhere["raised_minor"] == standing.raised_minor


def sum_of_file(drive: Drive) -> str:
    """What an accountant gets who adds up the rows that count."""
    text = "".join(exporting.ledger(None, None, drive=drive)).removeprefix("\ufeff")
    rows = csv.DictReader(text.splitlines())
    minor = sum(
        int(row["amount in drive"].replace(".", "")) for row in rows if row["counts"] == "yes"
    )
    return format_money(minor, drive.currency)


def test_a_gift_in_another_currency_that_is_given_back_in_parts_leaves_no_cent():
    drive = DriveFactory.create()
    DriveRate.objects.create(drive=drive, currency="EUR", rate="1.0853")
    entry = gift(drive, 10_000, currency="EUR")
    assert entry.drive_minor == 10_853
    for number, part in enumerate((3_333, 3_333, 3_334)):
        booking.book(
            entry.donation, "refunded", -part, currency="EUR", source_key=f"part {number}",
            happened_at=NOON, now=NOON,
        )  # fmt: skip
    standing = progress(drive)
    assert (standing.raised_minor, standing.gifts, standing.donors) == (0, 0, 0)


@pytest.mark.parametrize(
    ("minor", "rate", "source", "target", "expected"),
    [
        (10_000, "1.0853", "EUR", "USD", 10_853),
        (1_500, "0.006713", "JPY", "USD", 1_007),
        (1_000, "148.97", "USD", "JPY", 1_490),
        (2_500, "3.2571", "KWD", "USD", 814),
        (1_000, "0.30701", "USD", "KWD", 3_070),
        (1, "0.5", "EUR", "USD", 1),
        (-1, "0.5", "EUR", "USD", -1),
        (10**15, "1.0853", "EUR", "USD", 1_085_300_000_000_000),
    ],
)
def test_minor_units_are_converted_by_the_decimals_of_both_currencies(
    minor: int, rate: str, source: str, target: str, expected: int
):
    assert booking.convert(minor, Decimal(rate), source=source, target=target) == expected


def test_a_currency_without_a_rate_is_refused_and_nothing_changes():
    drive = DriveFactory.create()
    with pytest.raises(booking.NoRateError, match="no rate for EUR"):
        gift(drive, 100, currency="EUR")
    assert not LedgerEntry.objects.exists()
    assert not Donation.objects.exists()


def test_a_match_gives_up_to_its_cap_and_takes_back_with_a_refund():
    drive = DriveFactory.create()
    match = Match(drive=drive, name="A friend", ratio=1, cap_minor=5_000)
    match.from_at, match.until_at = NOON.replace(year=2020), NOON.replace(year=2040)
    booking.save_match(match, now=NOON)
    entry = gift(drive, 8_000)
    assert (progress(drive).raised_minor, progress(drive).matched_minor) == (13_000, 5_000)
    booking.book(
        entry.donation, "refunded", -6_000, currency="USD", source_key="back", happened_at=NOON,
        now=NOON,
    )  # fmt: skip
    assert (progress(drive).raised_minor, progress(drive).matched_minor) == (4_000, 2_000)


def test_a_match_that_is_agreed_late_counts_the_gifts_of_its_days_and_a_new_cap_holds():
    drive = DriveFactory.create()
    gift(drive, 8_000)
    match = Match(drive=drive, name="A friend", ratio=Decimal("0.5"), cap_minor=50_000)
    match.from_at, match.until_at = NOON.replace(year=2020), NOON.replace(year=2040)
    booking.save_match(match, now=NOON)
    assert progress(drive).matched_minor == 4_000
    match.cap_minor = 1_000
    booking.save_match(match, now=NOON)
    assert (progress(drive).matched_minor, progress(drive).raised_minor) == (1_000, 9_000)
    assert list(differences()) == []


def test_a_gift_of_a_test_is_booked_and_never_counts():
    drive = DriveFactory.create()
    entry = gift(drive, 8_000, is_test=True)
    assert entry.counts is False
    standing = progress(drive)
    assert (standing.raised_minor, standing.gifts) == (0, 0)


def test_a_total_that_was_tampered_with_is_found():
    drive = DriveFactory.create()
    gift(drive, 8_000)
    drive.total.raised_minor = 8_001
    drive.total.save()
    Donation.objects.update(held_minor=1)
    assert len(list(differences())) == 2
