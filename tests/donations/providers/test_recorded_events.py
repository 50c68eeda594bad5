"""Events that Stripe really sent, and objects of its own description, signed and posted."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from donations.models import Checkout, Donation, Donor, PaymentEvent, Pledge
from tests.donations.providers.till import Till, handle_all, post_event
from tests.factories import NOON, DriveFactory

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[2] / "data" / "webhooks"


def recorded(name: str) -> dict[str, Any]:
    return json.loads((DATA / "stripe" / f"{name}.json").read_text())


def posted(event: dict[str, Any]) -> PaymentEvent:
    """The event after it was posted and handled."""
    assert post_event(event).status_code == 200
    handle_all()
    return PaymentEvent.objects.get(event_id=event["id"])


def pledge(name: str) -> Pledge:
    donor = Donor.objects.create(email="bo@readers.example")
    return Pledge.objects.create(
        donor=donor,
        provider="stripe",
        provider_id=name,
        amount_minor=1_000,
        currency="USD",
        started_at=NOON.replace(year=2013),
    )


def test_a_paid_invoice_is_a_gift_of_its_monthly_gift(till: Till):
    monthly = pledge("sub_3MXPaZGXvVZSrS")
    assert posted(recorded("invoice_succeeded")).state == "handled"
    gift = Donation.objects.get()
    assert (gift.pledge, gift.held_minor, gift.currency) == (monthly, 1_000, "USD")
    assert str(gift.given_on) == "2014-01-23"


def test_a_paid_invoice_of_an_unknown_monthly_gift_waits_until_that_is_known(till: Till):
    event = posted(recorded("invoice_succeeded"))
    assert event.state == "waiting"
    assert "sub_3MXPaZGXvVZSrS" in event.outcome
    assert not Donation.objects.exists()
    pledge("sub_3MXPaZGXvVZSrS")
    handle_all()
    assert Donation.objects.get().held_minor == 1_000


def test_a_failed_invoice_marks_the_monthly_gift(till: Till):
    monthly = pledge("sub_3MXPaZGXvVZSrS")
    assert posted(recorded("payment_failed")).state == "handled"
    monthly.refresh_from_db()
    assert monthly.state == "past-due"


def test_a_cancelled_subscription_ends_the_monthly_gift(till: Till):
    monthly = pledge("sub_3MXPaZGXvVZSrS")
    assert posted(recorded("subscription_cancelled")).state == "handled"
    monthly.refresh_from_db()
    assert monthly.state == "cancelled"
    assert monthly.ended_at is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [("zero_invoice_amount", "Nothing was paid."), ("empty_payment", "The event holds no object.")],
)
def test_what_moves_no_money_is_recorded_as_ignored(till: Till, name: str, words: str):
    event = posted(recorded(name))
    assert (event.state, event.outcome) == ("ignored", words)


def test_of_two_recorded_events_with_one_id_the_second_is_a_repeat(till: Till):
    assert recorded("empty_payment")["id"] == recorded("invoice_succeeded")["id"]
    posted(recorded("empty_payment"))
    posted(recorded("invoice_succeeded"))
    assert PaymentEvent.objects.count() == 1


RESOURCES = json.loads((DATA / "stripe-resources.json").read_text())


def event_of(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{kind}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": thing},
    }


@pytest.fixture
def checkout():
    return Checkout.objects.create(
        drive=DriveFactory.create(), amount_minor=1_000, currency="USD", provider="stripe"
    )


@pytest.mark.parametrize(
    ("kind", "resource", "changes", "state"),
    [
        ("checkout.session.completed", "checkout.session", {}, "ignored"),
        ("invoice.paid", "invoice", {}, "ignored"),
        ("invoice.payment_failed", "invoice", {}, "waiting"),
        ("customer.subscription.updated", "subscription", {}, "waiting"),
        ("refund.created", "refund", {}, "waiting"),
        ("refund.created", "refund", {"status": "pending"}, "ignored"),
        ("charge.refunded", "charge", {}, "ignored"),
        ("charge.dispute.created", "dispute", {"status": "needs_response"}, "waiting"),
        ("charge.dispute.created", "dispute", {"status": "warning_needs_response"}, "ignored"),
        ("customer.created", "customer", {}, "ignored"),
        ("payment_intent.succeeded", "payment_intent", {}, "ignored"),
        ("payment_link.created", "payment_link", {}, "ignored"),
    ],
)
def test_objects_as_stripe_describes_them_have_an_effect_or_a_reason(
    till: Till, kind: str, resource: str, changes: dict[str, Any], state: str
):
    event = posted(event_of(kind, {**RESOURCES[resource], **changes}))
    assert event.state == state
    assert event.outcome


def test_a_described_checkout_with_our_mark_is_booked(till: Till, checkout: Checkout):
    session = {
        **RESOURCES["checkout.session"],
        "metadata": {"checkout": str(checkout.key)},
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "mode": "payment",
        "amount_total": 1_000,
        "currency": "usd",
        "customer_details": {"email": "bo@readers.example", "name": "Bo"},
    }
    assert posted(event_of("checkout.session.completed", session)).state == "handled"
    gift = Donation.objects.get()
    assert (gift.held_minor, gift.provider_id, Donor.objects.get().email) == (
        1_000,
        "pi_1",
        "bo@readers.example",
    )
    refund = {**RESOURCES["refund"], "payment_intent": "pi_1", "amount": 400, "currency": "usd"}
    refund["status"] = "succeeded"
    assert posted(event_of("refund.created", refund)).state == "handled"
    gift.refresh_from_db()
    assert gift.held_minor == 600


@pytest.mark.parametrize("odd", [None, [], "text", 7, {"id": None}, {"id": "x", "currency": 5}])
@pytest.mark.parametrize(
    "kind",
    ["checkout.session.completed", "invoice.paid", "refund.created", "charge.dispute.closed",
     "customer.subscription.deleted", "invoice_payment.paid", "checkout.session.expired"],
)  # fmt: skip
def test_odd_objects_enter_nothing_and_are_ignored_or_wait_for_a_person(
    till: Till, kind: str, odd: Any
):
    event = posted(event_of(kind, odd))
    unreadable = event.outcome.startswith("It cannot be read: ")
    assert event.state in (["failed"] if unreadable else ["ignored", "waiting"])
    assert not Donation.objects.exists()
