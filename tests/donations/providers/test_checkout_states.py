"""What became of a checkout follows from what was told, in whatever order."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from donations import checking_out
from donations.checking_out import Wish, state_of
from donations.models import Checkout, Donor, GiftLetter
from donations.providers.entering import Books
from donations.providers.facts import (
    CheckoutTold,
    Fact,
    Paid,
    Person,
    PledgeTold,
    Unavailable,
    Unknown,
)
from tests.donations.providers.till import GIVER, Till
from tests.factories import NOON, DriveFactory

pytestmark = pytest.mark.django_db

PERSON = Person(email=GIVER)
ORDER = ("begun", "expired", "completed", "failed", "paid", "ended")


def opened(**fields: Any) -> Checkout:
    defaults = {"amount_minor": 1_000, "currency": "USD", "provider": "stripe", "state": "open"}
    return Checkout.objects.create(drive=DriveFactory.create(), **{**defaults, **fields})


def told(checkout: Checkout, word: str) -> Fact:
    """One fact of a checkout, as the provider tells it."""
    at = NOON + timedelta(minutes=ORDER.index(word))
    pledge_id = f"sub_{checkout.pk}" if checkout.monthly else ""
    if word == "paid":
        return Paid(
            happened_at=at, refs=(f"pi_{checkout.pk}",), amount_minor=1_000, currency="USD",
            checkout=None if checkout.monthly else checkout.key, pledge_id=pledge_id,
            person=PERSON,
        )  # fmt: skip
    if word in ("begun", "ended"):
        ended = word == "ended"
        return PledgeTold(happened_at=at, pledge_id=pledge_id, checkout=checkout.key, ended=ended)
    return CheckoutTold(
        happened_at=at, checkout=checkout.key, state=word, person=PERSON,
        pledge_id=pledge_id if word == "completed" else "",
    )  # fmt: skip


def tell(checkout: Checkout, *words: str) -> Checkout:
    """Enter facts in this order, each by itself; what is not known yet comes last."""
    waiting = [*words]
    while waiting:
        word = waiting.pop(0)
        try:
            with transaction.atomic():
                Books("stripe", now=timezone.now()).enter(told(checkout, word))
        except Unknown:
            waiting.append(word)
    checkout.refresh_from_db()
    return checkout


@pytest.mark.parametrize(
    ("words", "state", "standing"),
    [
        ((), "open", "waiting"),
        (("expired",), "expired", "expired"),
        (("completed",), "completed", "on-its-way"),
        (("expired", "completed"), "completed", "on-its-way"),
        (("failed",), "failed", "failed"),
        (("completed", "failed"), "failed", "failed"),
        (("expired", "completed", "failed"), "failed", "failed"),
        (("paid",), "completed", "entered"),
        (("completed", "paid"), "completed", "entered"),
        (("expired", "completed", "failed", "paid"), "completed", "entered"),
    ],
)
@pytest.mark.parametrize("monthly", [False, True], ids=["once", "monthly"])
def test_in_whatever_order_it_is_told_it_stands_the_same(
    words: tuple[str, ...], state: str, standing: str, monthly: bool
):
    if monthly and words == ("paid",):
        words = ("completed", "paid")
    for order in permutations(words):
        for told_again in ((), order):
            with transaction.atomic():
                checkout = tell(opened(monthly=monthly), *order, *told_again)
                assert (order, checkout.state, state_of(checkout)) == (order, state, standing)
                assert (checkout.failed_at is not None) == ("failed" in words)
                transaction.set_rollback(True)


@pytest.mark.parametrize("words", [("begun", "completed"), ("begun", "completed", "paid")])
def test_when_a_giver_agreed_does_not_depend_on_who_told_it_first(words: tuple[str, ...]):
    for order in permutations(words):
        with transaction.atomic():
            assert tell(opened(monthly=True), *order).completed_at == NOON
            transaction.set_rollback(True)


def test_a_monthly_gift_that_ends_before_any_money_came_has_failed():
    for order in permutations(("completed", "ended")):
        with transaction.atomic():
            assert state_of(tell(opened(monthly=True), *order)) == "failed"
            transaction.set_rollback(True)


def test_a_monthly_gift_that_ends_later_stays_entered():
    assert state_of(tell(opened(monthly=True), "completed", "paid", "ended")) == "entered"


def test_that_money_did_not_come_is_mailed_once_and_not_when_it_came():
    tell(opened(), "paid", "failed")
    assert not GiftLetter.objects.filter(kind="failed").exists()
    other = opened()
    for word in ("failed", "completed"):
        tell(other, word)
    assert GiftLetter.objects.filter(kind="failed").count() == 1


def test_a_giver_whose_address_only_the_agreement_told_hears_that_no_money_came():
    checkout = tell(opened(), "completed")
    failed = CheckoutTold(happened_at=NOON, checkout=checkout.key, state="failed")
    Books("stripe", now=NOON).enter(failed)
    assert GiftLetter.objects.get(kind="failed").email == GIVER


def test_of_an_erased_giver_no_letter_says_that_money_did_not_come():
    checkout = opened(donor=Donor.objects.create(erased_at=NOON))
    tell(checkout, "failed")
    assert checkout.state == "failed"
    assert not GiftLetter.objects.exists()


@pytest.mark.parametrize("state", ["failed", "expired"])
def test_a_form_sent_again_does_not_lead_to_a_page_that_is_over(till: Till, state: str):
    wish = Wish(key=uuid.uuid4(), drive=None, amount_minor=1_000)
    now = timezone.now()
    first = checking_out.open_checkout(wish, "stripe", now=now)
    assert checking_out.open_checkout(wish, "stripe", now=now).url == first.url
    Checkout.objects.update(state=state)
    with pytest.raises(Unavailable):
        checking_out.open_checkout(wish, "stripe", now=now)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.parametrize("monthly", [False, True], ids=["once", "monthly"])
def test_told_all_at_once_it_stands_the_same(monthly: bool):
    Donor.objects.create(email=GIVER)
    words = ("expired", "completed", "failed", "paid")

    def teller(checkout: Checkout, word: str) -> None:
        try:
            for _ in range(200):
                try:
                    with transaction.atomic():
                        Books("stripe", now=timezone.now()).enter(told(checkout, word))
                except (Unknown, IntegrityError, OperationalError):
                    continue
                return
        finally:
            connection.close()

    checkouts = [opened(monthly=monthly) for _ in range(8)]
    for number, checkout in enumerate(checkouts):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda word, one=checkout: teller(one, word), words))
        checkout.refresh_from_db()
        assert (number, checkout.state, state_of(checkout)) == (number, "completed", "entered")
