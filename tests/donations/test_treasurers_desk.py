"""Edna enters the post of a day, promises and files, gives back, and takes the books with her."""

import csv
import re
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from donations import booking, giving
from donations.ledger import progress
from donations.models import (
    CalloutCopy,
    Donation,
    Donor,
    Drive,
    DriveRate,
    LedgerEntry,
    Match,
    Message,
    Milestone,
    Pledge,
)
from donations.providers import refunding
from donations.providers.facts import Unavailable
from tests.factories import NOON, DriveFactory, gift, given

SEVERAL = "/admin/donations/donation/several/"
FILE = "/admin/donations/donation/file/"
GIFTS = "/admin/donations/donation/"
EXPORT = "/admin/donations/ledgerentry/export/"
FORMULA = "=HYPERLINK(1)"

pytestmark = pytest.mark.django_db


def today() -> str:
    return timezone.localdate().isoformat()


def rows(drive: Drive | None, *filled: dict[str, Any], key: Any = None) -> dict[str, Any]:
    """The page for several gifts with these rows filled in."""
    form: dict[str, Any] = {
        "drive": drive.pk if drive else "",
        "key": key or uuid.uuid4(),
        "row-TOTAL_FORMS": 8,
        "row-INITIAL_FORMS": 0,
    }
    empty = {"amount": "", "method": "cheque", "given_on": today()}
    for number in range(8):
        row = {**empty, **(filled[number] if number < len(filled) else {})}
        form |= {f"row-{number}-{name}": value for name, value in row.items()}
    return form


def amounts() -> list[int]:
    return sorted(LedgerEntry.objects.values_list("amount_minor", flat=True))


# Several at once


def test_edna_enters_the_post_of_a_day_at_once(edna_browses: Client, edna: User):
    drive = DriveFactory.create()
    form = rows(
        drive,
        {"amount": "25", "donor_name": "Noor"},
        {"amount": "10.50", "method": "gift-card", "donor_email": "Omar@Readers.example"},
        {"amount": "100", "promised": "on", "donor_name": "Pia"},
    )
    answer = edna_browses.post(SEVERAL, form, follow=True)
    assert "3 gifts entered." in answer.content.decode()
    assert progress(drive).raised == "$35.50"
    assert progress(drive).pledged == "$100"
    assert set(LedgerEntry.objects.values_list("recorded_by", flat=True)) == {edna.pk}


def test_while_one_row_is_wrong_nothing_is_entered_and_nothing_typed_is_lost(edna_browses: Client):
    form = rows(DriveFactory.create(), {"amount": "25"}, {"amount": "ten", "donor_name": "Noor"})
    page = edna_browses.post(SEVERAL, form)
    html = page.content.decode()
    assert "in figures" in html
    assert 'value="Noor"' in html
    assert 'value="25"' in html
    assert not LedgerEntry.objects.exists()


def test_the_same_page_pressed_twice_enters_once(edna_browses: Client):
    form = rows(DriveFactory.create(), {"amount": "25", "another": "on"}, key=uuid.uuid4())
    edna_browses.post(SEVERAL, form)
    answer = edna_browses.post(SEVERAL, form, follow=True)
    assert "entered already" in answer.content.decode()
    assert amounts() == [2_500]
    assert Donation.objects.count() == 1


def test_an_empty_page_says_so(edna_browses: Client):
    page = edna_browses.post(SEVERAL, rows(DriveFactory.create()))
    assert "Nothing is filled in." in page.content.decode()


def test_a_gift_that_may_be_in_already_is_asked_about_once(edna_browses: Client):
    drive = DriveFactory.create()
    gift(drive, 2_500, donor_name="Noor", given_on=timezone.localdate() - timedelta(days=3))
    row = {"amount": "25.00", "donor_name": "noor "}
    page = edna_browses.post(SEVERAL, rows(drive, row)).content.decode()
    assert "may be in already" in page
    assert amounts() == [2_500]
    edna_browses.post(SEVERAL, rows(drive, row | {"another": "on"}))
    assert amounts() == [2_500, 2_500]


