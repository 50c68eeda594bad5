"""One sum behind every number, and entries that are only ever added."""

import random
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction
from django.test import Client

from donations import booking, giving
from donations.ledger import progress
from donations.models import Donation, Drive, LedgerEntry
from newsletter.letters import render_letter
from tests.factories import NOON, ArticleFactory, DriveFactory, gift

pytestmark = pytest.mark.django_db

Event = tuple[int, str, int]


def history(seed: int) -> list[Event]:
    """Gifts with their refunds and corrections, as (gift, kind, minor units)."""
    chance = random.Random(seed)
    events: list[Event] = []
    for number in range(chance.randint(1, 12)):
        received = chance.randint(1, 50_000)
        events.append((number, "received", received))
        if chance.random() < 0.4:
            events.append((number, "refunded", -chance.randint(1, received)))
        for _ in range(chance.randint(0, 2)):
            events.append((number, "correction", chance.choice([-7, -1, 1, 5_000])))
    return events


def record(events: list[Event], order: random.Random) -> Drive:
    """A new drive whose ledger got these events in some order."""
    drive = DriveFactory.create(goal_minor=200_000)
    gifts = {number: given_to(drive) for number, _, _ in events}
    for number, kind, minor in order.sample(events, len(events)):
        enter(gifts[number], kind, minor)
    return drive


def given_to(drive: Drive) -> Donation:
    """A gift of which the ledger knows nothing yet."""
    return Donation.objects.create(drive=drive, currency=drive.currency)


def enter(donation: Donation, kind: str, minor: int, reason: str = "slip") -> LedgerEntry | None:
    return booking.book(
        donation,
        kind,
        minor,
        currency=donation.currency,
        source_key=f"hand:{uuid4()}",
        happened_at=NOON,
        now=NOON,
        reason=reason,
    )


def sums(text: str) -> list[str]:
    """Each "$5 raised of $10 goal" of a page or letter, as read by eyes and as read aloud."""
    aloud = re.findall(r'aria-valuetext="([^"]+)"', text)
    seen = re.findall(r"\S+ raised of \S+ goal", re.sub(r"<[^>]+>", "", text))
    assert seen
    return aloud + seen


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_entries_does_not_matter(seed: int):
    events = history(seed)
    expected = sum(minor for _, _, minor in events)
    for order in range(3):
        state = progress(record(events, random.Random(order)))
        assert state.raised_minor == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_drive_never_shows_a_share_below_zero_or_a_bar_above_full(seed: int):
    drive = record(history(seed), random.Random(seed))
    state = progress(drive)
    assert state.percent >= 0
    assert 0 <= state.filled <= 100
    assert (state.raised_minor >= drive.goal_minor) == (state.percent >= 100)


@pytest.mark.parametrize("seed", range(5))
def test_bar_text_callout_and_digest_say_the_same(cleo: Client, seed: int):
    drive = record(history(seed), random.Random(seed))
    article = ArticleFactory.create()
    letter = render_letter("digest", {"articles": [], "leave_url": "", "with_drive": True})
    pages = [
        cleo.get(path).content.decode()
        for path in ("/", "/donate/", drive.get_absolute_url(), article.get_absolute_url())
    ]
    said = {words for text in (*pages, letter.text, letter.html) for words in sums(text)}
    state = progress(drive)
    assert said == {f"{state.raised} raised of {state.goal} goal"}


def test_entries_of_another_drive_do_not_count():
    drive, other = DriveFactory.create(), DriveFactory.create()
    gift(drive, 1_000)
    gift(other, 9_000)
    assert progress(drive).raised == "$10"


def test_a_drive_without_gifts_stands_at_zero():
    state = progress(DriveFactory.create())
    assert (state.raised, state.percent, state.as_of) == ("$0", 0, None)


def test_a_gift_cannot_give_back_more_than_it_holds():
    drive = DriveFactory.create()
    donation = gift(drive, 100).donation
    giving.amend(donation, "correction", -60, reason="slip", now=NOON)
    with pytest.raises(ValueError, match="more than it holds"):
        giving.amend(donation, "correction", -60, reason="slip", now=NOON)
    assert progress(drive).raised_minor == 40


