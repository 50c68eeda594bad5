"""Every file of every program: the counts expected beside those got, encodings, what is kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core import mail

from newsletter.models import ConsentEvent, Letter, Subscriber, Suppression
from newsletter.moving.reading import look_at
from newsletter.suppressing import suppression_of
from tests.newsletter.moving.lists import DATA, bring, bring_file, carry_out, check, rows_of

pytestmark = pytest.mark.django_db

EXPECTED = {
    "brevo-cp1252.constructed.csv": ("brevo", {"NEW": 1, "OUT": 1}),
    "brevo-utf8.constructed.csv": ("brevo", {"NEW": 1, "OUT": 1}),
    "buttondown.constructed.csv": ("buttondown", {"NEW": 1, "OUT": 1, "UNCONFIRMED": 1}),
    "excel-fr-cp1252.constructed.csv": ("generic", {"NEW": 1, "OUT": 1, "BAD": 1, "TWICE": 1}),
    "ghost-members-current.constructed.csv": ("ghost", {"NEW": 2, "OUT": 1}),
    "ghost-members.csv": ("ghost", {"NEW": 1, "OUT": 1}),
    "kit.constructed.csv": ("kit", {"NEW": 1, "OUT": 3}),
    "listmonk-export.constructed.csv": ("listmonk", {"NEW": 1, "OUT": 2}),
    "mailchimp-cleaned.csv": ("mailchimp", {"OUT": 5}),
    "mailchimp-subscribed.csv": ("mailchimp", {"NEW": 5}),
    "mailchimp-unsubscribed.csv": ("mailchimp", {"OUT": 5}),
    # One person left one list of two: she counts as gone, her other row does not.
    "mailpoet-export.constructed.csv": (
        "mailpoet",
        {"OUT": 3, "TWICE": 1, "UNCONFIRMED": 1, "RESTING": 1},
    ),
    "newsletter-plugin.constructed.csv": (
        "newsletter-plugin",
        {"NEW": 1, "OUT": 2, "UNCONFIRMED": 1},
    ),
    # Two addresses have letters outside ASCII before the @.
    "substack-signups.altered.csv": ("substack", {"NEW": 17, "OUT": 2, "BAD": 2}),
    "substack-subscribers.altered.csv": ("substack", {"NEW": 13, "OUT": 2, "BAD": 2}),
}


def test_every_recorded_file_is_expected():
    assert {path.name for path in DATA.glob("*.csv")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_file_is_known_and_counted_as_expected(name: str):
    kind, counts = EXPECTED[name]
    run = bring_file(name)
    assert run.file_format == kind
    assert check(run) == counts
    assert not Subscriber.objects.exists()
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("name", EXPECTED)
def test_each_file_is_imported_as_its_dry_run_said_and_nothing_is_mailed(name: str):
    counts = EXPECTED[name][1]
    assert carry_out(bring_file(name)) == counts
    assert Subscriber.objects.active().count() == counts.get("NEW", 0)
    assert Suppression.objects.count() == counts.get("OUT", 0)
    imported = ConsentEvent.objects.filter(kind=ConsentEvent.Kind.IMPORTED)
    assert imported.count() == counts.get("NEW", 0)
    assert mail.outbox == []
    assert not Letter.objects.exists()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_second_time_each_file_changes_nothing(name: str):
    first = carry_out(bring_file(name))
    again = carry_out(bring_file(name))
    changed = {"NEW": "HERE", "OUT": "BARRED"}
    assert again == {changed.get(verdict, verdict): count for verdict, count in first.items()}
    assert Subscriber.objects.active().count() == first.get("NEW", 0)
    assert Suppression.objects.count() == first.get("OUT", 0)
    assert ConsentEvent.objects.count() == first.get("NEW", 0)


def test_all_files_together_make_each_address_once():
    for name in EXPECTED:
        carry_out(bring_file(name))
    # Substack's two files and Brevo's two hold the same people.
    assert Subscriber.objects.active().count() == 31
    assert Suppression.objects.count() == 27


def test_a_row_of_consent_says_whence_when_and_on_what_basis():
    carry_out(bring_file("kit.constructed.csv"))
    kim = Subscriber.objects.get()
    assert (kim.email, kim.source) == ("kim.kit@example.com", "import")
    assert kim.joined_at == datetime(2022, 9, 10, 11, 12, 13, tzinfo=UTC)
    event = kim.consent.get()
    assert (event.kind, event.method, event.form) == ("imported", "imported", "kit")
    assert event.asked_at == kim.joined_at
    assert event.detail == (
        "kit.constructed.csv, row 2. From the old newsletter; all confirmed by mail. "
        "Attested by Ada."
    )


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("lo@example.com", "hard-bounce"),
        ("mo@example.com", "imported"),
        ("ny@example.com", "complaint"),
    ],
)
def test_why_somebody_is_out_is_kept(address: str, reason: str):
    carry_out(bring_file("kit.constructed.csv"))
    suppression = suppression_of(address)
    assert suppression is not None
    assert suppression.reason == reason
    assert suppression.source == "Kit: kit.constructed.csv"


def test_the_day_of_leaving_is_kept_where_the_file_has_it():
    carry_out(bring_file("mailchimp-unsubscribed.csv"))
    suppression = suppression_of("U1@example.com")
    assert suppression is not None
    assert suppression.since_at == datetime(2018, 7, 23, 12, 19, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "row", "day"),
    [
        ("brevo-utf8.constructed.csv", 0, datetime(2022, 4, 12, 9, 30, tzinfo=UTC)),
        ("excel-fr-cp1252.constructed.csv", 0, datetime(2021, 3, 5, tzinfo=UTC)),
        ("listmonk-export.constructed.csv", 1, datetime(2023, 10, 29, 1, 30, tzinfo=UTC)),
        ("mailpoet-export.constructed.csv", 0, datetime(2022, 5, 6, 10, 15, tzinfo=UTC)),
        ("mailpoet-export.constructed.csv", 2, datetime(2020, 1, 1, tzinfo=UTC)),
        ("buttondown.constructed.csv", 1, datetime(2023, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("newsletter-plugin.constructed.csv", 0, datetime(2019, 5, 6, 7, 8, 9, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_each_program_writes_them(name: str, row: int, day: datetime):
    assert rows_of(DATA / name)[row].agreed_at == day


def test_a_mailchimp_export_of_people_who_never_subscribed_is_not_imported():
    text = (DATA / "mailchimp-subscribed.csv").read_text(encoding="utf-8")
    bare = text.replace("2018-02-12 10:54:27", "")
    assert check(bring(bare)) == {"NEW": 3, "UNCONFIRMED": 2}


# Encodings, separators, quoting

ACCENTS = (
    "Prénom;E-mail;Statut\r\n"
    "Gaëlle;gaelle@example.com;inscrite\r\n"
    "Rémi;remi@example.com;désabonné\r\n"
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_letters_are_read_whatever_their_encoding(encoding: str):
    run = bring(ACCENTS.encode(encoding))
    assert carry_out(run) == {"NEW": 1, "OUT": 1}
    assert Subscriber.objects.get().email == "gaelle@example.com"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_found(separator: str, end: str):
    rows = [["name", "email", "status"], ["A", "a@example.com", "active"],
            ["B", "b@example.com", "unsubscribed"]]  # fmt: skip
    text = end.join(separator.join(row) for row in rows)
    assert carry_out(bring(text)) == {"NEW": 1, "OUT": 1}


def test_excels_own_first_line_names_the_separator():
    text = "sep=;\r\nname, first;email\r\nA;a@example.com\r\n"
    assert carry_out(bring(text)) == {"NEW": 1}


def test_a_list_of_bare_addresses_needs_no_headings(tmp_path: Path):
    run = bring("a@example.com\nb@example.com\n\n\nA@EXAMPLE.COM\n")
    assert carry_out(run) == {"NEW": 2, "TWICE": 1}


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text('email,note\n\na@example.com,"two\nlines"\nb@example.com,\n,,,\n', "utf-8")
    assert [entry.number for entry in rows_of(path)] == [3, 4]


def test_quotes_written_with_a_backslash_are_understood_in_any_file(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text('"Prénom","Courriel"\n"Hugh \\"Hal\\", sr","hal@example.com"\n', "utf-8")
    assert look_at(path).backslash
    assert [entry.address for entry in rows_of(path)] == ["hal@example.com"]


def test_an_extra_separator_at_the_end_of_each_row_is_no_column():
    assert carry_out(bring("email;status\na@example.com;active;\n")) == {"NEW": 1}


def test_a_row_with_more_cells_than_headings_is_not_guessed_at():
    run = bring(
        "email,name,status\na@example.com,Smith, John,unsubscribed\nb@example.com,B,active\n"
    )
    assert carry_out(run) == {"NEW": 1, "UNREADABLE": 1}


def test_a_quote_that_swallows_the_next_rows_is_noticed():
    rows = ['a@example.com,"A,active', "b@example.com,B,unsubscribed", 'c@example.com,"C,active']
    text = "\n".join(["email,name,status", *rows])
    assert carry_out(bring(text)) == {"UNREADABLE": 1}
