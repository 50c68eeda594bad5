"""Gifts of a provider's test mode are entered and count nowhere."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from donations import erasing, posting, receipts, renewing
from donations.ledger import progress, recent_gifts
from donations.letters import own_url
from donations.models import Checkout, Donation, Pledge
from donations.proving import differences
from tests.donations.giving.test_receipts import text_of
from tests.donations.providers.till import Till, handle_all
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def for_real(settings) -> None:
    """A site that is no demo."""
    settings.TEST_GIFTS_COUNT = False


@pytest.mark.parametrize("way", ["stripe", "paypal"])
@pytest.mark.parametrize("monthly", [False, True], ids=["once", "monthly"])
def test_a_gift_of_the_test_mode_is_in_no_sum(
    till: Till, for_real: None, way: str, monthly: bool, cleo: Client
):
    drive = DriveFactory.create()
    gift = till.gift(way, drive=drive, monthly=monthly)
    assert gift.is_test
    assert gift.held_minor == 1_000
    standing = progress(drive)
    sums = standing.raised_minor, standing.gifts, standing.donors, standing.fees_minor
    assert sums == (0, 0, 0, 0)
    assert not recent_gifts(drive).exists()
    page = cleo.get(f"{drive.get_absolute_url()}progress.json").json()
    assert page["raised_minor"] == 0
    assert list(differences()) == []


def test_the_desk_says_that_it_was_a_test(till: Till, for_real: None, edna_browses: Client):
    till.gift(drive=DriveFactory.create())
    html = edna_browses.get("/admin/donations/donation/").content.decode()
    assert '<td class="field-standing">test</td>' in html


def test_in_the_demo_it_counts(till: Till):
    drive = DriveFactory.create()
    assert not till.gift(drive=drive).is_test
    assert progress(drive).raised_minor == 1_000


def test_a_live_report_counts_whatever_the_keys_are_by_then(till: Till, for_real: None):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    till.tell([{**event, "livemode": True} for event in till.events()])
    assert not Donation.objects.get().is_test
    assert progress(drive).raised_minor == 1_000


def test_a_test_report_that_is_handled_once_the_keys_are_live_does_not_count(
    till: Till, for_real: None, settings, monkeypatch
):
    drive = DriveFactory.create()
    till.pays(till.opened(drive=drive))
    with monkeypatch.context() as patch:
        patch.setattr("donations.providers.acting.Books.enter", broken)
        till.tell()
    settings.STRIPE_API_KEY = "sk_live_of_the_site"
    handle_all()
    assert Donation.objects.get().is_test
    assert progress(drive).raised_minor == 0


def test_its_receipt_says_that_no_money_was_taken(
    till: Till, for_real: None, settings, cleo: Client
):
    settings.TAX_DEDUCTIBLE = True
    gift = till.gift()
    assert gift.donor
    path = own_url(gift.donor).removeprefix("https://fibrosite.example")
    cleo.post(path, {"want": "mail", "gift": str(gift.key)})
    posting.send_waiting(now=timezone.now())
    for letter in mail.outbox:
        assert isinstance(letter, EmailMultiAlternatives)
        assert letter.subject.startswith("Test: Receipt")
        for words in (letter.body, str(letter.alternatives[0][0])):
            assert "no money was taken" in words
            assert "deductible" not in words
    pdf = text_of(receipts.receipt(gift)).replace("\n", " ")
    assert "no money was taken" in pdf
    assert "deductible" not in pdf
    assert "no money was taken" in cleo.get(path).content.decode()


def test_it_stands_in_no_statement(till: Till, for_real: None, cleo: Client):
    gift = till.gift()
    assert gift.donor
    path = own_url(gift.donor).removeprefix("https://fibrosite.example")
    assert receipts.years_of([gift]) == []
    assert "Statement of" not in cleo.get(path).content.decode()
    till.tell([{**event, "livemode": True} for event in paid_again(till)])
    text = text_of(receipts.statement(gift.donor, timezone.localdate().year))
    assert text.count("Card") == 1
    assert "In all\n10.00 USD" in text


def paid_again(till: Till) -> list:
    till.pays(till.opened())
    return till.events()


def test_the_page_of_thanks_says_so(till: Till, for_real: None, cleo: Client):
    till.gift()
    checkout = Checkout.objects.get()
    Checkout.objects.update(is_test=True)
    page = cleo.get(f"/donate/{checkout.key}/thanks/").content.decode()
    assert "Test mode: no money was taken" in page
    Checkout.objects.update(is_test=False)
    page = cleo.get(f"/donate/{checkout.key}/thanks/").content.decode()
    assert "Test mode" not in page


def broken(*args: object) -> str:
    raise ValueError("a fault")


@pytest.fixture
def tried(till: Till, for_real: None, settings) -> Pledge:
    """A monthly gift of the test mode, on a site whose keys are live by now."""
    till.pays(till.opened(monthly=True, is_test=True))
    till.tell()
    settings.STRIPE_API_KEY = "sk_live_of_the_site"
    return Pledge.objects.get()


def test_a_monthly_gift_of_the_test_mode_raises_no_alarm_later(tried: Pledge):
    Pledge.objects.update(next_due_on=timezone.localdate() - timedelta(days=5))
    Donation.objects.update(paid_at=timezone.now() - timedelta(days=40))
    assert renewing.overdue(timezone.now()) == 0
    Checkout.objects.update(is_test=False)
    assert renewing.overdue(timezone.now()) == 1


def test_a_giver_of_the_test_mode_can_be_erased_once_the_keys_are_live(till: Till, tried: Pledge):
    till.server.broken = True
    erasing.erase(tried.donor, now=timezone.now())
    tried.refresh_from_db()
    assert (tried.state, tried.donor.email) == ("cancelled", "")
