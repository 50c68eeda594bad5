"""The nightly comparison with the provider's own books."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from donations.ledger import progress
from donations.models import BooksCheck, Donation, GiftLetter, LedgerEntry
from donations.providers import paypal, stripe
from donations.providers.entering import Books
from donations.providers.facts import Paid
from donations.providers.reconciling import reconcile, reconcile_all
from tests.donations.providers.till import Till
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db


def checked(name: str = "stripe") -> BooksCheck:
    now = timezone.now()
    return reconcile(name, since=now - timedelta(days=2), now=now)


def test_books_that_agree_are_said_to_agree_and_learn_the_fees(till: Till):
    drive = DriveFactory.create()
    till.gift(drive=drive)
    check = checked()
    assert (check.seen, check.missing, check.repaired, check.words) == (1, 0, 0, "")
    fee = LedgerEntry.objects.get(kind="fee")
    assert fee.amount_minor == -59
    assert progress(drive).raised_minor == 1_000
    assert checked().missing == 0


def test_reports_that_never_came_are_fetched_and_entered(till: Till):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    till.pays(till.opened(drive=drive, monthly=True))
    refund = {"payment_intent": till.named("payment_intent")}
    till.server.stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    check = checked()
    assert "had not come. Entered." in check.words
    assert check.missing == check.repaired > 0
    assert progress(drive).raised_minor == 1_000
    assert checked().missing == 0


def test_with_the_reports_gone_the_payments_themselves_are_entered(till: Till):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    till.pays(till.opened(drive=drive, monthly=True))
    till.server.books.events.clear()
    check = checked()
    assert progress(drive).raised_minor == 2_000
    assert check.words.count("was missing. Entered.") == 2
    assert Donation.objects.filter(pledge__isnull=False).count() == 1


def test_another_amount_is_reported_and_left_to_a_person(till: Till):
    User.objects.create_superuser("tessa", "tessa@readers.example")
    gift = till.gift(drive=DriveFactory.create())
    till.server.books.get(till.named("charge"))["amount"] = 999
    check = checked()
    assert f"{gift.provider_id}: we have $10, the provider has $9.99. Not changed." in check.words
    assert (check.missing, check.repaired) == (1, 0)
    letter = GiftLetter.objects.get(kind="alarm")
    assert letter.email == "tessa@readers.example"
    assert "$9.99" in letter.words


def test_a_payment_of_none_of_ours_is_reported(till: Till):
    intent = till.server.books.add(
        "payment_intent", "pi_", amount=500, currency="usd", customer=None, metadata={}
    )
    till.server.stripe._charge(intent)
    till.events()
    check = checked()
    assert "is not known here." in check.words
    assert (check.missing, check.repaired) == (1, 0)
    assert not Donation.objects.exists()


def test_paypals_books_are_compared_too(till: Till):
    drive = DriveFactory.create()
    till.gift("paypal", drive=drive)
    checkout = till.opened("paypal", drive=drive, monthly=True)
    till.pays(checkout)
    till.server.books.events.clear()
    till.told = 0
    checked("paypal")
    assert progress(drive).raised_minor == 2_000
    assert checked("paypal").missing == 0


def test_a_provider_that_is_away_waits_for_the_next_night(till: Till):
    till.server.broken = True
    assert reconcile_all(now=timezone.now()) == []
    till.server.broken = False
    assert [check.provider for check in reconcile_all(now=timezone.now())] == ["stripe", "paypal"]


def test_without_keys_nobody_is_asked(db, settings):
    settings.STRIPE_WEBHOOK_SECRET = []
    settings.PAYPAL_CLIENT_ID = ""
    assert reconcile_all(now=timezone.now()) == []


def test_a_hold_that_paypal_lifts_is_no_second_gift(till: Till):
    gift = till.gift("paypal", drive=DriveFactory.create())
    [row] = paypal.book_rows(timezone.now() - timedelta(days=2))
    assert len(paypal.facts_of_row(row)) == 2
    lifted = {**row, "transaction_id": "1L", "transaction_event_code": "T1111"}
    assert gift.checkout
    assert lifted["custom_field"] == str(gift.checkout.key)
    assert paypal.facts_of_row(lifted) == []


def test_a_fee_that_cannot_be_entered_keeps_no_payment_out(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    till.server.books.events.clear()
    [row] = stripe.book_rows(timezone.now() - timedelta(days=2))
    monkeypatch.setattr(stripe, "book_rows", lambda since: [{**row, "currency": "gbp"}])
    check = checked()
    assert "has no rate for GBP" in check.words
    assert (check.missing, check.repaired) == (2, 1)
    assert progress(drive).raised_minor == 1_000


def without_reports(till: Till) -> None:
    """PayPal's reports of what happened since are lost for good."""
    till.server.books.events.clear()
    till.told = 0


def refunded(gift: Donation) -> list[int]:
    return sorted(gift.entries.filter(kind="refunded").values_list("amount_minor", flat=True))