@pytest.mark.parametrize(
    "other",
    [{"amount": "25.01"}, {"donor_name": "Nora"}, {"method": "card"}, {"given_on": "2026-01-02"}],
)
def test_a_gift_unlike_it_is_not_asked_about(edna_browses: Client, other: dict[str, str]):
    drive = DriveFactory.create(starts_on="2026-01-01")
    gift(drive, 2_500, donor_name="Noor")
    edna_browses.post(SEVERAL, rows(drive, {"amount": "25", "donor_name": "Noor", **other}))
    assert len(amounts()) == 2


def test_two_rows_alike_are_asked_about(edna_browses: Client):
    drive = DriveFactory.create()
    twice = [{"amount": "25", "donor_name": "Noor"}, {"amount": "25", "donor_name": "Noor"}]
    assert "The same as row 1" in edna_browses.post(SEVERAL, rows(drive, *twice)).content.decode()
    twice[1]["another"] = "on"
    edna_browses.post(SEVERAL, rows(drive, *twice))
    assert amounts() == [2_500, 2_500]
    assert (progress(drive).gifts, progress(drive).donors) == (2, 1)


def test_one_gift_entered_again_by_its_own_form_is_asked_about(edna_browses: Client):
    drive = DriveFactory.create()
    form = {"drive": drive.pk, "amount": "25", "method": "cheque", "given_on": today()}
    edna_browses.post(f"{GIFTS}add/", form)
    page = edna_browses.post(f"{GIFTS}add/", form)
    assert "may be in already" in page.content.decode()
    assert 'type="checkbox" name="another"' in page.content.decode()
    edna_browses.post(f"{GIFTS}add/", form | {"another": "on"})
    assert amounts() == [2_500, 2_500]


def test_a_gift_without_a_drive_goes_to_the_fund(edna_browses: Client):
    edna_browses.post(SEVERAL, rows(None, {"amount": "25"}))
    entry = LedgerEntry.objects.get()
    assert (entry.drive, entry.currency, entry.counts) == (None, "USD", True)


def test_a_gift_in_another_currency_counts_by_the_drives_own_rate(edna_browses: Client):
    drive = DriveFactory.create()
    row = {"amount": "20", "currency": "EUR"}
    page = edna_browses.post(SEVERAL, rows(drive, row))
    assert "no rate for EUR" in page.content.decode()
    DriveRate.objects.create(drive=drive, currency="EUR", rate="1.1")
    edna_browses.post(SEVERAL, rows(drive, row))
    assert progress(drive).raised == "$22"


def test_donors_are_known_again_by_address_whatever_its_case(edna_browses: Client):
    drive = DriveFactory.create()
    for amount, email in (("1", "noor@readers.example"), ("2", "Noor@Readers.example")):
        edna_browses.post(SEVERAL, rows(drive, {"amount": amount, "donor_email": email}))
    assert Donor.objects.count() == 1
    assert (progress(drive).gifts, progress(drive).donors) == (2, 1)


# Promises


def promised(drive: Drive, minor: int = 10_000) -> Donation:
    donation = Donation(drive=drive, donor=Donor.objects.create(name="Pia"))
    giving.promise(donation, amount_minor=minor, now=timezone.now())
    return donation


def test_a_promise_counts_once_it_is_received_with_what_really_came(edna_browses: Client):
    drive = DriveFactory.create()
    donation = promised(drive)
    page = f"{GIFTS}{donation.pk}/promise/"
    assert (progress(drive).raised, progress(drive).pledged) == ("$0", "$100")
    assert "$100 promised" in edna_browses.get(f"{GIFTS}?standing=awaited").content.decode()
    assert 'value="100.00"' in edna_browses.get(page).content.decode()
    edna_browses.post(page, {"amount": "80", "given_on": today()})
    assert (progress(drive).raised, progress(drive).pledged) == ("$80", "$0")


def test_a_promise_received_twice_counts_once(edna_browses: Client):
    drive = DriveFactory.create()
    page = f"{GIFTS}{promised(drive).pk}/promise/"
    for _ in range(2):
        answer = edna_browses.post(page, {"amount": "100", "given_on": today()}, follow=True)
    assert "came already" in answer.content.decode()
    assert progress(drive).raised == "$100"