def test_a_sum_below_zero_is_told_and_the_bar_stays_empty():
    drive = DriveFactory.create()
    donation = gift(drive, 100).donation
    enter(donation, "disputed", -500)
    state = progress(drive)
    assert (state.raised, state.percent, state.filled) == ("-$4", 0, 0)


def test_a_share_is_rounded_down_so_that_a_hundred_means_met():
    drive = DriveFactory.create(goal_minor=100_000)
    gift(drive, 99_999)
    assert progress(drive).percent == 99
    gift(drive, 1)
    assert progress(drive).percent == 100


def test_the_sum_is_exact_for_amounts_that_floats_cannot_hold():
    drive = DriveFactory.create()
    for _ in range(3):
        gift(drive, 10**15 + 1)
    raised = progress(drive).raised_minor
    assert (raised, type(raised)) == (3 * 10**15 + 3, int)


def test_the_sum_is_as_of_its_last_entry():
    drive = DriveFactory.create()
    entry = giving.receive(Donation(drive=drive), amount_minor=100, now=NOON)
    later = NOON + timedelta(hours=3)
    giving.amend(entry.donation, "correction", -50, reason="slip", now=later)
    assert progress(drive).as_of == later


@pytest.mark.parametrize(
    ("kind", "minor", "reason"),
    [
        ("received", 0, ""),
        ("received", -1, ""),
        ("settled", -1, ""),
        ("refunded", 0, ""),
        ("refunded", 1, ""),
        ("disputed", 1, ""),
        ("dispute-won", -1, ""),
        ("dispute-lost", -1, ""),
        ("fee", 0, ""),
        ("pledged", -5, ""),
        ("correction", 0, "slip"),
        ("correction", 5, ""),
        ("stolen", 5, "why not"),
    ],
)
def test_the_database_refuses_a_sign_that_does_not_fit(kind: str, minor: int, reason: str):
    donation = given_to(DriveFactory.create())
    with pytest.raises(IntegrityError), transaction.atomic():
        enter(donation, kind, minor, reason)
    assert not donation.entries.exists()


@pytest.mark.parametrize("first", ["received", "settled"])
@pytest.mark.parametrize("second", ["received", "settled"])
def test_the_money_of_a_gift_comes_once_by_hand_or_provider(first: str, second: str):
    drive = DriveFactory.create()
    donation = given_to(drive)
    enter(donation, first, 100)
    with pytest.raises(booking.MoneyCameTwiceError):
        enter(donation, second, 100)
    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(
            drive=drive,
            donation=donation,
            kind=second,
            amount_minor=100,
            currency="USD",
            drive_minor=100,
            counts=True,
            source_key="by hook or by crook",
            happened_at=NOON,
            recorded_at=NOON,
        )
    assert progress(drive).raised_minor == 100


@pytest.mark.django_db(transaction=True)
def test_a_gift_and_its_entry_are_saved_both_or_neither():
    with pytest.raises(IntegrityError):
        giving.receive(Donation(drive=DriveFactory.create()), amount_minor=-1, now=NOON)
    assert not Donation.objects.exists()


def test_an_entry_is_never_changed():
    entry = gift(DriveFactory.create(), 100)
    entry.amount_minor = 1
    with pytest.raises(TypeError, match="append a correction"):
        entry.save()


def test_the_database_lets_nobody_edit_or_delete_an_entry():
    gift(DriveFactory.create(), 100)
    for act in (
        lambda: LedgerEntry.objects.update(reason="mine"),
        lambda: LedgerEntry.objects.all()._raw_delete(using="default"),
    ):
        with pytest.raises(IntegrityError, match="append a correction"), transaction.atomic():
            act()
    assert LedgerEntry.objects.get().reason == ""


def test_an_entry_is_never_deleted_nor_is_its_gift_or_drive():
    entry = gift(DriveFactory.create(), 100)
    with pytest.raises(TypeError, match="append a correction"):
        entry.delete()
    with pytest.raises(models.ProtectedError):
        entry.donation.delete()
    with pytest.raises(models.ProtectedError):
        entry.donation.drive.delete()


def test_who_recorded_an_entry_stays_known(ada: User):
    giving.receive(Donation(drive=DriveFactory.create()), amount_minor=1, now=NOON, by=ada)
    with pytest.raises(models.ProtectedError):
        ada.delete()
