"""Reports come late, twice and in any order; the books end the same."""

import random
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from donations import posting
from donations.ledger import progress
from donations.models import (
    Checkout,
    Donation,
    Donor,
    DriveRate,
    GiftLetter,
    LedgerEntry,
    PaymentEvent,
    Pledge,
)
from donations.providers import acting
from donations.providers.facts import Unavailable
from tests.donations.providers.till import GIVER, Till, handle_all, post_event, post_paypal
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db


def entries() -> list[tuple[str, int]]:
    return sorted(LedgerEntry.objects.values_list("kind", "amount_minor"))


def busy(till: Till, drive) -> list:
    """Reports of: a gift, partly refunded; one disputed and won; one disputed and lost; a monthly
    gift with two months, of which the second was refunded; and one whose card failed."""
    stripe = till.server.stripe
    for outcome in ("won", "lost"):
        till.pays(till.opened(drive=drive, amount_minor=2_000))
        stripe.dispute(till.named("payment_intent"))
        stripe.close_dispute(till.named("dispute"), outcome)
    till.pays(till.opened(drive=drive, amount_minor=5_000))
    refund = {"payment_intent": till.named("payment_intent"), "amount": "1500"}
    stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    till.pays(till.opened(drive=drive, amount_minor=700, monthly=True))
    stripe.renew(till.named("subscription"))
    refund = {"payment_intent": till.named("payment_intent")}
    stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    till.pays(till.opened(drive=drive, amount_minor=300, monthly=True))
    stripe.renew(till.named("subscription"), paid=False)
    stripe.answer("DELETE", f"/v1/subscriptions/{till.named('subscription')}", {}, key="", here="")
    return till.events()


EXPECTED = sorted(
    [
        ("settled", 2_000), ("disputed", -2_000), ("dispute-won", 2_000),
        ("settled", 2_000), ("disputed", -2_000), ("dispute-lost", 0),
        ("settled", 5_000), ("refunded", -1_500),
        ("settled", 700), ("settled", 700), ("refunded", -700),
        ("settled", 300),
    ]
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_the_books_do_not_depend_on_the_order(till: Till, seed: int):
    drive = DriveFactory.create()
    events = busy(till, drive)
    chance = random.Random(seed)
    told = events + chance.sample(events, len(events) // 2)
    if seed:
        chance.shuffle(told)
    till.tell(told)
    assert entries() == EXPECTED
    assert progress(drive).raised_minor == 2_000 + 3_500 + 700 + 300
    assert not PaymentEvent.objects.filter(handled_at=None).exists()
    assert Donor.objects.count() == 1
    assert sorted(Pledge.objects.values_list("state", flat=True)) == ["active", "cancelled"]
    assert set(Checkout.objects.values_list("state", flat=True)) == {"completed"}
    assert GiftLetter.objects.filter(kind="receipt").count() == 6
    assert GiftLetter.objects.filter(kind="stopped").count() == 1


def test_a_refund_before_its_payment_waits_and_is_entered_with_it(till: Till):
    gift_told, refund_told = [], []
    till.pays(till.opened(drive=DriveFactory.create()))
    gift_told = till.events()
    refund = {"payment_intent": till.named("payment_intent")}
    till.server.stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    refund_told = till.events()
    till.tell(refund_told)
    waiting = PaymentEvent.objects.get(type="refund.created")
    assert (waiting.state, entries()) == ("waiting", [])
    till.tell(gift_told)
    waiting.refresh_from_db()
    assert waiting.state == "handled"
    assert entries() == [("refunded", -1_000), ("settled", 1_000)]


def test_what_nobody_told_of_in_five_weeks_is_given_up(till: Till):
    till.pays(till.opened())
    till.events()
    till.server.stripe.dispute(till.named("payment_intent"))
    till.tell()
    event = PaymentEvent.objects.get(type="charge.dispute.created")
    assert event.state == "waiting"
    later = timezone.now() + timedelta(days=36)
    acting.sweep(now=later)
    event.refresh_from_db()
    assert event.state == "ignored"
    assert "Nobody told of it since." in event.outcome


def test_a_refund_that_failed_leaves_the_money_in_the_books(till: Till):
    gift = till.gift(drive=DriveFactory.create())
    refund = {"payment_intent": gift.provider_id}
    till.server.stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    thing = till.server.books.of("refund")[0]
    thing["status"] = "failed"
    till.server.stripe._tell("refund.failed", thing)
    till.tell(list(reversed(till.events())))
    gift.refresh_from_db()
    assert gift.held_minor == 1_000


def test_a_bank_transfer_counts_when_it_arrives(till: Till):
    checkout = till.opened(drive=DriveFactory.create())
    till.server.stripe.pay_later(checkout.provider_session_id, email=GIVER, person="")
    till.tell()
    checkout.refresh_from_db()
    assert (checkout.state, entries()) == ("completed", [])
    till.server.stripe.arrive(checkout.provider_session_id, arrives=True)
    till.tell()
    assert entries() == [("settled", 1_000)]
    assert Donor.objects.get().email == GIVER


def test_of_a_bank_transfer_that_fails_the_giver_is_told(till: Till):
    checkout = till.opened()
    till.server.stripe.pay_later(checkout.provider_session_id, email=GIVER, person="")
    till.server.stripe.arrive(checkout.provider_session_id, arrives=False)
    till.tell()
    assert entries() == []
    posting.send_waiting(now=timezone.now())
    [letter] = mail.outbox
    assert letter.to == [GIVER]
    assert "nothing was taken from you" in letter.body


def test_an_expired_page_closes_its_checkout_but_never_a_completed_one(till: Till):
    checkout = till.opened()
    path = f"/v1/checkout/sessions/{checkout.provider_session_id}/expire"
    till.server.stripe.answer("POST", path, {}, key="", here="")
    [expired] = till.events()
    paid = till.opened()
    till.pays(paid)
    other = {**expired, "id": "evt_other"}
    thing = {**expired["data"]["object"], "metadata": {"checkout": str(paid.key)}}
    till.tell([*till.events(), expired, {**other, "data": {"object": thing}}])
    checkout.refresh_from_db()
    paid.refresh_from_db()
    assert (checkout.state, paid.state) == ("expired", "completed")


def test_each_month_of_a_monthly_gift_is_a_gift_of_its_own(till: Till):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive, monthly=True))
    till.server.stripe.renew(till.named("subscription"))
    till.tell()
    pledge = Pledge.objects.get()
    assert pledge.donations.count() == 2
    assert set(pledge.donations.values_list("drive", flat=True)) == {drive.pk}
    assert pledge.next_due_on is not None
    assert pledge.next_due_on > timezone.localdate()


