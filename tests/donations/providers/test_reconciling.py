"""The nightly comparison with the provider's own books."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from donations.ledger import progress
from donations.models import BooksCheck, Donation, GiftLetter, LedgerEntry
from donations.providers import paypal, stripe
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
