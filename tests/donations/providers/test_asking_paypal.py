"""How PayPal is asked, and what stands on its page."""

from typing import Any

import pytest
import urllib3

from donations.models import Checkout, Donation
from donations.providers import Provider, paypal
from donations.providers.facts import Unavailable
from donations.providers.paypal import listening
from donations.providers.paypal.objects import fitted
from tests.donations.providers.till import Till
from tests.factories import NOON, DriveFactory

pytestmark = pytest.mark.django_db

LEGAL = (
    "Ours is a private project of two volunteers in Lyon. It is not a charity, gifts are not "
    "deductible anywhere, and what is left at the end of a year goes to research."
)


def test_a_token_that_was_taken_back_is_asked_for_anew(till: Till):
    till.opened("paypal")
    till.server.paypal.tokens.clear()
    assert till.opened("paypal").url
    assert len(till.server.paypal.tokens) == 1


def test_a_new_token_that_is_not_taken_either_is_the_end_of_it(till: Till, monkeypatch):
    asked = []
    real = till.server.paypal._token

    def counted(*arguments):
        asked.append(arguments)
        answer = real(*arguments)
        till.server.paypal.tokens.clear()
        return answer

    monkeypatch.setattr(till.server.paypal, "_token", counted)
    with pytest.raises(Unavailable, match="401"):
        till.opened("paypal")
    assert len(asked) == 2


def page(checkout: Checkout) -> str:
    """What the giver sees there."""
    return urllib3.request("GET", checkout.url).data.decode()


@pytest.mark.parametrize("monthly", [False, True])
def test_paypals_page_says_what_kind_of_organisation_takes_the_gift(
    till: Till, settings, monthly: bool
):
    settings.LEGAL_STATUS = "A demo. It is no charity & takes no money."
    checkout = till.opened("paypal", drive=DriveFactory.create(), monthly=monthly)
    words = page(checkout)
    assert "A demo. It is no charity &amp; takes no money." in words
    assert ("Monthly gift, USD" if monthly else f"Gift to {checkout.drive}") in words


@pytest.mark.parametrize("monthly", [False, True])
def test_a_long_sentence_ends_at_a_word(till: Till, settings, monthly: bool):
    settings.LEGAL_STATUS = LEGAL
    words = page(till.opened("paypal", monthly=monthly))
    assert "gifts are not deductible anywhere, and what is…" in words
    assert "what is left" not in words


def test_a_new_sentence_replaces_that_of_the_plan_once(
    till: Till, settings, monkeypatch: pytest.MonkeyPatch
):
    till.opened("paypal", monthly=True)
    settings.LEGAL_STATUS = LEGAL
    assert "volunteers in Lyon" in page(till.opened("paypal", monthly=True))
    assert till.server.books.get("FIBROSITE-GIFTS")["description"] == LEGAL
    assert len(till.server.books.of("plan-paypal")) == 1
    monkeypatch.setattr(till.server.paypal, "_change_words", lambda *_: pytest.fail("again"))
    till.opened("paypal", monthly=True)


def test_names_of_any_length_are_taken(till: Till, settings):
    settings.SITE_NAME = "Ünïversal " * 20
    drive = DriveFactory.create(name="Für das Jahr mit viel Ruhe " * 4)
    assert till.opened("paypal", drive=drive).url
    assert till.opened("paypal", drive=drive, monthly=True).url


@pytest.mark.parametrize("currency", ["USD", "JPY"])
def test_the_items_add_up_to_the_amount(till: Till, currency: str):
    drive = DriveFactory.create(currency=currency)
    gift = till.gift("paypal", drive=drive, currency=currency, amount_minor=1_234)
    assert gift == Donation.objects.get()
    assert gift.held_minor == 1_234


@pytest.mark.parametrize(
    ("words", "longest", "expected"),
    [
        ("Short enough", 12, "Short enough"),
        ("Two  spaces\nand lines", 30, "Two spaces and lines"),
        ("Cut here, please", 12, "Cut here…"),
        ("Cut here please", 11, "Cut here…"),
        ("Unbreakable", 9, "Unbrea…"),
        ("äöü äöü", 11, "äöü…"),
    ],
)
def test_words_are_cut_between_words(words: str, longest: int, expected: str):
    assert fitted(words, longest) == expected
    assert len(expected.encode()) <= longest


def test_what_paypal_offers_is_what_the_site_asks_of_a_provider():
    asked = [name for name in vars(Provider) if not name.startswith("_")]
    assert all(callable(getattr(paypal, name)) for name in asked)


def test_a_list_of_reports_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch):
    first, *others = (
        {"id": f"WH-{n}", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {}}
        for n in (3, 2, 1)
    )
    more = "/v1/notifications/webhooks-events?page_size=300&start_time=2026-02-01&offset=1"
    links = [{"rel": "next", "href": f"https://api-m.paypal.com{more}"}]
    pages = {more: {"events": others, "links": [{"rel": "self", "href": more}]}}

    def ask(method: str, path: str) -> dict[str, Any]:
        return pages.pop(path, {"events": [first], "links": links})

    monkeypatch.setattr(listening, "ask", ask)
    missed = paypal.missed(NOON)
    assert [notice.event_id for notice in missed] == ["WH-1", "WH-2", "WH-3"]
    assert pages == {}
