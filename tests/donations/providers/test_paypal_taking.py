"""Money that a giver approved at PayPal is taken, also where the report of it never comes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from donations import tasks
from donations.checking_out import state_of
from donations.models import Checkout, Donation, Donor, GiftLetter, LedgerEntry, PaymentEvent
from donations.providers import collecting, paypal
from donations.providers.facts import Unavailable
from donations.providers.paypal.taking import take
from tests.donations.providers.till import GIVER, Till, handle_all, post_paypal
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db


def opened(till: Till, *, minutes_ago: int = 5, way: str = "paypal", **fields: Any) -> Checkout:
    """A checkout whose page was opened some minutes ago."""
    checkout = till.opened(way, drive=DriveFactory.create(), **fields)
    checkout.state = Checkout.State.OPEN
    checkout.opened_at = timezone.now() - timedelta(minutes=minutes_ago)
    checkout.save()
    return checkout


def look() -> int:
    return collecting.collect_all(now=timezone.now())


def test_a_giver_who_comes_back_has_given_before_any_report(till: Till):
    checkout = opened(till)
    till.pays(checkout)
    tasks.collect(checkout.pk)
    gift = Donation.objects.get()
    assert (gift.checkout, gift.held_minor, gift.provider_id) == (
        checkout, 1_000, till.named("capture"),
    )  # fmt: skip
    checkout.refresh_from_db()
    assert checkout.state == "completed"
    assert Donor.objects.get().email == GIVER
    assert GiftLetter.objects.filter(kind="receipt").count() == 1


def test_beside_the_reports_and_again_it_is_booked_once(till: Till):
    checkout = opened(till)
    till.pays(checkout)
    tasks.collect(checkout.pk)
    tasks.collect(checkout.pk)
    till.tell()
    Checkout.objects.update(state="open")
    tasks.collect(checkout.pk)
    assert sorted(LedgerEntry.objects.values_list("kind", flat=True)) == ["fee", "settled"]
    assert GiftLetter.objects.filter(kind="receipt").count() == 1
    assert len(till.server.books.of("capture")) == 1


def test_taking_twice_says_the_same_twice(till: Till):
    checkout = opened(till)
    till.pays(checkout)
    order = till.server.books.get(checkout.provider_session_id)
    approved = {**order, "purchase_units": list(order["purchase_units"])}
    first, second = (take(approved, timezone.now()) for _ in range(2))
    assert len(first.facts) == 2
    assert first == second


def test_a_giver_who_did_not_approve_has_not_given(till: Till):
    checkout = opened(till)
    tasks.collect(checkout.pk)
    assert look() == 0
    assert not Donation.objects.exists()
    checkout.refresh_from_db()
    assert checkout.state == "open"


def test_hourly_what_was_approved_and_never_told_of_is_taken(till: Till):
    till.pays(opened(till, minutes_ago=50))
    opened(till, minutes_ago=40)
    assert look() == 1
    assert Donation.objects.get().held_minor == 1_000
    assert look() == 0


def test_what_was_taken_elsewhere_is_entered_as_the_order_says(till: Till):
    checkout = opened(till)
    till.pays(checkout)
    path = f"/v2/checkout/orders/{checkout.provider_session_id}/capture"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    till.server.paypal.answer(
        "POST", f"/v2/payments/captures/{till.named('capture')}/refund",
        b'{"amount": {"currency_code": "USD", "value": "4.00"}}', {}, key="", here="",
    )  # fmt: skip
    till.server.books.get(till.named("capture"))["status"] = "PARTIALLY_REFUNDED"
    assert look() == 1
    till.tell()
    assert Donation.objects.get().held_minor == 600


@pytest.mark.parametrize(
    ("minutes_ago", "fields"),
    [(1, {}), (25 * 60, {}), (30, {"monthly": True})],
    ids=["just opened", "yesterday", "monthly"],
)
def test_what_is_none_of_this_is_not_asked_about(till: Till, minutes_ago: int, fields, monkeypatch):
    till.pays(opened(till, minutes_ago=minutes_ago, **fields))
    monkeypatch.setattr(paypal, "collect", lambda *_: pytest.fail("it was asked"))
    assert look() == 0


def test_a_gift_by_card_is_not_asked_about(till: Till, monkeypatch):
    checkout = opened(till, way="stripe")
    monkeypatch.setattr(paypal, "collect", lambda *_: pytest.fail("it was asked"))
    assert look() == 0
    tasks.collect(checkout.pk)
    tasks.collect(0)


def test_a_refund_that_waited_for_the_payment_is_entered_with_it(till: Till):
    checkout = opened(till)
    till.pays(checkout)
    path = f"/v2/checkout/orders/{checkout.provider_session_id}/capture"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    till.events()
    path = f"/v2/payments/captures/{till.named('capture')}/refund"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    till.tell()
    assert not Donation.objects.exists()
    tasks.collect(checkout.pk)
    assert Donation.objects.get().held_minor == 0


def test_with_paypal_away_the_next_hour_comes_again(till: Till):
    checkout = opened(till)
    till.pays(checkout)
    till.server.broken = True
    with pytest.raises(Unavailable):
        collecting.collect(checkout.pk, now=timezone.now())
    tasks.collect(checkout.pk)
    assert look() == 0
    till.server.broken = False
    assert look() == 1


def test_an_order_that_ended_stands_in_nobodys_way(till: Till):
    till.pays(opened(till, minutes_ago=50))
    gone = opened(till, minutes_ago=10)
    del till.server.books.objects[gone.provider_session_id]
    assert look() == 1


def pending(till: Till) -> dict:
    """A payment of PayPal's whose money is on its way."""
    checkout = opened(till, email=GIVER)
    till.pays(checkout)
    path = f"/v2/checkout/orders/{checkout.provider_session_id}/capture"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    till.events()
    capture = till.server.books.get(till.named("capture"))
    capture["status"] = "PENDING"
    return capture


