"""What a giver sees and does on the own page, and what strangers do not."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.utils import timezone

from donations import erasing, giving, posting
from donations.letters import own_url
from donations.models import Donation, Donor, GiftLetter, PaymentEvent, Pledge
from tests.donations.providers.till import GIVER, Till, handle_all
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def gift(till: Till) -> Donation:
    """A gift of ten dollars by a named giver."""
    checkout = till.opened(
        drive=DriveFactory.create(), name="Bo Tarn", email=GIVER, show_name=True, message="Warm"
    )
    till.pays(checkout)
    till.tell()
    return Donation.objects.get()


@pytest.fixture
def monthly(till: Till) -> Pledge:
    """A monthly gift of ten dollars."""
    till.pays(till.opened(monthly=True, name="Bo Tarn"))
    till.tell()
    return Pledge.objects.get()


def own(donor: Donor | None) -> str:
    assert donor is not None
    return own_url(donor).removeprefix("https://fibrosite.example")


def sent() -> list:
    posting.send_waiting(now=timezone.now())
    return mail.outbox


def test_the_link_comes_by_mail_and_opens_the_page(cleo: Client, gift: Donation):
    assert cleo.post("/donate/own/", {"email": GIVER.upper()}).status_code == 303
    letter = sent()[-1]
    found = re.search(r"https://fibrosite\.example(/donate/own/\S+/)", letter.body)
    assert found
    page = cleo.get(found[1])
    assert "$10" in page.content.decode()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert "no-store" in page.headers["Cache-Control"]


def test_the_answer_is_the_same_for_an_unknown_address(cleo: Client, gift: Donation):
    known = cleo.post("/donate/own/", {"email": GIVER})
    unknown = cleo.post("/donate/own/", {"email": "nobody@readers.example"})
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )
    assert [letter.email for letter in GiftLetter.objects.filter(kind="link")] == [GIVER]


def test_asking_again_at_once_sends_no_second_letter(cleo: Client, gift: Donation):
    for _ in range(3):
        cleo.post("/donate/own/", {"email": GIVER})
    assert GiftLetter.objects.filter(kind="link").count() == 1


def test_what_is_no_address_is_named(cleo: Client, db):
    assert cleo.post("/donate/own/", {"email": "bo"}).status_code == 400
    assert cleo.post("/donate/own/", {}).status_code == 400


@pytest.mark.parametrize("token", ["x", "AAAA.BBBB.CCCC", "%00", "a" * 500])
def test_a_forged_link_opens_nothing(cleo: Client, db, token: str):
    assert cleo.get(f"/donate/own/{token}/").status_code == 400


def test_a_link_works_for_thirty_days(cleo: Client, gift: Donation):
    path = own(gift.donor)
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert cleo.get(path).status_code == 400


def test_a_receipt_comes_as_pdf_and_by_mail(cleo: Client, gift: Donation):
    path = own(gift.donor)
    pdf = cleo.get(f"{path}receipt/{gift.key}.pdf")
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    page = cleo.post(path, {"want": "mail", "gift": str(gift.key)}).content.decode()
    assert "The receipt is on its way" in page
    [name, content, kind] = sent()[-1].attachments[0]
    assert (name.startswith("receipt-"), content[:5], kind) == (True, b"%PDF-", "application/pdf")


def test_a_promise_has_no_receipt(cleo: Client):
    donor = Donor.objects.create(email=GIVER)
    promise = Donation(donor=donor)
    giving.promise(promise, amount_minor=1_000, now=timezone.now())
    answer = cleo.post(own(donor), {"want": "mail", "gift": str(promise.key)})
    assert answer.status_code == 404
    assert not GiftLetter.objects.exists()


def test_a_button_that_is_none_changes_nothing(cleo: Client, gift: Donation):
    answer = cleo.post(own(gift.donor), {"want": "nonsense", "gift": str(gift.key)})
    assert answer.status_code == 404
    gift.refresh_from_db()
    assert gift.show_name


def test_a_year_comes_as_pdf_and_by_mail(cleo: Client, gift: Donation):
    path, year = own(gift.donor), timezone.localdate().year
    assert cleo.get(f"{path}{year}.pdf").content.startswith(b"%PDF-")
    assert cleo.get(f"{path}1999.pdf").status_code == 404
    cleo.post(path, {"want": "statement", "year": str(year)})
    assert sent()[-1].attachments[0][0] == f"gifts-{year}.pdf"
    assert cleo.post(path, {"want": "statement", "year": "1999"}).status_code == 404


def test_a_name_that_the_font_lacks_does_not_break_a_receipt(cleo: Client, gift: Donation):
    Donor.objects.update(name="Łukasz Żak 漢")
    assert cleo.get(f"{own(gift.donor)}receipt/{gift.key}.pdf").status_code == 200


def test_a_name_is_hidden_and_shown_again(cleo: Client, gift: Donation):
    path = own(gift.donor)
    cleo.post(path, {"want": "hide", "gift": str(gift.key)})
    gift.refresh_from_db()
    assert (gift.show_name, gift.name_shown) == (False, "")
    cleo.post(path, {"want": "show", "gift": str(gift.key)})
    gift.refresh_from_db()
    assert (gift.show_name, gift.name_shown) == (True, "Bo Tarn")


def test_a_name_that_runs_from_right_to_left_leaves_the_words_around_it_alone(
    cleo: Client, gift: Donation
):
    name = "\u202eBo"
    Donor.objects.update(name=name)
    Donation.objects.update(name_shown=name)
    html = cleo.get(own(gift.donor)).content.decode()
    assert f"“<bdi>{name}</bdi>”" in html
    assert f"(<bdi>{name}</bdi>) and what you gave" in html


def test_nobody_reaches_the_gifts_of_another(cleo: Client, gift: Donation):
    stranger = own(Donor.objects.create(email="else@readers.example"))
    assert cleo.get(f"{stranger}receipt/{gift.key}.pdf").status_code == 404
    answer = cleo.post(stranger, {"want": "hide", "gift": str(gift.key)})
    assert answer.status_code == 404
    assert cleo.post(stranger, {"want": "hide", "gift": "nonsense"}).status_code == 404


def test_a_monthly_gift_is_stopped_in_two_presses(cleo: Client, till: Till, monthly: Pledge):
    path = own(monthly.donor)
    page = cleo.get(path).content.decode()
    first = re.search(r'href="([^"]+/monthly/[^"]+)"', page)
    assert first
    answer = cleo.post(first[1], {"want": "stop"}, follow=True)
    assert "Your monthly gift is stopped." in answer.content.decode()
    monthly.refresh_from_db()
    assert monthly.state == "cancelled"
    assert till.server.books.get(monthly.provider_id)["status"] == "canceled"
    till.tell()
    assert GiftLetter.objects.filter(kind="stopped").count() == 1
    for again in (cleo.get(first[1]), cleo.post(first[1], {"want": "stop"})):
        assert again.headers["Location"] == path, "who presses twice is not lost"
    assert "Nothing more is taken." in cleo.get(path).content.decode()


def test_a_monthly_gift_by_paypal_is_stopped_as_well(cleo: Client, till: Till):
    till.pays(till.opened("paypal", monthly=True, email=GIVER))
    till.tell()
    pledge = Pledge.objects.get()
    cleo.post(f"{own(pledge.donor)}monthly/{pledge.key}/", {"want": "stop"})
    assert till.server.books.get(pledge.provider_id)["status"] == "CANCELLED"


def test_opening_the_page_stops_nothing(cleo: Client, monthly: Pledge):
    cleo.get(f"{own(monthly.donor)}monthly/{monthly.key}/?want=stop")
    cleo.get(f"{own(monthly.donor)}?want=stop")
    monthly.refresh_from_db()
    assert monthly.state == "active"


def test_a_monthly_gift_gets_another_amount(cleo: Client, till: Till, monthly: Pledge):
    path = f"{own(monthly.donor)}monthly/{monthly.key}/"
    assert cleo.post(path, {"want": "change", "other": "1"}).status_code == 400
    cleo.post(path, {"want": "change", "other": "15"})
    till.tell()
    monthly.refresh_from_db()
    assert monthly.amount_minor == 1_500
    till.server.stripe.renew(monthly.provider_id)
    till.tell()
    assert sorted(Donation.objects.values_list("held_minor", flat=True)) == [1_000, 1_500]


def test_a_press_without_a_sum_leaves_a_monthly_gift_as_it_is(cleo: Client, monthly: Pledge):
    path = f"{own(monthly.donor)}monthly/{monthly.key}/"
    assert " checked" not in cleo.get(path).content.decode()
    answer = cleo.post(path, {"want": "change", "other": ""})
    assert answer.status_code == 400
    assert "Please choose an amount." in answer.content.decode()
    monthly.refresh_from_db()
    assert monthly.amount_minor == 1_000


def test_another_card_is_given_at_the_payment_service(cleo: Client, till: Till, monthly: Pledge):
    answer = cleo.post(f"{own(monthly.donor)}monthly/{monthly.key}/", {"want": "card"})
    assert answer.headers["Location"].startswith(f"{till.server.url}/portal/")


def test_the_way_back_from_the_payment_service_opens_for_an_hour(
    cleo: Client, till: Till, monthly: Pledge
):
    cleo.post(f"{own(monthly.donor)}monthly/{monthly.key}/", {"want": "card"})
    [session] = till.server.books.of("billing_portal.session")
    path = session["return_url"].removeprefix("https://fibrosite.example")
    asked = timezone.now()
    with time_machine.travel(asked + timedelta(minutes=59)):
        page = cleo.get(path)
        assert "$10 each month" in page.content.decode()
        assert page.headers["Referrer-Policy"] == "no-referrer"
    with time_machine.travel(asked + timedelta(minutes=61)):
        late = cleo.get(path)
        assert late.status_code == 400
        assert "/donate/own/" in late.content.decode(), "the way to a new link"
        assert cleo.get(own(monthly.donor)).status_code == 200, "a mailed link lasts longer"


def test_with_the_service_away_nothing_is_stopped_and_that_is_said(
    cleo: Client, till: Till, monthly: Pledge
):
    till.server.broken = True
    answer = cleo.post(f"{own(monthly.donor)}monthly/{monthly.key}/", {"want": "stop"})
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.content.decode()
    monthly.refresh_from_db()
    assert monthly.state == "active"


def test_erasing_leaves_the_sums_and_nothing_that_leads_to_the_giver(
    cleo: Client, till: Till, gift: Donation
):
    till.pays(till.opened(monthly=True))
    till.tell()
    cleo.post("/donate/own/", {"email": GIVER})
    path = own(gift.donor)
    assert "cannot be undone" in cleo.get(f"{path}erase/").content.decode()
    assert Donor.objects.get().email == GIVER, "a GET erases nothing"
    assert cleo.post(f"{path}erase/").status_code == 200
    assert cleo.get(path).status_code == 410
    till.tell()
    PaymentEvent.objects.update(handled_at=None)
    handle_all()
    everything = "".join(
        str(list(model.objects.values()))
        for model in (Donor, Donation, Pledge, GiftLetter, PaymentEvent)
    )
    for word in (GIVER, "Bo Tarn", "Warm"):
        assert word not in everything
    assert Pledge.objects.get().state == "cancelled"
    assert sorted(Donation.objects.values_list("held_minor", flat=True)) == [1_000, 1_000]
    assert sent() == []


def test_the_link_of_who_was_erased_says_so(cleo: Client, gift: Donation):
    path = own(gift.donor)
    cleo.post(f"{path}erase/")
    page = cleo.get(path)
    assert page.status_code == 410
    assert "are erased, so there is no page any more" in page.content.decode()
    assert "Get a new one" not in page.content.decode()


@pytest.mark.parametrize("name", ["Zoë Ølen", "Al"])
def test_erasing_takes_names_as_providers_write_them_and_leaves_reports_readable(
    till: Till, name: str
):
    checkout = till.opened(name=name, email=GIVER)
    till.pays(checkout, person=name)
    abandoned = till.opened(name=name, email=GIVER.upper())
    events = till.events()
    for event in events:
        event["data"]["object"]["phone"] = "555 0100"
    till.tell(events)
    erasing.erase(Donor.objects.get(), now=timezone.now())
    bodies = "".join(PaymentEvent.objects.values_list("body", flat=True))
    assert all(word not in bodies for word in (f'"{name}"', "Zo\\u00eb", GIVER))
    assert "555 0100" not in PaymentEvent.objects.get(type="checkout.session.completed").body
    abandoned.refresh_from_db()
    assert (abandoned.email, abandoned.name) == ("", "")
    PaymentEvent.objects.update(handled_at=None)
    handle_all()
    assert PaymentEvent.objects.get(type="checkout.session.completed").state == "handled"


def test_erasing_takes_the_name_out_of_what_the_desk_noted(edna_browses: Client):
    edna_browses.post("/admin/donations/donor/add/", {"name": "Noor", **no_rows()})
    erasing.erase(Donor.objects.get(), now=timezone.now())
    assert [str(one.object_repr) for one in LogEntry.objects.all()] == ["(erased)"]


def no_rows() -> dict[str, int]:
    return {"donations-TOTAL_FORMS": 0, "donations-INITIAL_FORMS": 0}
