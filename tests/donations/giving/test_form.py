"""The form to give: what it takes, what it refuses, and where it leads."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from donations.checking_out import fee_of
from donations.forms import read_amount
from donations.models import Checkout, Donation
from tests.donations.providers.till import Till
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db


def form(**fields: Any) -> dict[str, Any]:
    return {"key": str(uuid.uuid4()), "amount": "10", "often": "once", "way": "stripe", **fields}


def key_on(client: Client, path: str = "/donate/") -> str:
    found = re.search(r'name="key" value="([^"]+)"', client.get(path).content.decode())
    assert found
    return found[1]


def test_the_form_leads_to_the_page_of_the_payment_service(till: Till, cleo: Client):
    drive = DriveFactory.create(slug="winter")
    answer = cleo.post("/donate/", form(drive="winter"))
    assert answer.status_code == 303
    checkout = Checkout.objects.get()
    assert answer.headers["Location"] == checkout.url
    assert checkout.url.startswith(till.server.url)
    assert (checkout.drive, checkout.amount_minor, checkout.state) == (drive, 1_000, "open")
    assert not Donation.objects.exists(), "only a report books a gift"


def test_paypal_has_a_button_and_a_page_of_its_own(till: Till, cleo: Client):
    answer = cleo.post("/donate/", form(way="paypal", often="monthly"))
    assert "/subscribe?token=" in answer.headers["Location"]
    assert Checkout.objects.get().monthly


def test_pressing_twice_opens_one_page(till: Till, cleo: Client):
    sent = form()
    first, second = cleo.post("/donate/", sent), cleo.post("/donate/", sent)
    assert first.headers["Location"] == second.headers["Location"]
    assert Checkout.objects.count() == 1
    assert len(till.server.books.of("checkout.session")) == 1


def test_going_back_and_changing_the_amount_opens_another(till: Till, cleo: Client):
    sent = form()
    forms = [sent | {"amount": amount} for amount in ("10", "25")]
    urls = {cleo.post("/donate/", one).headers["Location"] for one in forms}
    assert len(urls) == 2
    assert set(Checkout.objects.values_list("amount_minor", flat=True)) == {1_000, 2_500}


def test_a_form_whose_gift_is_paid_leads_to_the_thanks(till: Till, cleo: Client):
    sent = form()
    cleo.post("/donate/", sent)
    checkout = Checkout.objects.get()
    till.pays(checkout)
    till.tell()
    assert cleo.post("/donate/", sent).headers["Location"] == f"/donate/{checkout.key}/thanks/"
    thanks = cleo.get(f"/donate/{checkout.key}/thanks/").content.decode()
    assert "Your gift of $10 is entered." in thanks


def test_each_page_has_a_key_of_its_own_and_may_be_kept_by_the_browser_alone(till, cleo: Client):
    assert key_on(cleo) != key_on(cleo)
    assert cleo.get("/donate/").headers["Cache-Control"] == "private, max-age=0"
    assert not cleo.cookies


def test_a_form_shown_again_keeps_its_key_and_what_was_typed(till: Till, cleo: Client):
    sent = form(other="1,5,5", name="Bo", message="For the voice", email="bo@")
    page = cleo.post("/donate/", sent)
    assert page.status_code == 400
    html = page.content.decode()
    for words in (sent["key"], 'value="1,5,5"', 'value="Bo"', "For the voice", 'value="bo@"'):
        assert words in html
    assert "<title>Error: Give" in html
    assert not Checkout.objects.exists()


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("25", 2_500), ("25.5", 2_550), ("25,50", 2_550), ("$25", 2_500), ("1,000", 100_000),
     (" 7 USD ", 700), ("1,234.56", 123_456)],
)  # fmt: skip
def test_amounts_are_read_as_people_type_them(typed: str, minor: int):
    assert read_amount(typed, "USD") == minor


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "in figures"), ("ten", "in figures"), ("-5", "in figures"), ("5e3", "in figures"),
        ("1.2.3", "in figures"), ("٣", "in figures"), ("10.505", "only 2 decimals"),
        ("1", "The smallest gift is $2"), ("0", "The smallest gift is $2"),
        ("10001", "up to $10,000"), ("9" * 20, "up to $10,000"),
    ],
)  # fmt: skip
def test_what_is_no_amount_gets_a_sentence(typed: str, words: str):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_amount(typed, "USD")


@pytest.mark.parametrize("typed", ["€25", "25 EUR", "£25", "C$25", "EUR 25", "USD 25 €"])
def test_a_sum_in_another_currency_is_not_taken_for_one_in_this(typed: str):
    with pytest.raises(ValueError, match="This form takes USD alone"):
        read_amount(typed, "USD")


@pytest.mark.parametrize(
    ("typed", "currency"),
    [("US$25", "USD"), ("25 $", "USD"), ("25 €", "EUR"), ("A$25", "AUD"), ("AU$ 25", "AUD"),
     ("CHF 25", "CHF"), ("$25", "CAD"), ("25 SEK", "SEK")],
)  # fmt: skip
def test_the_signs_of_a_currency_may_stand_with_a_sum(typed: str, currency: str):
    assert read_amount(typed, currency) == 2_500


def test_the_limits_are_in_units_of_each_currency():
    assert read_amount("200", "JPY") == 200
    assert read_amount("2", "KWD") == 2_000
    with pytest.raises(ValueError, match="no decimals"):
        read_amount("10.5", "JPY")


def test_what_is_typed_wins_over_what_is_marked(till: Till, cleo: Client):
    cleo.post("/donate/", form(amount="25", other="13"))
    assert Checkout.objects.get().amount_minor == 1_300


def test_covering_the_fee_leaves_us_the_whole_gift(till: Till, cleo: Client):
    cleo.post("/donate/", form(cover_fee="on"))
    checkout = Checkout.objects.get()
    assert (checkout.amount_minor, checkout.fee_minor) == (1_061, 61)
    for minor in range(200, 20_000, 37):
        whole = minor + fee_of(minor, "USD")
        assert whole - (whole * 29 / 1000 + 30) >= minor
        assert fee_of(minor, "USD") - (whole * 29 / 1000 + 30) < 1


@pytest.mark.parametrize(
    "fields",
    [{"amount": ""}, {"amount": "other"}, {"often": "weekly"}, {"way": "cash"}, {"way": ""},
     {"email": "no address"}, {"show_name": "on"}, {"website": "http://spam.example"},
     {"message": "x" * 501}],
)  # fmt: skip
def test_nothing_is_begun_with_a_form_that_is_not_right(till: Till, cleo: Client, fields):
    answer = cleo.post("/donate/", form(**fields))
    assert answer.status_code == 400
    assert not Checkout.objects.exists()


def test_odd_keys_and_drives_do_no_harm(till: Till, cleo: Client):
    assert cleo.post("/donate/", form(key="nonsense")).status_code == 400
    assert cleo.post("/donate/", form(key="")).status_code == 303
    assert cleo.post("/donate/", form(drive="no-such-drive")).status_code == 409
    assert cleo.post("/donate/", form(name="a\0b")).status_code in (303, 400)


def test_who_gives_to_a_drive_that_is_over_is_asked_first(till: Till, cleo: Client):
    past = timezone.localdate() - timedelta(days=30)
    DriveFactory.create(slug="old", starts_on=past, ends_on=past, currency="EUR")
    new = DriveFactory.create(slug="new", name="A new one")
    answer = cleo.post("/donate/", form(drive="old", other="31.50"))
    assert answer.status_code == 409
    assert "This drive is over. Nothing was paid." in answer.text
    assert "it goes to: A new one, in USD." in answer.text
    assert 'value="31.50"' in answer.text
    assert not Checkout.objects.exists()
    cleo.post("/donate/", form(drive="new", other="31.50"))
    assert Checkout.objects.get().drive == new


def test_between_drives_it_goes_to_the_fund_if_the_giver_agrees(till: Till, cleo: Client):
    past = timezone.localdate() - timedelta(days=30)
    DriveFactory.create(slug="old", starts_on=past, ends_on=past)
    html = cleo.post("/donate/", form(drive="old")).text
    assert "it goes to: The fund of" in html
    assert 'name="drive" value=""' in html
    assert cleo.post("/donate/", form(drive="")).status_code == 303
    assert Checkout.objects.get().drive is None


def test_many_tries_are_slowed_down(till: Till, cleo: Client):
    for _ in range(20):
        assert cleo.post("/donate/", form()).status_code == 303
    answer = cleo.post("/donate/", form())
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Please try again in" in answer.content.decode()


def test_with_the_service_away_the_page_says_so_and_keeps_what_was_typed(till: Till, cleo: Client):
    till.server.broken = True
    answer = cleo.post("/donate/", form(name="Bo"))
    assert answer.status_code == 503
    html = answer.content.decode()
    assert "The payment service does not answer now. Nothing was paid." in html
    assert 'value="Bo"' in html


def test_without_keys_there_is_no_dead_button(cleo: Client):
    DriveFactory.create(slug="winter")
    for path in ("/donate/", "/drives/winter/"):
        html = cleo.get(path).content.decode()
        assert "By cheque." in html
        assert "Give by" not in html
        assert 'name="amount"' not in html
    assert cleo.post("/donate/", form()).status_code == 400


def test_a_get_begins_nothing(till: Till, cleo: Client):
    cleo.get("/donate/", form())
    cleo.head("/donate/")
    assert not Checkout.objects.exists()


def test_coming_back_without_paying_is_all_right(till: Till, cleo: Client):
    cleo.post("/donate/", form())
    checkout = Checkout.objects.get()
    assert "Nothing was paid" in cleo.get(f"/donate/{checkout.key}/cancelled/").content.decode()
    waiting = cleo.get(f"/donate/{checkout.key}/thanks/").content.decode()
    assert "has not told us yet of your gift of $10" in waiting
    assert cleo.get(f"/donate/{uuid.uuid4()}/thanks/").status_code == 404


def test_the_legal_status_stands_by_each_control_and_on_the_payment_page(
    till: Till, cleo: Client, settings
):
    settings.LEGAL_STATUS = "We are a club in Example Town."
    DriveFactory.create(slug="winter")
    for path in ("/donate/", "/drives/winter/", "/donate/promise/"):
        for shown in re.findall(r"<form.*?</form>", cleo.get(path).content.decode(), re.DOTALL):
            if 'name="amount"' in shown:
                assert "We are a club in Example Town." in shown
    cleo.post("/donate/", form())
    session = till.server.books.of("checkout.session")[0]
    assert session["custom_text"]["submit"]["message"] == "We are a club in Example Town."


def test_test_keys_say_that_nothing_is_taken_and_the_demo_does_not(
    till: Till, cleo: Client, settings
):
    words = "Test mode: no money is taken"
    settings.TEST_GIFTS_COUNT = False
    for path in ("/donate/", "/fund/"):
        assert words in cleo.get(path).content.decode()
    settings.TEST_GIFTS_COUNT = True
    assert words not in cleo.get("/donate/").content.decode()


def test_where_one_way_only_is_in_test_mode_it_is_named(till: Till, cleo: Client, settings):
    settings.TEST_GIFTS_COUNT = False
    settings.STRIPE_API_KEY = "sk_live_demo"
    page = cleo.get("/donate/").content.decode()
    assert "Giving by PayPal is in test mode: no money is taken that way" in page
    assert "Test mode: no money is taken" not in page


def test_live_keys_say_nothing_of_a_test_mode(till: Till, cleo: Client, settings):
    settings.TEST_GIFTS_COUNT = False
    settings.STRIPE_API_KEY, settings.PAYPAL_CLIENT_ID = "sk_live_demo", ""
    page = cleo.get("/donate/").content.decode()
    assert "Give by card" in page
    assert "Test mode" not in page


def test_the_browser_may_follow_the_form_to_the_payment_pages(cleo: Client):
    policy = cleo.get("/donate/").headers["Content-Security-Policy"]
    assert "https://checkout.stripe.com" in policy
    assert "https://www.paypal.com" in policy


def test_one_sum_can_be_all_that_is_offered(cleo: Client, settings):
    settings.GIFT_AMOUNTS = [5]
    assert cleo.get("/donate/").status_code == 200


def test_a_drive_of_impossible_letters_is_no_drive(cleo: Client):
    assert cleo.post("/donate/", form(drive="win\0ter", amount="")).status_code == 409


def test_cards_take_no_third_decimal():
    assert (5_000 + fee_of(5_000, "KWD")) % 10 == 0
    assert read_amount("5.25", "KWD") == 5_250
    with pytest.raises(ValueError, match="two decimals"):
        read_amount("5.255", "KWD")


def test_a_gift_is_never_nothing(settings):
    settings.GIFT_MIN_MINOR = 50
    with pytest.raises(ValueError, match="smallest gift"):
        read_amount("0", "JPY")
