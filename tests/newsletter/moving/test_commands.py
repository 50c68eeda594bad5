"""The same by command, for files on the server."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from newsletter.models import ImportRun, Subscriber
from newsletter.moving import files
from tests.newsletter.moving.lists import DATA

pytestmark = pytest.mark.django_db

CONSENT = "Attested by Ola: from our old Mailchimp list, double opt-in."
FRENCH = DATA / "excel-fr-cp1252.constructed.csv"


def run(name: str, *args: object, **options: Any) -> str:
    out = StringIO()
    call_command(name, *map(str, args), stdout=out, **options)
    return out.getvalue()


def test_without_consent_it_says_what_would_happen_and_stores_nothing(lists_home: Path):
    words = run("import_subscribers", DATA / "kit.constructed.csv")
    assert words == (
        "Kit: new subscriber: 1, opted out in the file: 3\n"
        "Nothing was stored. To import, say --consent.\n"
    )
    assert not Subscriber.objects.exists()
    assert not ImportRun.objects.exists()
    assert list(lists_home.iterdir()) == []


def test_with_consent_it_imports_and_keeps_the_words(lists_home: Path):
    words = run("import_subscribers", DATA / "kit.constructed.csv", consent=CONSENT)
    assert words.endswith("Imported: new subscriber: 1, opted out in the file: 3\n")
    assert Subscriber.objects.count() == 1
    assert ImportRun.objects.get().attestation == CONSENT
    assert list(lists_home.iterdir()) == []


def test_an_unknown_file_is_read_by_its_headings_and_says_how():
    words = run("import_subscribers", FRENCH)
    assert "read so: address = Adresse e-mail, left = Désinscrit, agreed = Inscrit le" in words
    assert "new subscriber: 1, opted out in the file: 1" in words


def test_columns_are_named_by_heading():
    words = run("import_subscribers", FRENCH, address="ADRESSE E-MAIL", day_first=True)
    assert "read so: address = Adresse e-mail\n" in words
    assert "new subscriber: 2" in words


@pytest.mark.parametrize(("options", "words"), [
    ({"address": "Mail"}, "no column “Mail”. The headings are: Prénom, Nom, Adresse e-mail"),
    ({"left": "Désinscrit"}, "Say which column holds the address."),
    ({"address": "Nom", "left": "Nom"}, "One column cannot be two things."),
])  # fmt: skip
def test_columns_that_cannot_be_are_refused(options: dict[str, str], words: str, lists_home: Path):
    with pytest.raises(CommandError, match=words):
        run("import_subscribers", FRENCH, **options)
    assert not ImportRun.objects.exists()
    assert list(lists_home.iterdir()) == []


def test_the_rows_can_be_written_to_a_file(tmp_path: Path):
    report = tmp_path / "rows.csv"
    run("import_subscribers", DATA / "kit.constructed.csv", report=report)
    assert len(report.read_text("utf-8-sig").splitlines()) == 5
    with pytest.raises(CommandError, match="cannot be written"):
        run("import_subscribers", DATA / "kit.constructed.csv", report=tmp_path / "x" / "y")
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(("content", "words"), [
    (None, "cannot be read: No such file"), (b"", "This file is empty."),
    (b'email\n"a@example.com\n', "never closed"),
])  # fmt: skip
def test_what_is_no_list_is_a_sentence(content: bytes | None, words: str, tmp_path: Path):
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        run("import_subscribers", path, consent=CONSENT)
    assert not ImportRun.objects.filter(state="running").exists()


def test_ended_in_the_middle_a_worker_goes_on(monkeypatch: pytest.MonkeyPatch):
    def interrupted(*args: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("newsletter.moving.importing._store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("import_subscribers", DATA / "kit.constructed.csv", consent=CONSENT)
    waiting = ImportRun.objects.get()
    assert waiting.state == ImportRun.State.RUNNING
    assert files.is_here(waiting)


def test_the_list_goes_out_into_a_new_private_file_and_comes_back(bea: Subscriber, tmp_path: Path):
    path = tmp_path / "ours.csv"
    assert run("export_subscribers", path) == f"1 rows written to {path}.\n"
    assert path.stat().st_mode & 0o077 == 0
    Subscriber.objects.all().delete()
    run("import_subscribers", path, consent=CONSENT)
    assert Subscriber.objects.get().key == bea.key


def test_suppressions_have_a_file_of_their_own(tmp_path: Path):
    run("import_subscribers", DATA / "mailchimp-cleaned.csv", consent=CONSENT)
    path = tmp_path / "out.csv"
    assert run("export_subscribers", path, suppressions=True).startswith("5 rows")


def test_an_export_overwrites_nothing(tmp_path: Path):
    path = tmp_path / "ours.csv"
    path.write_text("mine")
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        run("export_subscribers", path)
    assert path.read_text() == "mine"