def test_a_promise_never_expires_and_is_let_go_with_a_reason(edna_browses: Client):
    drive = DriveFactory.create()
    donation = promised(drive)
    page = f"{GIFTS}{donation.pk}/promise/"
    assert "Say why" in edna_browses.post(page, {"release": "x", "reason": ""}).content.decode()
    assert progress(drive).pledged == "$100"
    edna_browses.post(page, {"release": "x", "reason": "wrote that it will not come"})
    assert progress(drive).pledged == "$0"
    assert donation.entries.count() == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"amount": "0"}, "more than zero"),
        ({"amount": "1.005"}, "only 2 decimals"),
        ({"given_on": "2999-01-01"}, "still to come"),
    ],
)
def test_a_slip_in_what_came_is_named(edna_browses: Client, typed: dict[str, str], words: str):
    drive = DriveFactory.create()
    page = f"{GIFTS}{promised(drive).pk}/promise/"
    form = {"amount": "100", "given_on": today(), **typed}
    assert words in edna_browses.post(page, form).content.decode()
    assert progress(drive).raised == "$0"


# Names


def test_a_name_that_should_not_stand_on_the_site_is_taken_off_it(
    edna_browses: Client, cleo: Client
):
    donor = Donor.objects.create(name="Noor")
    pledge = Pledge.objects.create(
        donor=donor, amount_minor=5, currency="USD", started_at=NOON, show_name=True,
        name_shown="Buy pills",
    )  # fmt: skip
    drive = DriveFactory.create()
    rude = given(drive, 100, pledge=pledge, show_name=True, name_shown="Buy pills")
    gift(drive, 100, show_name=True, name_shown="Ivo")
    edna_browses.post(GIFTS, {"action": "hide_name", "_selected_action": [rude.pk]})
    page = cleo.get(drive.get_absolute_url()).content.decode()
    assert "Buy pills" not in page
    assert "Ivo" in page
    pledge.refresh_from_db()
    assert not pledge.show_name


# Files


def file_of(text: str, drive: Drive | None) -> dict[str, Any]:
    return {
        "drive": drive.pk if drive else "",
        "file": SimpleUploadedFile("gifts.csv", text.encode()),
    }


GOOD = (
    "Date,Amount,Method,Name,Email,Note\r\n{day},25.00,Cheque,Noor,,thanks\r\n{day},10,PayPal,,"
    "omar@readers.example,\r\n"
)


def good() -> str:
    return GOOD.format(day=today())


def test_a_file_is_looked_through_first_and_entered_on_a_word(edna_browses: Client):
    drive = DriveFactory.create()
    page = edna_browses.post(FILE, file_of(good(), drive))
    html = page.content.decode()
    assert "2 rows: 2 to enter" in html
    assert "Enter 2 gifts" in html
    assert not Donation.objects.exists()
    sure = {"drive": drive.pk, "text": page.context["text"], "another": "on", "sure": "x"}
    edna_browses.post(FILE, sure)
    assert progress(drive).raised == "$35"
    assert set(Donation.objects.values_list("method", flat=True)) == {"cheque", "paypal"}


def test_a_file_that_comes_twice_is_entered_once(edna_browses: Client):
    drive = DriveFactory.create()
    sure = {"drive": drive.pk, "text": good(), "another": "on", "sure": "x"}
    for _ in range(2):
        edna_browses.post(FILE, sure)
    assert progress(drive).raised == "$35"
    html = edna_browses.post(FILE, file_of(good(), drive)).content.decode()
    assert "2 rows: 0 to enter, 2 in already" in html
    assert html.count("<td>in already</td>") == 2


def test_equal_rows_of_one_file_are_two_gifts_when_it_comes_twice_too(edna_browses: Client):
    drive = DriveFactory.create()
    text = f"amount,date\n5,{today()}\n5,{today()}\n"
    for _ in range(2):
        edna_browses.post(FILE, {"drive": drive.pk, "text": text, "another": "on", "sure": "x"})
    assert amounts() == [500, 500]