def paid_back(till: Till, gift: Donation, value: str) -> None:
    path = f"/v2/payments/captures/{gift.provider_id}/refund"
    body = f'{{"amount": {{"currency_code": "USD", "value": "{value}"}}}}'.encode()
    till.server.paypal.answer("POST", path, body, {}, key="", here="")


@pytest.mark.parametrize("monthly", [False, True])
def test_what_paypal_took_back_without_a_word_is_entered(till: Till, monthly: bool):
    drive = DriveFactory.create()
    gift = till.gift("paypal", drive=drive, monthly=monthly)
    till.tell()
    till.server.paypal.reverse(gift.provider_id, value="4.00")
    without_reports(till)
    check = checked("paypal")
    assert (check.missing, check.repaired) == (1, 1)
    assert "(-$4) was missing. Entered." in check.words
    assert refunded(gift) == [-400]
    assert gift.entries.get(kind="refunded").reason.startswith("Taken back by PayPal")
    assert progress(drive).raised_minor == 600
    assert checked("paypal").missing == 0


def test_payment_and_refund_both_unheard_of_are_entered_in_one_night(till: Till):
    checkout = till.opened("paypal", drive=DriveFactory.create())
    till.pays(checkout)
    path = f"/v2/checkout/orders/{checkout.provider_session_id}/capture"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    path = f"/v2/payments/captures/{till.named('capture')}/refund"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    earlier = timezone.now() - timedelta(hours=1)
    till.server.books.get(till.named("capture"))["create_time"] = f"{earlier:%Y-%m-%dT%H:%M:%SZ}"
    without_reports(till)
    check = checked("paypal")
    assert check.missing == check.repaired == 2
    assert Donation.objects.get().held_minor == 0


def test_a_refund_that_its_report_told_of_is_no_difference(till: Till):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    for _ in range(2):
        paid_back(till, gift, "3.00")
    till.tell()
    assert checked("paypal").missing == 0
    assert refunded(gift) == [-300, -300]


@pytest.mark.parametrize("outcome", ["RESOLVED_SELLER_FAVOUR", "RESOLVED_BUYER_FAVOUR", ""])
def test_a_hold_and_its_end_are_no_differences(till: Till, outcome: str):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    dispute = till.server.paypal.dispute(gift.provider_id)
    if outcome:
        till.server.paypal.close_dispute(dispute["id"], outcome)
    till.tell()
    before = list(gift.entries.values_list("source_key", flat=True))
    assert (checked("paypal").missing, checked("paypal").words) == (0, "")
    assert list(gift.entries.values_list("source_key", flat=True)) == before


def test_a_lost_claim_whose_reversal_was_not_told_is_entered(till: Till):
    drive = DriveFactory.create()
    gift = till.gift("paypal", drive=drive)
    till.tell()
    dispute = till.server.paypal.dispute(gift.provider_id)
    till.server.paypal.close_dispute(dispute["id"], "RESOLVED_BUYER_FAVOUR")
    *told, _ = till.events()
    till.tell(told)
    assert progress(drive).raised_minor == 1_000
    without_reports(till)
    checked("paypal")
    assert progress(drive).raised_minor == 0


def told_under_another_name(till: Till, gift: Donation, value: str) -> None:
    """A reversal whose report has another id than the row of the books."""
    reversal = till.server.paypal.reverse(gift.provider_id, value=value)
    till.tell()
    books = till.server.books
    books.objects["6Vbooks"] = {**books.objects.pop(reversal["id"]), "id": "6Vbooks"}
    without_reports(till)


@pytest.mark.parametrize(
    ("value", "words"),
    [("4.00", "The same sum stands here under another name"), ("9.00", "more than came")],
)
def test_what_may_be_told_already_is_left_to_a_person(till: Till, value: str, words: str):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    told_under_another_name(till, gift, value)
    check = checked("paypal")
    assert words in check.words
    assert (check.missing, check.repaired) == (1, 0)
    assert refunded(gift) == [-int(float(value) * 100)]


def test_a_report_that_comes_after_its_row_under_another_name_is_seen(till: Till):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    reversal = till.server.paypal.reverse(gift.provider_id, value="9.00")
    [late] = till.events()
    without_reports(till)
    checked("paypal")
    till.tell([{**late, "resource": {**late["resource"], "id": "6Vother"}}])
    check = checked("paypal")
    assert f"{reversal['id']}: $9 of payment {gift.provider_id} went back" in check.words
    assert (check.missing, check.repaired) == (1, 0)


@pytest.mark.parametrize("code", ["T1202", "T1205", "T1116", "T1100"])
def test_what_else_moved_of_a_payment_is_told_and_not_entered(
    till: Till, code: str, monkeypatch: pytest.MonkeyPatch
):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    till.server.paypal.reverse(gift.provider_id, value="4.00")
    without_reports(till)
    [*_, row] = paypal.book_rows(timezone.now() - timedelta(days=2))
    value = {"currency_code": "USD", "value": "4.00" if code.startswith("T12") else "-4.00"}
    other = {**row, "transaction_event_code": code, "transaction_amount": value}
    monkeypatch.setattr(paypal, "book_rows", lambda since: [other])
    check = checked("paypal")
    assert f"$4 of payment {gift.provider_id} moved in the provider's books" in check.words
    assert (check.missing, check.repaired, refunded(gift)) == (1, 0, [])