def report(kind: str, capture: dict) -> dict:
    return {"id": f"WH-{kind}", "event_type": f"PAYMENT.CAPTURE.{kind}", "resource": {**capture}}


@pytest.mark.parametrize("reported", [False, True])
def test_a_payment_on_its_way_is_agreed_and_counts_when_it_comes(till: Till, reported: bool):
    capture = pending(till)
    if reported:
        till.tell([report("PENDING", capture)])
    assert look() == 0
    assert not Donation.objects.exists()
    assert state_of(Checkout.objects.get()) == "on-its-way"
    till.tell([report("COMPLETED", {**capture, "status": "COMPLETED"})])
    assert Donation.objects.get().held_minor == 1_000
    assert state_of(Checkout.objects.get()) == "entered"


@pytest.mark.parametrize("kind", ["DENIED", "DECLINED"])
def test_of_a_payment_that_does_not_come_the_giver_is_told(till: Till, kind: str):
    capture = pending(till)
    look()
    till.tell([report(kind, capture)])
    assert state_of(Checkout.objects.get()) == "failed"
    assert GiftLetter.objects.get().kind == "failed"
    assert not Donation.objects.exists()


@pytest.mark.parametrize("reported", [False, True])
def test_a_payment_that_the_givers_bank_refuses_ends_the_checkout(till: Till, reported: bool):
    checkout = opened(till)
    till.pays(checkout)
    till.server.books.get(checkout.provider_session_id)["declined"] = True
    if reported:
        till.tell()
    else:
        tasks.collect(checkout.pk)
    assert state_of(Checkout.objects.get()) == "failed"
    assert not PaymentEvent.objects.filter(handled_at=None).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_reports_and_returning_givers_at_the_same_time_book_each_gift_once(till: Till):
    checkouts = [opened(till) for _ in range(6)]
    for checkout in checkouts:
        till.pays(checkout)
    approved = till.events()

    def worker(number: int) -> None:
        try:
            if number % 2:
                for checkout in checkouts:
                    tasks.collect(checkout.pk)
            else:
                for event in approved:
                    assert post_paypal(event).status_code == 200
                handle_all()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(worker, range(6)))
    till.tell()
    assert Donation.objects.count() == 6
    assert LedgerEntry.objects.filter(kind="settled").count() == 6
    assert set(Checkout.objects.values_list("state", flat=True)) == {"completed"}
    assert not PaymentEvent.objects.filter(handled_at=None).exists()


def test_an_order_that_cannot_be_read_keeps_no_other_from_being_taken(till: Till):
    till.pays(opened(till, minutes_ago=50))
    odd = opened(till, minutes_ago=10)
    till.pays(odd)
    path = f"/v2/checkout/orders/{odd.provider_session_id}/capture"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    till.server.books.get(till.named("capture"))["amount"] = {"currency_code": "USD"}
    assert look() == 1
    assert Donation.objects.get().checkout != odd