def test_a_month_after_the_drive_goes_to_the_fund(till: Till):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive, monthly=True))
    till.tell()
    drive.ends_on = timezone.localdate() - timedelta(days=1)
    drive.save()
    till.server.stripe.renew(till.named("subscription"))
    till.tell()
    assert sorted(gift.drive_id or 0 for gift in Donation.objects.all()) == [0, drive.pk]


def test_a_failed_month_is_told_to_the_giver_once_and_a_payment_mends_it(till: Till):
    till.pays(till.opened(monthly=True))
    till.tell()
    Pledge.objects.update(last_paid_at=timezone.now() - timedelta(days=31))
    till.server.stripe.renew(till.named("subscription"), paid=False)
    failed = till.events()
    till.tell([*failed, *failed])
    assert Pledge.objects.get().state == "past-due"
    assert GiftLetter.objects.filter(kind="failed").count() == 1
    Pledge.objects.update(failed_at=timezone.now() - timedelta(days=1))
    till.server.stripe.renew(till.named("subscription"))
    till.tell()
    assert Pledge.objects.get().state == "active"


def test_a_giver_is_one_row_whatever_the_case_of_the_address(till: Till):
    for address in ("Bo@readers.example", "bo@readers.example"):
        till.pays(till.opened(), email=address)
    till.tell()
    assert Donor.objects.count() == 1


def test_paypal_takes_the_money_once_the_giver_agreed(till: Till):
    drive = DriveFactory.create()
    gift = till.gift("paypal", drive=drive)
    assert (gift.method, gift.held_minor) == ("paypal", 1_000)
    till.tell()
    assert entries() == [("fee", -78), ("settled", 1_000)]
    assert Donor.objects.get().email == GIVER


def test_paypals_reports_in_any_order_give_the_same(till: Till):
    checkout = till.opened("paypal", monthly=True, drive=DriveFactory.create())
    till.pays(checkout)
    paypal = till.server.paypal
    paypal.renew(checkout.provider_session_id)
    path = f"/v1/payments/sale/{till.named('sale')}/refund"
    paypal.answer("POST", path, b"{}", {}, key="", here="http://x")
    events = till.events()
    till.tell([*reversed(events), *events])
    assert [entry for entry in entries() if entry[0] != "fee"] == [
        ("refunded", -1_000), ("settled", 1_000), ("settled", 1_000),
    ]  # fmt: skip
    assert Pledge.objects.get().donations.count() == 2
    assert GiftLetter.objects.filter(kind="receipt", email=GIVER).count() == 2
    checkout.refresh_from_db()
    assert checkout.state == "completed"


def test_with_paypal_away_an_order_is_taken_later(till: Till):
    checkout = till.opened("paypal")
    till.pays(checkout)
    [approved] = till.events()
    assert post_paypal(approved).status_code == 200
    till.server.broken = True
    handle_all()
    assert PaymentEvent.objects.get().state == "failed"
    till.server.broken = False
    acting.sweep(now=timezone.now() + timedelta(minutes=1))
    assert Donation.objects.get().held_minor == 1_000