@pytest.mark.parametrize(
    "other",
    [
        {"paypal_reference_id": "3Cother"},
        {"paypal_reference_id_type": "SUB"},
        {"transaction_status": "P"},
        {"transaction_amount": {"currency_code": "USD", "value": "0.00"}},
    ],
)
def test_what_moved_of_no_payment_of_ours_is_nothing_to_us(
    till: Till, other: dict, monkeypatch: pytest.MonkeyPatch
):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    till.server.paypal.reverse(gift.provider_id, value="4.00")
    without_reports(till)
    [*_, row] = paypal.book_rows(timezone.now() - timedelta(days=2))
    monkeypatch.setattr(paypal, "book_rows", lambda since: [{**row, **other}])
    assert (checked("paypal").words, refunded(gift)) == ("", [])


def test_a_refund_in_another_currency_is_left_to_a_person(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    gift = till.gift("paypal", drive=DriveFactory.create())
    till.tell()
    till.server.paypal.reverse(gift.provider_id, value="4.00")
    without_reports(till)
    [*_, row] = paypal.book_rows(timezone.now() - timedelta(days=2))
    euros = {"currency_code": "EUR", "value": "-4.00"}
    monkeypatch.setattr(paypal, "book_rows", lambda since: [{**row, "transaction_amount": euros}])
    check = checked("paypal")
    assert "This gift is in USD, not in EUR." in check.words
    assert (check.missing, check.repaired, refunded(gift)) == (1, 0, [])


def test_a_row_that_cannot_be_read_keeps_no_other_out(till: Till, monkeypatch: pytest.MonkeyPatch):
    till.pays(till.opened("paypal", drive=DriveFactory.create()))
    till.tell()
    without_reports(till)
    [row] = paypal.book_rows(timezone.now() - timedelta(days=2))
    broken = {**row, "transaction_amount": {"currency_code": "USD", "value": "ten"}}
    monkeypatch.setattr(paypal, "book_rows", lambda since: [broken, row])
    check = checked("paypal")
    assert "cannot be read" in check.words
    assert check.missing == 1


def test_a_payment_whose_report_is_handled_in_this_moment_stops_no_check(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    till.server.books.events.clear()
    whole = Books._new_gift
    raced: list[Paid] = []

    def slower(self: Books, fact: Paid) -> Donation:
        if not raced:
            raced.append(fact)
            raise IntegrityError("one_gift_per_payment")
        return whole(self, fact)

    monkeypatch.setattr(Books, "_new_gift", slower)
    check = checked()
    assert (check.missing, check.repaired) == (1, 1)
    assert progress(drive).raised_minor == 1_000


def test_a_row_that_the_ledger_refuses_keeps_no_other_out(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    gift = till.gift(drive=DriveFactory.create())
    back = {"object": "refund", "id": "re_none", "payment_intent": gift.provider_id,
            "currency": "usd", "amount": 0, "status": "succeeded"}  # fmt: skip
    [row] = stripe.book_rows(timezone.now() - timedelta(days=2))
    odd = {**row, "id": "txn_odd", "fee": 0, "source": back}
    monkeypatch.setattr(stripe, "book_rows", lambda since: [odd, row])
    check = checked()
    assert (check.seen, check.missing, check.repaired) == (2, 1, 0)
    assert LedgerEntry.objects.filter(kind="fee").exists()


def test_odd_books_of_one_provider_keep_the_others_from_nothing(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stripe, "book_rows", lambda since: [None])
    assert [check.provider for check in reconcile_all(now=timezone.now())] == ["paypal"]


def test_stripes_payment_and_refund_both_unheard_of_are_entered_in_one_night(till: Till):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    refund = {"payment_intent": till.named("payment_intent"), "amount": "400"}
    till.server.stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    till.server.books.events.clear()
    check = checked()
    assert check.missing == check.repaired == 2
    assert progress(drive).raised_minor == 600


def test_a_row_of_paypal_that_names_its_order_is_of_no_monthly_gift(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    drive = DriveFactory.create()
    checkout = till.opened("paypal", drive=drive)
    till.pays(checkout)
    order = checkout.provider_session_id
    till.server.paypal.answer(
        "POST", f"/v2/checkout/orders/{order}/capture", b"{}", {}, key="", here=""
    )
    without_reports(till)
    [row] = paypal.book_rows(timezone.now() - timedelta(days=2))
    named = {**row, "paypal_reference_id": order, "paypal_reference_id_type": "ODR"}
    monkeypatch.setattr(paypal, "book_rows", lambda since: [named])
    assert checked("paypal").repaired == 1
    assert progress(drive).raised_minor == 1_000
