"""Moving lists in the newsroom: upload, columns, dry run, attestation, progress, export."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from newsletter import tasks
from newsletter.models import ImportRun, Subscriber
from newsletter.moving import files, importing
from tests.factories import SubscriberFactory
from tests.newsletter.moving.lists import DATA, bring, bring_file, check

pytestmark = pytest.mark.django_db

IMPORT = reverse("admin:newsletter_moving_import")
EXPORT = reverse("admin:newsletter_moving_export")
LIST = reverse("admin:newsletter_importrun_changelist")
WORDS = {"whence": "our list at Kit", "basis": "double opt-in", "sure": "on"}


def url(name: str, run: ImportRun) -> str:
    return reverse(f"admin:newsletter_{name}", args=[run.pk])


@pytest.fixture
def operator(db: None) -> Client:
    """The browser of Ola, who may move lists and nothing else."""
    ola = User.objects.create_user("ola", is_staff=True)
    codes = ["import_subscribers", "export_subscribers"]
    ola.user_permissions.set(Permission.objects.filter(codename__in=codes))
    browser = Client()
    browser.force_login(ola)
    return browser


def upload(browser: Client, content: bytes, name: str = "list.csv") -> ImportRun:
    answer = browser.post(IMPORT, {"file": SimpleUploadedFile(name, content)})
    run = ImportRun.objects.latest("pk")
    assert answer.status_code == 302, answer.context["form"].errors
    assert answer["Location"] == url("importrun_change", run)
    return run


def test_from_upload_to_done_as_an_operator_walks(operator: Client, lists_home: Path):
    run = upload(operator, (DATA / "kit.constructed.csv").read_bytes(), "kit.csv")
    waiting = operator.get(url("importrun_change", run)).content
    assert b"A worker looks each row through" in waiting
    assert b"Look again" in waiting
    tasks.move_lists()
    page = operator.get(url("importrun_change", run)).content.decode()
    assert "kim.kit@example.com" in page
    assert "opted out in the file" in page
    assert not Subscriber.objects.exists()
    answer = operator.post(url("moving_attest", run), WORDS)
    assert answer.status_code == 302
    assert "Imported so far" in operator.get(url("importrun_change", run)).content.decode()
    tasks.move_lists()
    run.refresh_from_db()
    assert run.state == ImportRun.State.DONE
    assert run.attestation == "Attested by ola. From: our list at Kit. Basis: double opt-in"
    assert Subscriber.objects.get().email == "kim.kit@example.com"
    page = operator.get(url("importrun_change", run)).content.decode()
    assert run.attestation in page
    assert list(lists_home.iterdir()) == []
    assert mail.outbox == []
    assert LogEntry.objects.get().change_message == ("Attested the consent and started the import.")


def test_an_unknown_file_asks_for_its_columns_and_shows_its_first_rows(operator: Client):
    run = upload(operator, (DATA / "excel-fr-cp1252.constructed.csv").read_bytes())
    page = operator.get(url("importrun_change", run))
    assert "Adresse e-mail" in page.content.decode()
    assert "gaelle@example.com" in page.content.decode()
    guess = {name: field.initial for name, field in page.context["form"].fields.items()}
    assert guess == {
        "address": "2", "status": "", "left": "4", "agreed": "3", "tags": "", "day_first": True,
    }  # fmt: skip
    operator.post(url("moving_columns", run), {"address": "2", "left": "4", "day_first": "on"})
    tasks.move_lists()
    run.refresh_from_db()
    assert run.counts["checked"] == {"NEW": 1, "OUT": 1, "BAD": 1, "TWICE": 1}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, "This field is required"),
        ({"address": "99"}, "not one of the available choices"),
        ({"address": "2", "left": "2"}, "One column cannot be two things."),
    ],
)
def test_columns_that_cannot_be_are_refused(operator: Client, columns: dict[str, str], words: str):
    run = upload(operator, (DATA / "excel-fr-cp1252.constructed.csv").read_bytes())
    page = operator.post(url("moving_columns", run), columns)
    assert words in page.content.decode()
    run.refresh_from_db()
    assert run.state == ImportRun.State.COLUMNS


@pytest.mark.parametrize("missing", ["whence", "basis", "sure"])
def test_without_attestation_nothing_is_imported_and_nothing_typed_is_lost(
    operator: Client, missing: str
):
    run = bring_file("kit.constructed.csv")
    check(run)
    given = {name: value for name, value in WORDS.items() if name != missing}
    page = operator.post(url("moving_attest", run), given)
    assert page.status_code == 200
    assert missing in page.context["form"].errors
    assert given.get("basis", "") in page.content.decode()
    run.refresh_from_db()
    assert run.state == ImportRun.State.CHECKED


@pytest.mark.parametrize(("content", "words"), [
    (b"", "empty"), (b"PK\x03\x04xx", "spreadsheet"), (b"email\n", "no row below"),
])  # fmt: skip
def test_a_file_that_is_no_list_is_refused_in_the_form(
    operator: Client, content: bytes, words: str
):
    page = operator.post(IMPORT, {"file": SimpleUploadedFile("x.csv", content)})
    assert page.status_code == 200
    assert words in page.content.decode()
    assert not ImportRun.objects.exists()


def test_no_file_is_asked_for(operator: Client):
    assert "Choose a file." in operator.post(IMPORT).content.decode()


def test_a_list_that_fails_says_why(operator: Client):
    run = upload(operator, b'email,status\na@example.com,\nb@example.com,"active\n')
    operator.post(url("moving_columns", run), {"address": "0"})
    tasks.move_lists()
    assert "never closed" in operator.get(url("importrun_change", run)).content.decode()
    operator.post(url("moving_give_up", run))
    assert not ImportRun.objects.exists()


def test_the_rows_are_shown_by_page_and_by_verdict_and_downloaded(operator: Client):
    rows = [f"reader{n}@example.com,{'active' if n % 3 else 'left'}" for n in range(250)]
    run = bring("\n".join(["email,status", *rows]))
    check(run)
    there = url("importrun_change", run)
    shown = [len(operator.get(f"{there}?p={page}").context["found"]) for page in range(4)]
    assert shown == [100, 100, 50, 0]
    only = operator.get(f"{there}?verdict=OUT").context
    assert len(only["found"]) == 84
    assert {row[2] for row in only["found"]} == {"opted out in the file"}
    for odd in ("?verdict=x", "?p=x", "?p=-1", "?p=9999999", "?p=²"):
        assert operator.get(there + odd).status_code == 200
    file: Any = operator.get(url("moving_report", run))
    assert file["Content-Disposition"].startswith("attachment")
    assert len(b"".join(file.streaming_content).splitlines()) == 251


def test_what_stands_in_a_file_is_text_on_the_page(operator: Client):
    run = bring('email,status\na@example.com,"<script>x</script>"\n', "<b>.csv")
    check(run)
    page = operator.get(url("importrun_change", run)).content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page
    assert "<b>.csv" not in page


def test_a_list_can_be_deleted_until_it_is_imported(operator: Client, lists_home: Path):
    run = bring_file("kit.constructed.csv")
    check(run)
    operator.post(url("moving_give_up", run))
    assert not ImportRun.objects.exists()
    assert list(lists_home.iterdir()) == []
    run = bring_file("kit.constructed.csv")
    check(run)
    importing.attest(run, "all agreed")
    answer = operator.post(url("moving_give_up", run), follow=True)
    assert "was not deleted" in answer.content.decode()
    assert files.is_here(run)


def test_each_page_opens_in_each_state(operator: Client):
    run = bring_file("kit.constructed.csv")
    check(run)
    for state in ImportRun.State:
        ImportRun.objects.update(state=state)
        assert operator.get(url("importrun_change", run)).status_code == 200, state
        assert operator.get(LIST).status_code == 200
    files.discard(run)
    for state in ImportRun.State:
        ImportRun.objects.update(state=state)
        assert operator.get(url("importrun_change", run)).status_code == 200, state
    assert operator.get(url("moving_report", run)).status_code == 404


GETS = ["moving_columns", "moving_attest", "moving_give_up"]


@pytest.mark.parametrize("name", GETS)
@pytest.mark.parametrize("state", ImportRun.State)
def test_get_changes_nothing(operator: Client, name: str, state: str):
    run = bring_file("kit.constructed.csv")
    check(run)
    ImportRun.objects.update(state=state)
    before = ImportRun.objects.values().get()
    operator.get(url(name, run))
    assert ImportRun.objects.values().get() == before


# Who may


@pytest.mark.parametrize("name", [*GETS, "moving_report", "importrun_change"])
def test_ada_who_edits_may_not_move_lists(ada_browses: Client, name: str):
    run = bring("email\na@example.com\n")
    for ask in (ada_browses.get, ada_browses.post):
        assert ask(url(name, run)).status_code == 403
    for there in (IMPORT, EXPORT, LIST):
        assert ada_browses.get(there).status_code == 403
        assert ada_browses.post(there).status_code == 403


@pytest.mark.parametrize(
    ("codename", "open_to", "closed_to"),
    [("import_subscribers", IMPORT, EXPORT), ("export_subscribers", EXPORT, IMPORT)],
)
def test_each_way_needs_its_own_permission(codename: str, open_to: str, closed_to: str):
    eli = User.objects.create_user("eli", is_staff=True)
    eli.user_permissions.add(Permission.objects.get(codename=codename))
    browser = Client()
    browser.force_login(eli)
    page = browser.get(LIST).content.decode()
    assert open_to in page
    assert closed_to not in page
    assert browser.get(open_to).status_code == 200
    for ask in (browser.get, browser.post):
        assert ask(closed_to).status_code == 403


def test_nobody_adds_edits_or_deletes_a_run_by_hand(operator: Client):
    run = bring("email\na@example.com\n")
    assert operator.get("/admin/newsletter/importrun/add/").status_code == 403
    assert operator.post(url("importrun_delete", run)).status_code == 403
    assert operator.get("/admin/newsletter/importrun/x/change/").status_code == 404


# The way out


def test_the_export_is_a_file_and_it_is_written_down_who_took_it(operator: Client):
    SubscriberFactory.create(email="=1+1@readers.example")
    assert operator.get(EXPORT).status_code == 200
    assert not LogEntry.objects.exists()
    answer: Any = operator.post(EXPORT, {"what": "subscribers"})
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Content-Disposition"].startswith('attachment; filename="subscribers-')
    assert "no-store" in answer["Cache-Control"]
    assert b'"\'=1+1@readers.example"' in b"".join(answer.streaming_content)
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.change_message) == (
        "ola",
        "Exported all subscribers (1).",
    )


def test_suppressions_go_out_apart_and_hold_no_address(operator: Client):
    run = bring("email,status\na@example.com,left\n")
    check(run)
    importing.attest(run, "x")
    importing.go_on(run.pk)
    answer: Any = operator.post(EXPORT, {"what": "suppressions"})
    text = b"".join(answer.streaming_content)
    assert b"imported" in text
    assert b"a@example.com" not in text