def test_a_gift_in_a_currency_without_a_rate_waits_for_one(till: Till):
    drive = DriveFactory.create(currency="USD")
    checkout = till.opened(drive=drive, currency="EUR")
    till.pays(checkout)
    till.tell()
    event = PaymentEvent.objects.get(type="checkout.session.completed")
    assert event.state == "failed"
    assert "no rate for EUR" in event.outcome
    assert not Donation.objects.exists()
    DriveRate.objects.create(drive=drive, currency="EUR", rate="1.1")
    handle_all()
    assert progress(drive).raised_minor == 1_100


@pytest.mark.parametrize(
    ("currency", "minor", "theirs"),
    [("JPY", 500, 500), ("KWD", 1_500, 1_500), ("ISK", 700, 70_000)],
)
def test_currencies_are_counted_as_the_provider_counts_them(
    till: Till, currency: str, minor: int, theirs: int
):
    drive = DriveFactory.create(currency=currency)
    gift = till.gift(drive=drive, currency=currency, amount_minor=minor)
    assert till.server.books.of("payment_intent")[0]["amount"] == theirs
    assert gift.held_minor == minor
    assert progress(drive).raised_minor == minor


def test_what_the_queue_lost_is_found_by_the_sweep(till: Till):
    till.pays(till.opened())
    for event in till.events():
        post_event(event)
    acting.sweep(now=timezone.now())
    assert not Donation.objects.exists(), "the queue has its time first"
    acting.sweep(now=timezone.now() + timedelta(minutes=1))
    assert Donation.objects.count() == 1


def test_a_replay_of_everything_books_nothing_twice(till: Till, capsys):
    drive = DriveFactory.create()
    till.tell(busy(till, drive))
    before = entries(), GiftLetter.objects.count()
    call_command("replay_events", "--all")
    assert (entries(), GiftLetter.objects.count()) == before
    assert "events: " in capsys.readouterr().out
    assert not PaymentEvent.objects.filter(handled_at=None).exists()


def test_a_fault_of_ours_leaves_the_report_for_the_next_try(till: Till, monkeypatch):
    till.pays(till.opened())

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr("donations.providers.entering.book", broken)
        till.tell()
    assert not Donation.objects.exists()
    acting.sweep(now=timezone.now() + timedelta(minutes=1))
    assert entries() == [("settled", 1_000)]


def test_a_provider_that_is_away_opens_no_page(till: Till):
    till.server.broken = True
    with pytest.raises(Unavailable):
        till.opened()


def test_a_report_that_breaks_a_rule_of_the_ledger_waits_behind_the_others(till: Till):
    gift = till.gift(drive=DriveFactory.create())
    till.server.stripe.dispute(gift.provider_id)
    [event] = [one for one in till.events() if one["type"] == "charge.dispute.created"]
    event["data"]["object"]["amount"] = 0
    till.tell([event])
    row = PaymentEvent.objects.get(event_id=event["id"])
    assert (row.state, row.handled_at, row.tries) == ("failed", None, 1)
    assert row.outcome.startswith("IntegrityError")
    assert row.due_at > timezone.now()


def test_a_question_of_the_bank_that_becomes_a_dispute_takes_the_money(till: Till):
    drive = DriveFactory.create()
    gift = till.gift(drive=drive)
    till.server.stripe.dispute(gift.provider_id)
    [event] = [one for one in till.events() if one["type"] == "charge.dispute.created"]
    thing = event["data"]["object"]
    for name, kind, status in [
        ("evt_1", "charge.dispute.created", "warning_needs_response"),
        ("evt_2", "charge.dispute.closed", "prevented"),
        ("evt_3", "charge.dispute.updated", "needs_response"),
    ]:
        assert progress(drive).raised_minor == 1_000
        data = {"object": {**thing, "status": status}}
        till.tell([{**event, "id": name, "type": kind, "data": data}])
    assert progress(drive).raised_minor == 0


def test_a_monthly_gift_that_rests_can_still_be_stopped(till: Till):
    till.pays(till.opened("paypal", drive=DriveFactory.create(), monthly=True))
    till.tell()
    pledge = Pledge.objects.get()
    resource = {"id": pledge.provider_id, "status": "SUSPENDED"}
    kind = "BILLING.SUBSCRIPTION.SUSPENDED"
    till.tell([{"id": "WH-1", "event_type": kind, "resource": resource}])
    pledge.refresh_from_db()
    assert (pledge.state, pledge.ended_at) == ("active", None)


def test_an_order_of_somebody_else_is_not_taken(till: Till):
    resource = {"id": "5O1", "purchase_units": [{"custom_id": "a shop's"}]}
    till.tell([{"id": "WH-1", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": resource}])
    assert PaymentEvent.objects.get().outcome == "This order was not started here."


def test_two_gifts_of_an_address_with_capitals_beyond_ascii_are_of_one_giver(till: Till):
    drive = DriveFactory.create()
    for _ in range(2):
        till.pays(till.opened(drive=drive), email="bo@MÜNCHEN.example")
    till.tell()
    assert progress(drive).raised_minor == 2_000
    assert Donor.objects.count() == 1