def test_while_one_row_of_a_file_is_wrong_nothing_is_entered(edna_browses: Client):
    drive = DriveFactory.create()
    text = f"amount;date;currency\n5;{today()};\n-5;{today()};\n7;yesterday;\n8;{today()};XXQ\n"
    sure = {"drive": drive.pk, "text": text, "another": "on", "sure": "x"}
    html = edna_browses.post(FILE, sure).content.decode()
    assert "4 rows: 1 to enter, 3 wrong" in html
    assert "A gift is more than zero." in html
    assert not Donation.objects.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("name,date\nNoor,2026-03-05\n", "no column “amount”"),
        ("amount\n5\n", "no column “date”"),
        ("amount,date\n" + "5,2026-03-05\n" * 2_001, "more than 2,000 rows"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(edna_browses: Client, text: str, words: str):
    assert words in edna_browses.post(FILE, file_of(text, None)).content.decode()


def test_a_file_in_another_encoding_is_refused_in_words(edna_browses: Client):
    file = SimpleUploadedFile("gifts.csv", "amount,name\n5,Zoë".encode("latin-1"))
    html = edna_browses.post(FILE, {"drive": "", "file": file}).content.decode()
    assert "not in UTF-8" in html


def test_what_is_wrong_with_a_row_names_the_field(edna_browses: Client):
    text = f"amount,date,name,note\n,{today()},,\n5,,,\n5,{today()},,{'x' * 301}\n"
    html = edna_browses.post(FILE, file_of(text, None)).content.decode()
    for words in ("Amount: This field is", "Given on: This field is", "Note: Ensure this value"):
        assert words in html
    page = edna_browses.post(SEVERAL, rows(None, {"donor_name": "Noor"})).content.decode()
    assert "Amount: <ul" in page


def test_the_largest_file_comes_back_whole_from_the_page_that_looks_it_through(
    edna_browses: Client,
):
    note = "щ" * 290
    lines = "".join(f"{number},{today()},{note}\n" for number in range(1, 1_651))
    text = f"amount,date,note\n{lines}"
    page = edna_browses.post(FILE, file_of(text, None))
    sure = {"drive": "", "text": page.context["text"], "another": "on", "sure": "x"}
    found = re.search(r'<form method="post"([^>]*)>(?=(?:(?!</form>).)*name="text")',
                      page.content.decode(), re.DOTALL)  # fmt: skip
    assert found
    if "multipart" in found[1]:
        answer = edna_browses.post(FILE, sure)
    else:
        kind = "application/x-www-form-urlencoded"
        answer = edna_browses.post(FILE, urlencode(sure), content_type=kind)
    assert answer.status_code == 302


def test_a_file_with_lines_in_a_cell_is_known_again_however_they_end(edna_browses: Client):
    text = f'amount,date,note\n5,{today()},"for the\nwinter"\n'
    as_browsers_send_it = text.replace("\n", "\r\n")
    sure = {"drive": "", "text": as_browsers_send_it, "another": "on", "sure": "x"}
    edna_browses.post(FILE, sure)
    html = edna_browses.post(FILE, file_of(text, None)).content.decode()
    assert "0 to enter, 1 in already" in html


@pytest.mark.parametrize("day", ["05/03/2026", "3/5/26", "5.3.2026"])
def test_a_day_that_can_be_read_in_two_ways_is_asked_for(edna_browses: Client, day: str):
    html = edna_browses.post(FILE, file_of(f"amount,date\n5,{day}\n", None)).content.decode()
    assert "Please give the day as 2026-03-05." in html
    page = edna_browses.post(SEVERAL, rows(None, {"amount": "5", "given_on": day}))
    assert "Please give the day as 2026-03-05." in page.content.decode()
    assert not Donation.objects.exists()


@pytest.mark.parametrize("day", ["0001-01-05", "0026-03-05", "1026-03-05"])
def test_a_year_that_is_a_slip_is_named(edna_browses: Client, day: str):
    page = edna_browses.post(SEVERAL, rows(None, {"amount": "5", "given_on": day}))
    assert "Please look at the year." in page.content.decode()
    page = edna_browses.post(f"{GIFTS}{promised(DriveFactory.create()).pk}/promise/",
                             {"amount": "5", "given_on": day})  # fmt: skip
    assert "Please look at the year." in page.content.decode()
    assert not Donation.objects.filter(paid_at__isnull=False).exists()


# Refunds


def from_provider(drive: Drive, minor: int = 5_000) -> Donation:
    donation = Donation.objects.create(
        drive=drive, currency="USD", method="card", provider="stripe", provider_id="pi_1"
    )
    booking.book(
        donation, "settled", minor, currency="USD", source_key="pi_1", happened_at=NOON, now=NOON
    )
    donation.refresh_from_db()
    return donation


def test_a_refund_is_asked_of_the_provider_and_booked_when_it_says_so(
    edna_browses: Client, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []

    def refund(donation: Donation, amount_minor: int) -> str:
        asked.append((donation.pk, amount_minor))
        return "$20 is given back."

    monkeypatch.setattr(refunding, "refund", refund)
    drive = DriveFactory.create()
    donation = from_provider(drive)
    assert "Give back" in edna_browses.get(f"{GIFTS}{donation.pk}/change/").content.decode()
    answer = edna_browses.post(f"{GIFTS}{donation.pk}/refund/", {"amount": "20"}, follow=True)
    assert "$20 is given back." in answer.content.decode()
    assert asked == [(donation.pk, 2_000)]
    assert progress(drive).raised == "$50"


def test_a_provider_that_is_down_is_told_and_nothing_changes(
    edna_browses: Client, monkeypatch: pytest.MonkeyPatch
):
    def refund(*args: Any, **kwargs: Any) -> str:
        raise Unavailable("Stripe cannot be reached.")

    monkeypatch.setattr(refunding, "refund", refund)
    donation = from_provider(DriveFactory.create())
    answer = edna_browses.post(f"{GIFTS}{donation.pk}/refund/", {"amount": "20"}, follow=True)
    assert "Nothing was given back. Stripe cannot be reached." in answer.content.decode()


@pytest.mark.parametrize("amount", ["0", "50.01", "-1", "1.005", "all"])
def test_a_refund_that_the_gift_does_not_hold_is_not_asked(edna_browses: Client, amount: str):
    donation = from_provider(DriveFactory.create())
    page = edna_browses.post(f"{GIFTS}{donation.pk}/refund/", {"amount": amount})
    assert page.status_code == 200
    assert page.context["form"].errors["amount"]


def test_a_gift_that_came_by_hand_is_given_back_by_hand(edna_browses: Client):
    donation = given(DriveFactory.create(), 100)
    assert edna_browses.get(f"{GIFTS}{donation.pk}/refund/").status_code == 404


# The books


def exported(client: Client, **form: Any) -> list[dict[str, str]]:
    answer = client.post(EXPORT, {"first": "", "last": "", "drive": "", **form})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(text.splitlines()))


def test_the_books_go_out_row_by_row_and_add_up(edna_browses: Client):
    drive = DriveFactory.create(name="Winter")
    donation = given(drive, 2_500, donor_name="Noor")
    giving.amend(donation, "refunded", -500, now=timezone.now())
    gift(DriveFactory.create(currency="JPY"), 1_500)
    found = exported(edna_browses, drive=drive.pk)
    assert [(row["kind"], row["amount"], row["donor"]) for row in found] == [
        ("received", "25.00", "Noor"),
        ("refunded", "-5.00", "Noor"),
    ]
    assert [row["amount"] for row in exported(edna_browses)][-1] in ("1500", "-5.00")


def test_the_books_of_some_days(edna_browses: Client):
    drive = DriveFactory.create()
    yesterday = timezone.localdate() - timedelta(days=1)
    gift(drive, 100, given_on=yesterday)
    gift(drive, 200)
    assert [row["amount"] for row in exported(edna_browses, last=yesterday)] == ["1.00"]
    assert [row["amount"] for row in exported(edna_browses, first=today())] == ["2.00"]


@pytest.mark.parametrize("days", [{"first": "0001-01-01"}, {"last": "9999-12-31"}])
def test_the_books_of_days_out_of_reach_are_asked_for_again(edna_browses: Client, days: dict):
    page = edna_browses.post(EXPORT, {"first": "", "last": "", "drive": "", **days})
    assert "Please look at the year." in page.content.decode()


def test_no_cell_of_the_books_is_run_by_a_spreadsheet(edna_browses: Client):
    gift(DriveFactory.create(name="=1+1"), 100, donor_name=FORMULA)
    [row] = exported(edna_browses)
    assert (row["donor"], row["drive"]) == (f"'{FORMULA}", "'=1+1")


def test_the_ledger_can_be_read_and_nothing_else(edna_browses: Client):
    entry = gift(DriveFactory.create(), 100)
    ledger = "/admin/donations/ledgerentry/"
    assert "Received" in edna_browses.get(ledger).content.decode()
    assert edna_browses.get(f"{ledger}{entry.pk}/change/").status_code == 200
    assert edna_browses.post(f"{ledger}{entry.pk}/change/", {"reason": "x"}).status_code == 403
    assert edna_browses.get(f"{ledger}add/").status_code == 403
    assert edna_browses.post(f"{ledger}{entry.pk}/delete/", {"post": "yes"}).status_code == 403


# Who sees what


@pytest.mark.parametrize(
    "path",
    [GIFTS, SEVERAL, FILE, EXPORT, "/admin/donations/donor/", "/admin/donations/ledgerentry/"],
)
def test_editors_see_no_donor(ada_browses: Client, path: str):
    assert ada_browses.get(path).status_code == 403


def test_every_page_of_the_newsroom_that_edna_sees_opens(edna_browses: Client):
    gift(DriveFactory.create(), 100, donor_name="Noor")
    index = edna_browses.get("/admin/")
    models = [model for app in index.context["app_list"] for model in app["models"]]
    assert len(models) >= 6
    for model in models:
        for path in (model["admin_url"], model["add_url"]):
            if path:
                assert edna_browses.get(path).status_code == 200, path


def test_a_donors_page_lists_their_gifts(edna_browses: Client):
    donor = given(DriveFactory.create(), 2_500, donor_name="Noor").donor
    assert donor
    page = edna_browses.get(f"/admin/donations/donor/{donor.pk}/change/").content.decode()
    assert "$25" in page


# Drives


def test_the_figures_of_a_drive_name_nobody(ada_browses: Client):
    drive = DriveFactory.create(goal_minor=10_000)
    earlier = DriveFactory.create(
        name="Spring",
        starts_on=drive.starts_on - timedelta(days=60),
        ends_on=drive.starts_on - timedelta(days=40),
    )
    gift(earlier, 30_000, given_on=earlier.starts_on)
    gift(drive, 2_500, donor_name="Noor")
    page = ada_browses.get(f"/admin/donations/drive/{drive.pk}/figures/").content.decode()
    assert "$25 raised of $100 goal" in page
    assert "Spring" in page
    assert "Noor" not in page


def test_the_figures_of_the_fund_are_a_press_away_and_name_nobody(
    ada_browses: Client, edna_browses: Client, dara_browses: Client
):
    gift(None, 2_500, donor_name="Noor")
    gift(DriveFactory.create(), 100)
    assert (
        "/admin/donations/drive/fund/"
        in edna_browses.get("/admin/donations/drive/").content.decode()
    )
    for client in (ada_browses, edna_browses):
        page = client.get("/admin/donations/drive/fund/").content.decode()
        assert "<strong>$25 raised</strong>" in page
        assert page.count('class="month"') == 12
        assert "Noor" not in page
    assert dara_browses.get("/admin/donations/drive/fund/").status_code == 403


def drive_rows(drive: Drive, **fields: Any) -> dict[str, Any]:
    form = {
        "name": drive.name, "slug": drive.slug, "goal": "1000", "currency": drive.currency,
        "starts_on": drive.starts_on, "ends_on": drive.ends_on, "story": drive.story,
        "how_to_give": drive.how_to_give,
    }  # fmt: skip
    for name in ("matches", "milestones", "rates"):
        form |= {f"{name}-TOTAL_FORMS": "0", f"{name}-INITIAL_FORMS": "0"}
    return {**form, **fields}


def test_edna_adds_a_match_and_gifts_of_its_days_are_matched_at_once(edna_browses: Client):
    drive = DriveFactory.create()
    gift(drive, 3_000)
    form = drive_rows(
        drive,
        **{
            "matches-TOTAL_FORMS": "1",
            "matches-0-name": "A friend",
            "matches-0-ratio": "1",
            "matches-0-cap": "20",
            "matches-0-from_at_0": drive.starts_on,
            "matches-0-from_at_1": "00:00",
            "matches-0-until_at_0": drive.ends_on,
            "matches-0-until_at_1": "23:59",
            "matches-0-words": "",
        },
    )
    assert edna_browses.post(f"/admin/donations/drive/{drive.pk}/change/", form).status_code == 302
    assert Match.objects.get().cap_minor == 2_000
    assert progress(drive).raised == "$50"


def test_a_rate_is_fixed_once_a_gift_was_booked_by_it(edna_browses: Client):
    drive = DriveFactory.create()
    rate = DriveRate.objects.create(drive=drive, currency="EUR", rate="1.1")
    gift(drive, 1_000, currency="EUR")
    form = drive_rows(
        drive,
        **{
            "rates-TOTAL_FORMS": "1",
            "rates-INITIAL_FORMS": "1",
            "rates-0-id": rate.pk,
            "rates-0-drive": drive.pk,
            "rates-0-currency": "EUR",
            "rates-0-rate": "1.2",
        },
    )
    page = edna_browses.post(f"/admin/donations/drive/{drive.pk}/change/", form)
    assert "it is fixed" in page.content.decode()
    rate.refresh_from_db()
    assert f"{rate.rate:.1f}" == "1.1"


def test_a_stretch_goal_is_higher_than_the_goal(ada_browses: Client):
    drive = DriveFactory.create()
    change = f"/admin/donations/drive/{drive.pk}/change/"
    page = ada_browses.post(change, drive_rows(drive, stretch_goal="1000"))
    assert "higher than the goal" in page.content.decode()
    assert ada_browses.post(change, drive_rows(drive, stretch_goal="1500")).status_code == 302
    drive.refresh_from_db()
    assert drive.stretch_goal_minor == 150_000


def milestones(drive: Drive, *typed: tuple[Milestone | None, str]) -> dict[str, Any]:
    """The form of the drive with these milestones, at these sums."""
    form = drive_rows(drive)
    form["milestones-TOTAL_FORMS"] = len(typed)
    form["milestones-INITIAL_FORMS"] = sum(one is not None for one, _ in typed)
    for number, (milestone, at) in enumerate(typed):
        row = {"id": milestone.pk if milestone else "", "at": at, "words": f"Number {number}"}
        form |= {f"milestones-{number}-{name}": value for name, value in row.items()}
    return form


def test_two_milestones_at_one_sum_are_named(ada_browses: Client):
    drive = DriveFactory.create()
    page = f"/admin/donations/drive/{drive.pk}/change/"
    kept = Milestone.objects.create(drive=drive, at_minor=1_000, words="One")
    for rows_ in ([(None, "20"), (None, "20.00")], [(kept, "10"), (None, "10")]):
        answer = ada_browses.post(page, milestones(drive, *rows_))
        assert "Another row says the same." in answer.content.decode()
    assert list(drive.milestones.values_list("at_minor", flat=True)) == [1_000]


def test_milestones_move_past_one_another(ada_browses: Client):
    drive = DriveFactory.create()
    page = f"/admin/donations/drive/{drive.pk}/change/"
    one, two = (
        Milestone.objects.create(drive=drive, at_minor=minor, words="On") for minor in (100, 200)
    )
    assert ada_browses.post(page, milestones(drive, (one, "2"), (two, "1"))).status_code == 302
    for milestone in (one, two):
        milestone.refresh_from_db()
    assert (one.at_minor, two.at_minor) == (200, 100)


def test_two_rates_of_one_currency_are_named(edna_browses: Client):
    drive = DriveFactory.create()
    form = drive_rows(drive) | {"rates-TOTAL_FORMS": "2"}
    for number in range(2):
        form |= {f"rates-{number}-currency": "EUR", f"rates-{number}-rate": "1.1"}
    page = edna_browses.post(f"/admin/donations/drive/{drive.pk}/change/", form)
    assert "Another row says the same." in page.content.decode()
    assert not drive.rates.exists()


def test_ada_sees_the_cap_of_a_match_that_she_may_not_change(ada_browses: Client):
    drive = DriveFactory.create()
    Match.objects.create(
        drive=drive, name="A friend", cap_minor=7_700, from_at=NOON,
        until_at=NOON + timedelta(days=1),
    )  # fmt: skip
    page = ada_browses.get(f"/admin/donations/drive/{drive.pk}/change/").content.decode()
    assert "$77" in page


def test_what_has_no_drive_is_said_to_go_to_the_fund(edna_browses: Client, ada_browses: Client):
    DriveFactory.create_batch(2)
    donation = gift(None, 2_500, donor_name="Noor", message="For my knees").donation
    assert donation
    assert donation.donor
    Pledge.objects.create(donor=donation.donor, amount_minor=5, currency="USD", started_at=NOON)
    for path in ("donation/", "ledgerentry/", f"donation/{donation.pk}/change/"):
        page = edna_browses.get(f"/admin/donations/{path}").content.decode()
        assert "The fund" in page, path
    for path in (f"donor/{donation.donor.pk}/change/", f"pledge/{Pledge.objects.get().pk}/change/"):
        assert "The fund" in edna_browses.get(f"/admin/donations/{path}").content.decode(), path
    assert "The fund" in ada_browses.get("/admin/donations/message/").content.decode()
    only = edna_browses.get("/admin/donations/donation/?drive__isnull=True").content.decode()
    assert "$25" in only
    assert only.count("The fund") == 2, "the row and the filter"


# Words


def test_ada_lets_a_message_through_without_learning_who_gave(ada_browses: Client):
    entry = gift(DriveFactory.create(), 100, donor_name="Noor", message="For my knees")
    messages = "/admin/donations/message/"
    page = ada_browses.get(messages).content.decode()
    assert "For my knees" in page
    assert "Noor" not in page
    assert "Noor" not in ada_browses.get(f"{messages}{entry.donation_id}/change/").content.decode()
    assert Message.objects.get().public_message == ""
    ada_browses.post(messages, {"action": "show", "_selected_action": [entry.donation_id]})
    assert Message.objects.get().public_message == "For my knees"


def test_ada_changes_the_words_of_a_state_once_for_all_pages(ada_browses: Client, cleo: Client):
    drive = DriveFactory.create(name="Winter drive")
    words = "/admin/donations/calloutcopy/"
    copy = CalloutCopy.objects.get(state=Drive.State.OPEN)
    form = {"heading": "Help {drive}", "words": "It is cold.", "button": "Give"}
    assert ada_browses.post(f"{words}{copy.pk}/change/", form).status_code == 302
    page = cleo.get("/").content.decode()
    assert "It is cold." in page
    assert f"Help {drive.name}" in page


def test_the_fund_has_rates_of_its_own_for_monthly_gifts_that_outlive_their_drive(
    edna_browses: Client,
):
    path = "/admin/donations/driverate/"
    DriveRate.objects.create(drive=DriveFactory.create(), currency="GBP", rate=2)
    assert edna_browses.post(f"{path}add/", {"currency": "EUR", "rate": "2"}).status_code == 302
    again = edna_browses.post(f"{path}add/", {"currency": "EUR", "rate": "3"}).content.decode()
    assert "It has a rate already." in again
    gift(None, 100, currency="EUR")
    rate = DriveRate.objects.get(drive=None)
    late = edna_browses.post(f"{path}{rate.pk}/change/", {"currency": "EUR", "rate": "3"})
    assert "it is fixed" in late.content.decode()
    assert "GBP" not in edna_browses.get(path).content.decode().partition("results")[2]


@pytest.mark.parametrize("asked", ["note__startswith=s", "held_minor__gte=5", "donor__name=Noor"])
def test_ada_cannot_ask_what_the_list_of_messages_does_not_show(ada_browses: Client, asked: str):
    gift(DriveFactory.create(), 100, donor_name="Noor", message="For my knees", note="secret")
    answer = ada_browses.get(f"/admin/donations/message/?{asked}")
    assert "For my knees" not in answer.content.decode()


def test_ada_sorts_messages_by_what_became_of_them(ada_browses: Client):
    drive = DriveFactory.create()
    gift(drive, 100, message="For my knees")
    path = f"/admin/donations/message/?drive__id__exact={drive.pk}&message_state__exact="
    assert "For my knees" in ada_browses.get(f"{path}waiting").content.decode()
    assert "For my knees" not in ada_browses.get(f"{path}shown").content.decode()
