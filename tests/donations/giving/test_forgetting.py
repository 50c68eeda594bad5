"""Who was erased is in no report that comes later, and who gave nothing is forgotten."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from donations import erasing, forgetting, tasks
from donations.models import (
    Checkout,
    Donation,
    Donor,
    GiftLetter,
    LedgerEntry,
    PaymentEvent,
    PaymentRef,
    Pledge,
)
from donations.providers import acting
from tests.donations.providers.till import GIVER, Till, handle_all, post_event
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db

NAME = "Bo Tarn"
WORDS = (GIVER, NAME, "Tarn Lane", "555 0100", "B. Tarn")
MODELS = (Donor, Donation, Pledge, Checkout, GiftLetter, PaymentEvent)


def everything() -> str:
    """All that is stored, as one text."""
    rows = [str(list(model.objects.values())) for model in MODELS]
    return "".join(rows).casefold()


def kept_words() -> list[str]:
    return [word for word in WORDS if word.casefold() in everything()]


def report(kind: str, number: str, **thing: Any) -> dict[str, Any]:
    """A report as Stripe makes them, with all that it says of a person."""
    person = {
        "email": GIVER.upper(), "name": NAME, "phone": "555 0100",
        "address": {"line1": "1 Tarn Lane", "city": "Example Town"},
    }  # fmt: skip
    return {
        "id": f"evt_{number}", "object": "event", "type": kind, "created": 1_790_000_000,
        "livemode": False,
        "data": {
            "object": {
                "id": f"obj_{number}", "billing_details": person, "receipt_email": GIVER,
                "customer_email": GIVER, "customer_name": NAME, "shipping": person,
                "description": f"Gift of {GIVER}", "amount": 1_000, "currency": "usd",
                "payment_method_details": {"ideal": {"verified_name": "B. Tarn"}}, **thing,
            }
        },
    }  # fmt: skip


def erased_gift(till: Till, **fields: Any) -> Donation:
    """A gift whose giver has been erased since, and whose reports are looked through."""
    gift = till.gift(drive=DriveFactory.create(), name=NAME, email=GIVER, **fields)
    assert gift.donor
    erasing.erase(gift.donor, now=timezone.now())
    till.tell()
    look()
    return gift


def look() -> int:
    return forgetting.forget(now=timezone.now())


def by_payment(gift: Donation) -> dict[str, Any]:
    return {"payment_intent": gift.provider_id}


def by_customer(gift: Donation) -> dict[str, Any]:
    checkout = gift.checkout
    assert checkout
    return {"customer": checkout.customer_id}


def by_mark(gift: Donation) -> dict[str, Any]:
    checkout = gift.checkout
    assert checkout
    return {"metadata": {"checkout": str(checkout.key)}}


def by_session(gift: Donation) -> dict[str, Any]:
    checkout = gift.checkout
    assert checkout
    return {"id": checkout.provider_session_id}


@pytest.mark.parametrize("named", [by_payment, by_customer, by_mark, by_session])
@pytest.mark.parametrize(
    ("kind", "state"), [("charge.succeeded", "ignored"), ("refund.created", "handled")]
)
def test_a_report_that_comes_after_an_erasure_is_cleaned_within_the_hour(
    till: Till, kind: str, state: str, named: Any
):
    gift = erased_gift(till)
    assert kept_words() == []
    till.tell([report(kind, "late", **{**by_payment(gift), **named(gift)})])
    assert PaymentEvent.objects.get(event_id="evt_late").state == state
    assert kept_words() == list(WORDS), "else this test proves nothing"
    assert look() == 1
    assert kept_words() == []
    thing = json.loads(PaymentEvent.objects.get(event_id="evt_late").body)["data"]["object"]
    assert (thing["amount"], thing["currency"]) == (1_000, "usd")
    assert look() == 0


def test_the_reports_of_others_stay_as_they_came(till: Till):
    erased_gift(till)
    other = till.gift(name="Ann", email="ann@readers.example")
    till.tell([report("charge.succeeded", "other", payment_intent=other.provider_id)])
    before = list(PaymentEvent.objects.order_by("pk").values_list("body", flat=True))
    assert look() == 0
    assert list(PaymentEvent.objects.order_by("pk").values_list("body", flat=True)) == before
    assert not PaymentEvent.objects.filter(looked_at=None).exists()


def test_a_report_is_found_once_a_later_one_says_whose_payment_it_is(till: Till):
    gift = erased_gift(till)
    till.tell([report("charge.succeeded", "unknown", payment_intent="pi_nobody_knows")])
    assert look() == 0
    PaymentRef.objects.create(provider="stripe", ref="pi_nobody_knows", donation=gift)
    assert look() == 1
    assert kept_words() == []


def test_a_report_that_waits_for_its_payment_is_cleaned_with_it(till: Till):
    till.pays(till.opened(name=NAME, email=GIVER))
    events = till.events()
    till.gift(name=NAME, email=GIVER)
    erasing.erase(Donor.objects.get(), now=timezone.now())
    till.tell(list(reversed(events)))
    till.tell([report("charge.succeeded", "late", payment_intent="pi_x", charge="ch_x")])
    look()
    assert Donor.objects.count() == 1, "the payment is of the erased giver"
    till.tell([report("refund.created", "back", **by_payment(Donation.objects.latest("pk")))])
    look()
    assert [word for word in WORDS if word.casefold() in late_bodies("evt_back")] == []
    assert Donor.objects.get().email == ""
    assert not GiftLetter.objects.exclude(email="").exists()


def late_bodies(*names: str) -> str:
    bodies = PaymentEvent.objects.filter(event_id__in=names).values_list("body", flat=True)
    return "".join(bodies).casefold()


@pytest.mark.parametrize("told", ["completed", "async_payment_failed", "expired"])
@pytest.mark.parametrize("monthly", [False, True], ids=["once", "monthly"])
def test_what_is_told_late_of_a_checkout_brings_no_address_back(
    till: Till, told: str, monthly: bool
):
    till.gift(name=NAME, email=GIVER)
    left = till.opened(name=NAME, email=GIVER.upper(), show_name=True, message=NAME)
    till.pays(left) if told == "completed" else None
    late = till.events()
    erasing.erase(Donor.objects.get(), now=timezone.now())
    mark = {"metadata": {"checkout": str(left.key)}, "customer_details": {"email": GIVER}}
    late.append(report(f"checkout.session.{told}", "late", payment_status="unpaid", **mark))
    till.tell(late)
    look()
    assert kept_words() == []
    assert Donor.objects.count() == 1
    if told == "completed":
        assert LedgerEntry.objects.filter(kind="settled").count() == 2


def test_a_monthly_gift_that_begins_after_an_erasure_is_told_to_the_treasurer(till: Till, edna):
    edna.email = "edna@readers.example"
    edna.save()
    till.gift(name=NAME, email=GIVER)
    till.pays(till.opened(monthly=True, name=NAME, email=GIVER))
    late = till.events()
    erasing.erase(Donor.objects.get(), now=timezone.now())
    till.tell([*late, *late])
    [letter] = GiftLetter.objects.filter(kind="alarm")
    assert Pledge.objects.get().provider_id in letter.words


def test_reports_that_were_cleaned_can_be_handled_again(till: Till):
    gift = till.gift(drive=DriveFactory.create(), name=NAME, email=GIVER, monthly=True)
    before = list(LedgerEntry.objects.order_by("pk").values())
    assert gift.donor
    erasing.erase(gift.donor, now=timezone.now())
    till.tell()
    look()
    PaymentEvent.objects.update(handled_at=None)
    handle_all()
    assert list(LedgerEntry.objects.order_by("pk").values()) == before
    assert not PaymentEvent.objects.filter(state="failed").exists()
    assert kept_words() == []


def test_paypals_reports_are_cleaned_as_well(till: Till):
    gift = till.gift("paypal", drive=DriveFactory.create(), name=NAME, email=GIVER)
    assert gift.donor
    erasing.erase(gift.donor, now=timezone.now())
    payer = {
        "email_address": GIVER, "name": {"given_name": "Bo", "surname": "Tarn"},
        "phone": {"phone_number": {"national_number": "555 0100"}},
        "shipping_address": {"address_line_1": "1 Tarn Lane"},
    }  # fmt: skip
    link = {"rel": "up", "href": f"https://x/captures/{gift.provider_id}"}
    amount = {"currency_code": "USD", "value": "4.00"}
    resource = {"id": gift.provider_id, "payer": payer, "links": [link], "amount": amount}
    till.tell([{"id": "WH-late", "event_type": "PAYMENT.ODD", "resource": resource}])
    assert look() == 1
    assert kept_words() == []
    kept = json.loads(PaymentEvent.objects.get(event_id="WH-late").body)["resource"]
    assert (kept["amount"], kept["links"]) == (amount, [link])


def test_without_anybody_erased_reports_are_marked_and_left(till: Till):
    till.gift(name=NAME, email=GIVER)
    before = list(PaymentEvent.objects.order_by("pk").values_list("body", flat=True))
    tasks.forget_erased()
    assert list(PaymentEvent.objects.order_by("pk").values_list("body", flat=True)) == before
    assert not PaymentEvent.objects.filter(looked_at=None).exists()


def test_more_reports_than_are_read_at_once_are_all_looked_through(till: Till, monkeypatch):
    gift = erased_gift(till)
    monkeypatch.setattr(forgetting, "CHUNK", 3)
    till.tell([report("charge.succeeded", str(n), **by_payment(gift)) for n in range(10)])
    assert look() == 10
    Donor.objects.update(names_looked_for=0)
    PaymentEvent.objects.update(
        body=json.dumps(report("charge.succeeded", "x", **by_payment(gift)))
    )
    assert look() == PaymentEvent.objects.count() > 10


def test_what_was_written_in_the_moment_of_an_erasure_is_emptied(till: Till):
    gift = erased_gift(till, monthly=True)
    Donation.objects.filter(pk=gift.pk).update(message=NAME, show_name=True, name_shown=NAME)
    Pledge.objects.update(show_name=True, name_shown=NAME)
    Checkout.objects.update(email=GIVER, name=NAME, message=NAME)
    GiftLetter.objects.update(email=GIVER)
    look()
    assert kept_words() == []


# Forms that were left


def test_a_form_that_was_left_is_emptied_after_five_weeks(till: Till):
    now = timezone.now()
    left = till.opened(name=NAME, email=GIVER, message=NAME, show_name=True)
    paid = till.opened(name="Ann", email="ann@readers.example")
    till.pays(paid, email="ann@readers.example")
    till.tell()
    expired = report("checkout.session.expired", "left", customer_details={"email": GIVER})
    expired["data"]["object"]["id"] = left.provider_session_id
    till.tell([expired])
    assert forgetting.empty_abandoned(now=now + timedelta(days=34)) == 0
    assert forgetting.empty_abandoned(now=now + timedelta(days=36)) == 1
    assert kept_words() == []
    left.refresh_from_db()
    assert (left.amount_minor, left.show_name) == (1_000, False)
    paid.refresh_from_db()
    assert (paid.name, paid.email) == ("Ann", "ann@readers.example")
    assert "ann@readers.example" in everything()
    assert forgetting.empty_abandoned(now=now + timedelta(days=37)) == 0


def test_an_address_that_only_the_payment_page_was_told_goes_too(till: Till):
    left = till.opened()
    mark = {"metadata": {"checkout": str(left.key)}}
    till.tell([report("checkout.session.expired", "left", **mark)])
    assert forgetting.empty_abandoned(now=timezone.now() + timedelta(days=36)) == 1
    assert kept_words() == []


@pytest.mark.parametrize(("state", "emptied"), [("failed", 1), ("expired", 1), ("completed", 0)])
def test_only_what_was_completed_is_kept(till: Till, state: str, emptied: int):
    till.opened(name=NAME, email=GIVER, state=state)
    long_ago = timezone.now() - timedelta(days=36)
    Checkout.objects.update(created_at=long_ago)
    tasks.empty_abandoned()
    assert Checkout.objects.filter(email="").count() == emptied


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
@pytest.mark.parametrize("typed", [True, False], ids=["typed here", "typed at the provider"])
def test_an_erasure_amid_reports_leaves_the_sums_and_no_name(till: Till, typed: bool):
    drive = DriveFactory.create()
    till.gift(drive=drive, email=GIVER, name=NAME)
    donor = Donor.objects.get()
    mine: dict[str, Any] = {"email": GIVER, "name": NAME, "show_name": True} if typed else {}
    for _ in range(8):
        till.pays(till.opened(drive=drive, message=NAME, **mine), email=GIVER, person=NAME)
    events = till.events()
    for event in events:
        assert post_event(event).status_code == 200
    stored = list(PaymentEvent.objects.filter(handled_at=None).values_list("pk", flat=True))

    def work(number: int) -> None:
        try:
            if number == 0:
                erasing.erase(donor, now=timezone.now())
            else:
                acting.handle_all(stored[number - 1 :: 3], now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    handle_all()
    assert not PaymentEvent.objects.filter(handled_at=None).exists()
    assert LedgerEntry.objects.filter(kind="settled").count() == 9
    look()
    donor.refresh_from_db()
    assert (donor.email, donor.name) == ("", "")
    assert not Donation.objects.filter(donor=donor).exclude(message="", name_shown="").exists()
    assert not GiftLetter.objects.filter(donor=donor).exclude(email="").exists()
    if typed:
        assert Donor.objects.count() == 1
        assert kept_words() == []


def test_an_erasure_that_a_report_crosses_begins_again(till: Till, monkeypatch: pytest.MonkeyPatch):
    gift = till.gift(drive=DriveFactory.create(), name=NAME, email=GIVER)
    assert gift.donor
    whole = erasing._erase_rows
    crossed: list[Donor] = []

    def slower(donor: Donor) -> None:
        if not crossed:
            crossed.append(donor)
            raise OperationalError("deadlock detected")
        whole(donor)

    monkeypatch.setattr(erasing, "_erase_rows", slower)
    erasing.erase(gift.donor, now=timezone.now())
    look()
    assert kept_words() == []
