"""Giving money back by the way it came."""

import pytest

from donations.providers.facts import Refused, Unavailable
from donations.providers.refunding import can_refund, refund
from tests.donations.providers.till import Till
from tests.factories import DriveFactory
from tests.factories import gift as by_hand

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("way", ["stripe", "paypal"])
def test_a_refund_changes_the_books_when_the_provider_tells_of_it(till: Till, way: str):
    gift = till.gift(way, drive=DriveFactory.create())
    till.tell()
    gift.refresh_from_db()
    words = refund(gift, 400)
    assert words.startswith("$4 is given back.")
    gift.refresh_from_db()
    assert gift.held_minor == 1_000
    till.tell()
    gift.refresh_from_db()
    assert gift.held_minor == 600


@pytest.mark.parametrize("way", ["stripe", "paypal"])
def test_a_month_of_a_monthly_gift_can_be_given_back(till: Till, way: str):
    gift = till.gift(way, monthly=True)
    refund(gift, 1_000)
    till.tell()
    gift.refresh_from_db()
    assert gift.held_minor == 0


@pytest.mark.parametrize("minor", [0, -1, 1_001])
def test_no_more_is_given_back_than_the_gift_holds(till: Till, minor: int):
    gift = till.gift(drive=DriveFactory.create())
    with pytest.raises(ValueError, match="holds \\$10"):
        refund(gift, minor)


def test_a_cheque_is_given_back_by_hand(db):
    gift = by_hand(DriveFactory.create(), 1_000).donation
    assert not can_refund(gift)
    with pytest.raises(Refused):
        refund(gift, 100)


def test_with_the_provider_away_nothing_is_changed(till: Till):
    gift = till.gift(drive=DriveFactory.create())
    assert can_refund(gift)
    till.server.broken = True
    with pytest.raises(Unavailable):
        refund(gift, 100)


def test_until_the_books_know_the_same_refund_again_is_the_same(till: Till):
    gift = till.gift(drive=DriveFactory.create())
    refund(gift, 400)
    refund(gift, 400)
    till.tell()
    gift.refresh_from_db()
    assert gift.held_minor == 600
    refund(gift, 400)
    till.tell()
    gift.refresh_from_db()
    assert gift.held_minor == 200
