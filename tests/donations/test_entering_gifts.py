"""Entering gifts and drives in the newsroom, and what it says to a slip of the hand."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from donations.ledger import progress
from donations.models import Donation, Drive, LedgerEntry
from tests.factories import DriveFactory, gift, given

GIFTS = "/admin/donations/donation/"
DRIVES = "/admin/donations/drive/"

# What belongs to a drive is left as it is.
NO_ROWS = {
    f"{rows}-{count}_FORMS": "0"
    for rows in ("matches", "milestones", "rates")
    for count in ("TOTAL", "INITIAL")
}

pytestmark = pytest.mark.django_db


def gift_form(drive: Drive, **fields: Any) -> dict[str, Any]:
    form = {
        "drive": drive.pk,
        "amount": "25.50",
        "method": "cheque",
        "given_on": timezone.localdate().isoformat(),
        "donor_name": "Grandma Noor",
        "donor_email": "",
        "note": "",
    }
    return {**form, **fields}


def amend_form(kind: str = "", amount: str = "", reason: str = "", **fields: Any) -> dict[str, Any]:
    """The change form of a gift with one refund or correction to append."""
    return {
        "note": "",
        "entries-TOTAL_FORMS": "0",
        "entries-INITIAL_FORMS": "0",
        "entries-2-TOTAL_FORMS": "1",
        "entries-2-INITIAL_FORMS": "0",
        "entries-2-0-kind": kind,
        "entries-2-0-amount": amount,
        "entries-2-0-reason": reason,
        **fields,
    }


def drive_form(**fields: Any) -> dict[str, Any]:
    form = {
        "name": "Winter drive",
        "slug": "winter",
        "goal": "5000",
        "currency": "USD",
        "starts_on": "2026-03-05",
        "ends_on": "2026-03-20",
        "story": "<p>For heat.</p>",
        "how_to_give": "<p>By cheque.</p>",
        "thanks": "",
        **NO_ROWS,
    }
    return {**form, **fields}


def errors(response: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = dict(response.context["adminform"].form.errors)
    for formset in response.context["inline_admin_formsets"]:
        for form_errors in formset.formset.errors:
            found |= form_errors
    return found


def test_edna_enters_a_cheque_and_the_bar_moves(edna_browses: Client, cleo: Client, edna: User):
    drive = DriveFactory.create()
    assert edna_browses.post(f"{GIFTS}add/", gift_form(drive)).status_code == 302
    assert progress(drive).raised == "$25.50"
    assert "$25.50" in cleo.get("/donate/").content.decode()
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.recorded_by) == ("received", edna)


@pytest.mark.parametrize(
    ("currency", "typed", "field"),
    [
        ("USD", {"amount": "0"}, "amount"),
        ("USD", {"amount": "-5"}, "amount"),
        ("USD", {"amount": "10.005"}, "amount"),
        ("USD", {"amount": "ten"}, "amount"),
        ("USD", {"amount": ""}, "amount"),
        ("USD", {"amount": "NaN"}, "amount"),
        ("USD", {"amount": "Infinity"}, "amount"),
        ("USD", {"amount": "1e30"}, "amount"),
        ("JPY", {"amount": "10.5"}, "amount"),
        ("JPY", {"amount": "0.001"}, "amount"),
        ("USD", {"given_on": "2999-01-01"}, "given_on"),
        ("USD", {"given_on": "yesterday"}, "given_on"),
        ("USD", {"currency": "EUR"}, "currency"),
        ("USD", {"donor_email": "noor"}, "donor_email"),
        ("USD", {"drive": "999"}, "drive"),
        ("USD", {"method": "gold"}, "method"),
        ("USD", {"donor_name": "x" * 201}, "donor_name"),
    ],
)
def test_a_slip_is_named_at_its_field(
    edna_browses: Client, currency: str, typed: dict[str, str], field: str
):
    drive = DriveFactory.create(currency=currency)
    response = edna_browses.post(f"{GIFTS}add/", gift_form(drive) | {"amount": "10"} | typed)
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert not LedgerEntry.objects.exists()


def test_a_gift_of_yen_has_no_decimals(edna_browses: Client):
    drive = DriveFactory.create(currency="JPY")
    edna_browses.post(f"{GIFTS}add/", gift_form(drive, amount="1500"))
    assert progress(drive).raised == "¥1,500"


def test_a_gift_may_be_dated_today_in_the_sites_calendar(edna_browses: Client):
    drive = DriveFactory.create()
    tomorrow = timezone.localdate() + timedelta(days=1)
    response = edna_browses.post(f"{GIFTS}add/", gift_form(drive, given_on=tomorrow.isoformat()))
    assert errors(response) == {"given_on": ["This day is still to come."]}


def test_of_an_entered_gift_only_the_note_can_be_changed(edna_browses: Client):
    drive = DriveFactory.create()
    donation = given(drive, 2_550)
    other = DriveFactory.create()
    page = edna_browses.get(f"{GIFTS}{donation.pk}/change/")
    assert list(page.context["adminform"].form.fields) == ["note"]
    form = amend_form() | gift_form(other, amount="9999", method="card", note="by post")
    form |= {"entries-2-TOTAL_FORMS": "0"}
    assert edna_browses.post(f"{GIFTS}{donation.pk}/change/", form).status_code == 302
    donation.refresh_from_db()
    assert donation.drive_id != other.pk
    assert donation.method == "cheque"
    assert (donation.donor, donation.note) == (None, "by post")
    assert progress(drive).raised == "$25.50"


def test_edna_appends_a_correction_and_a_refund(edna_browses: Client, edna):
    drive = DriveFactory.create()
    donation = given(drive, 25_000)
    change = f"{GIFTS}{donation.pk}/change/"
    edna_browses.post(change, amend_form("correction", "-50", "The cheque said 200"))
    edna_browses.post(change, amend_form("refunded", "-20.00"))
    assert progress(drive).raised == "$180"
    entries = list(donation.entries.values_list("kind", "amount_minor", "recorded_by"))
    assert entries[1:] == [("correction", -5_000, edna.pk), ("refunded", -2_000, edna.pk)]


@pytest.mark.parametrize(
    ("kind", "amount", "reason", "field"),
    [
        ("received", "10", "", "kind"),
        ("", "10", "", "kind"),
        ("refunded", "10", "", "amount"),
        ("refunded", "0", "", "amount"),
        ("refunded", "-0.001", "", "amount"),
        ("correction", "0", "slip", "amount"),
        ("correction", "ten", "slip", "amount"),
        ("correction", "NaN", "slip", "amount"),
        ("correction", "10", "", "reason"),
        ("correction", "10", " ", "reason"),
    ],
)
def test_a_slip_in_a_correction_is_named_at_its_field(
    edna_browses: Client, kind: str, amount: str, reason: str, field: str
):
    donation = given(DriveFactory.create(), 25_000)
    form = amend_form(kind, amount, reason)
    response = edna_browses.post(f"{GIFTS}{donation.pk}/change/", form)
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert donation.entries.count() == 1


def test_entries_cannot_be_changed_by_posting_to_them(edna_browses: Client):
    entry = gift(DriveFactory.create(), 25_000)
    for prefix in ("entries", "entries-2"):
        form = amend_form() | {
            f"{prefix}-TOTAL_FORMS": "1",
            f"{prefix}-INITIAL_FORMS": "1",
            f"{prefix}-0-id": entry.pk,
            f"{prefix}-0-donation": entry.donation_id,
            f"{prefix}-0-kind": "correction",
            f"{prefix}-0-amount": "1",
            f"{prefix}-0-reason": "mine",
            f"{prefix}-0-DELETE": "on",
        }
        edna_browses.post(f"{GIFTS}{entry.donation_id}/change/", form)
    assert list(LedgerEntry.objects.values_list("kind", "amount_minor")) == [("received", 25_000)]


def test_a_gift_cannot_be_deleted(edna_browses: Client):
    donation = given(DriveFactory.create(), 100)
    assert edna_browses.post(f"{GIFTS}{donation.pk}/delete/", {"post": "yes"}).status_code == 403
    edna_browses.post(GIFTS, {"action": "delete_selected", "_selected_action": [donation.pk]})
    assert Donation.objects.exists()


def test_the_list_shows_what_the_ledger_holds_of_each_gift(edna_browses: Client):
    gift(DriveFactory.create(), 25_050, donor_name="Grandma Noor")
    page = edna_browses.get(f"{GIFTS}?q=noor").content.decode()
    assert "$250.50" in page


def test_ada_opens_a_drive(ada_browses: Client):
    assert ada_browses.post(f"{DRIVES}add/", drive_form(goal="5000.50")).status_code == 302
    drive = Drive.objects.get()
    assert (drive.goal_minor, drive.goal) == (500_050, "$5,000.50")
    assert "$5,000.50" in ada_browses.get(DRIVES).content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"goal": "0"}, "goal"),
        ({"goal": "-1"}, "goal"),
        ({"goal": "5000.505"}, "goal"),
        ({"goal": "50.5", "currency": "JPY"}, "goal"),
        ({"goal": ""}, "goal"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "DOLLAR"}, "currency"),
        ({"ends_on": "2026-03-04"}, "ends_on"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"story": "<p></p>"}, "story"),
        ({"how_to_give": "<script>x</script>"}, "how_to_give"),
        ({"currency": "XXQ"}, "currency"),
        ({"name": ""}, "name"),
        ({"slug": "taken"}, "slug"),
    ],
)
def test_a_slip_in_a_drive_is_named_at_its_field(
    ada_browses: Client, typed: dict[str, str], field: str
):
    DriveFactory.create(slug="taken")
    response = ada_browses.post(f"{DRIVES}add/", drive_form(**typed))
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert Drive.objects.count() == 1


def test_a_drive_may_last_one_day(ada_browses: Client):
    assert ada_browses.post(f"{DRIVES}add/", drive_form(ends_on="2026-03-05")).status_code == 302


@pytest.mark.parametrize(("currency", "minor"), [("USD", 500_050), ("JPY", 5_000), ("KWD", 5_001)])
def test_saving_an_untouched_drive_keeps_its_goal(ada_browses: Client, currency: str, minor: int):
    drive = DriveFactory.create(currency=currency, goal_minor=minor)
    form = ada_browses.get(f"{DRIVES}{drive.pk}/change/").context["adminform"].form
    data = {name: form.get_initial_for_field(f, name) or "" for name, f in form.fields.items()}
    assert ada_browses.post(f"{DRIVES}{drive.pk}/change/", data | NO_ROWS).status_code == 302
    drive.refresh_from_db()
    assert drive.goal_minor == minor


def test_once_gifts_came_in_the_currency_is_fixed_and_the_goal_is_not(ada_browses: Client):
    drive = DriveFactory.create(slug="winter")
    gift(drive, 100)
    change = f"{DRIVES}{drive.pk}/change/"
    response = ada_browses.post(change, drive_form(currency="EUR"))
    assert errors(response) == {"currency": ["Gifts came in: the currency is fixed."]}
    assert ada_browses.post(change, drive_form(goal="9000")).status_code == 302
    drive.refresh_from_db()
    assert drive.goal == "$9,000"


def test_a_drive_with_gifts_is_not_deleted(ada_browses: Client):
    drive = DriveFactory.create()
    gift(drive, 100)
    ada_browses.post(f"{DRIVES}{drive.pk}/delete/", {"post": "yes"})
    assert Drive.objects.exists()


@pytest.mark.parametrize("path", [GIFTS, f"{GIFTS}add/", DRIVES, f"{DRIVES}add/"])
def test_cleo_is_asked_to_log_in(cleo: Client, path: str):
    assert cleo.get(path).headers["Location"].startswith("/admin/login/")


def test_a_refund_of_more_than_the_gift_is_refused(edna_browses: Client):
    drive = DriveFactory.create()
    donation = given(drive, 888)
    change = f"{GIFTS}{donation.pk}/change/"
    response = edna_browses.post(change, amend_form("refunded", "-500"))
    assert errors(response) == {"amount": ["This gift holds only $8.88."]}
    assert progress(drive).raised == "$8.88"


def test_two_drives_do_not_run_in_the_same_days(ada_browses: Client):
    DriveFactory.create(
        name="Spring", starts_on=date(2026, 3, 20), ends_on=date(2026, 4, 1), slug="spring"
    )
    response = ada_browses.post(f"{DRIVES}add/", drive_form())
    assert errors(response) == {"starts_on": ["“Spring” runs in some of these days."]}
    kept_apart = drive_form(ends_on="2026-03-19")
    assert ada_browses.post(f"{DRIVES}add/", kept_apart).status_code == 302


def test_the_open_drive_stands_in_the_form_already(edna_browses: Client):
    drive = DriveFactory.create()
    form = edna_browses.get(f"{GIFTS}add/").context["adminform"].form
    assert form["drive"].value() == drive.pk


def test_a_gift_from_before_the_drive_is_asked_about(edna_browses: Client):
    drive = DriveFactory.create()
    early = (drive.starts_on - timedelta(days=1)).isoformat()
    response = edna_browses.post(f"{GIFTS}add/", gift_form(drive, given_on=early))
    assert list(errors(response)) == ["given_on"]


def test_no_turn_of_the_mouse_wheel_changes_an_amount(edna_browses: Client):
    html = edna_browses.get(f"{GIFTS}add/").content.decode()
    assert 'type="number" name="amount"' not in html
    assert 'inputmode="decimal"' in html
