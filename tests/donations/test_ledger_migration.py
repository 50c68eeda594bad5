"""The migrations that made one ledger: gifts from before count the same, to the cent."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.migrations.state import StateApps

from donations.ledger import progress, raised_by_day
from donations.models import Donation, Donor, Drive, LedgerEntry
from donations.proving import differences
from tests.factories import NOON
from tests.migrating import migrate, newest

GIVEN_ON = date(2026, 2, 10)


def to_the_end() -> None:
    migrate(*newest("donations"))


@pytest.fixture
def old_apps(no_tables: None) -> StateApps:
    """The models as they were."""
    return migrate(("donations", "0001_initial"))


def old_drive(apps: Any, currency: str = "USD") -> Any:
    return apps.get_model("donations", "Drive").objects.create(
        name="Winter",
        slug=f"winter-{currency.lower()}",
        goal_minor=10_000,
        currency=currency,
        starts_on=date(2026, 2, 1),
        ends_on=date(2026, 2, 28),
        story="<p>For heat.</p>",
        how_to_give="<p>By cheque.</p>",
    )


def old_gift(drive: Any, *entries: tuple[str, int], donor_name: str = "") -> int:
    """A gift as it was entered, with what was booked of it day by day; its primary key."""
    donation = drive.donations.create(received_on=GIVEN_ON, donor_name=donor_name)
    for days, (kind, minor) in enumerate(entries):
        donation.entries.create(
            kind=kind,
            amount_minor=minor,
            reason="A slip" if kind == "correction" else "",
            recorded_at=NOON + timedelta(days=days),
        )
    return int(donation.pk)


def test_gifts_from_before_stand_in_totals_that_the_ledger_proves(old_apps: StateApps) -> None:
    dollars, yen, empty = (old_drive(old_apps, code) for code in ("USD", "JPY", "EUR"))
    old_gift(dollars, ("received", 2_550), ("correction", -50), ("refunded", -500))
    old_gift(dollars, ("received", 1_000), ("refunded", -1_000))
    old_gift(yen, ("received", 1_500))
    to_the_end()
    assert list(differences()) == []
    sums = [progress(Drive.objects.get(pk=old.pk)) for old in (dollars, yen, empty)]
    assert [(one.raised, one.gifts) for one in sums] == [("$20", 1), ("¥1,500", 1), ("€0", 0)]


def test_money_stands_at_the_day_it_was_given_and_what_left_at_the_day_it_left(
    old_apps: StateApps,
) -> None:
    pk = old_gift(old_drive(old_apps), ("received", 2_500), ("refunded", -500))
    to_the_end()
    gift = Donation.objects.get(pk=pk)
    noon = datetime(2026, 2, 10, 12, tzinfo=UTC)
    assert (gift.given_on, gift.currency, gift.held_minor, gift.paid_at) == (
        GIVEN_ON,
        "USD",
        2_000,
        noon,
    )
    left_on = (NOON + timedelta(days=1)).date()
    assert gift.drive
    assert raised_by_day(gift.drive) == [(GIVEN_ON, 2_500), (left_on, -500)]


def test_gifts_under_one_name_are_of_one_donor_and_those_without_are_of_nobody(
    old_apps: StateApps,
) -> None:
    drive = old_drive(old_apps)
    for name in ("Grandma Noor", " grandma  noor", "Omar", ""):
        old_gift(drive, ("received", 100), donor_name=name)
    to_the_end()
    assert set(Donor.objects.values_list("name", "email")) == {("Grandma Noor", ""), ("Omar", "")}
    assert Donation.objects.filter(donor=None).count() == 1
    assert progress(Drive.objects.get(pk=drive.pk)).donors == 3
    assert Donation.objects.values("key").distinct().count() == 4


def test_entries_from_before_can_be_changed_no_more(old_apps: StateApps) -> None:
    old_gift(old_drive(old_apps), ("received", 100), ("refunded", -40))
    to_the_end()
    assert LedgerEntry.objects.values("source_key").distinct().count() == 2
    for change in (
        lambda: LedgerEntry.objects.update(amount_minor=1),
        lambda: LedgerEntry.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert list(LedgerEntry.objects.values_list("amount_minor", flat=True)) == [100, -40]
