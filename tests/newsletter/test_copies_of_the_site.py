"""A restored copy, and whatever is not production, mails nobody by accident (mail rule R69)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import answering, delivering, home, ticking
from newsletter.models import Digest, Rhythm, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import digest_to, letters_to, race, sign_up, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_machine(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a machine of which nothing was sent yet."""
    settings.HOLD_COPIES = True
    settings.VAR_DIR = tmp_path / "var"
    monkeypatch.setattr(home, "_said", set())
    return home.home_file()


@pytest.fixture
def due(rhythm: Rhythm, bea: Subscriber, own_machine: Path) -> Rhythm:
    """A site that sent before, with a digest that is due."""
    ticking.work_to_do(now=timezone.now())
    Rhythm.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))
    ArticleFactory.create()
    return rhythm


def tick() -> list[int]:
    return ticking.work_to_do(now=timezone.now())


def said_by(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


def test_r69_a_copy_under_another_address_builds_and_sends_nothing(
    due: Rhythm, bea: Subscriber, settings: Settings
) -> None:
    waiting = digest_to(bea)
    settings.SITE_URL = "https://staging.example"
    assert ticking.work_to_do(now=timezone.now()) == []
    assert Digest.objects.get() == waiting
    assert states(waiting) == ["queued"]


def test_r69_a_copy_answers_no_sign_up_either(
    due: Rhythm, cleo: Client, settings: Settings
) -> None:
    sign_up(cleo, "cleo@readers.example")
    settings.SITE_URL = "https://staging.example"
    answering.answer_waiting(now=timezone.now())
    assert letters_to("cleo@readers.example") == []
    settings.SITE_URL = "https://fibrosite.example"
    answering.answer_waiting(now=timezone.now())
    assert len(letters_to("cleo@readers.example")) == 1


def test_the_newsroom_says_so(due: Rhythm, ada_browses: Client, settings: Settings) -> None:
    settings.SITE_URL = "https://staging.example"
    page = ada_browses.get("/admin/").content.decode()
    assert "This is a copy of https://fibrosite.example" in page


def test_the_operator_may_let_it_send(
    due: Rhythm, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SITE_URL = "https://new-home.example"
    call_command("send_from_here")
    assert "from https://new-home.example now" in capsys.readouterr().out
    assert len(ticking.work_to_do(now=timezone.now())) == 1


def test_the_site_itself_goes_on(due: Rhythm) -> None:
    assert len(ticking.work_to_do(now=timezone.now())) == 1


def test_the_first_start_of_an_empty_site_makes_both(rhythm: Rhythm, own_machine: Path) -> None:
    tick()
    rhythm.refresh_from_db()
    assert rhythm.home_token
    assert said_by(own_machine) == {"token": rhythm.home_token, "count": 1}
    tick()
    rhythm.refresh_from_db()
    assert said_by(own_machine)["count"] == rhythm.home_count == 2
    assert [file.name for file in own_machine.parent.iterdir()] == ["home.json"]


def test_r69_a_restored_backup_starts_held(due: Rhythm, own_machine: Path) -> None:
    backup = Rhythm.objects.values("home", "home_token", "home_count").get()
    tick()
    waiting = digest_to(SubscriberFactory.create())
    Rhythm.objects.update(**backup)
    assert tick() == []
    assert not delivering.deliver_round(waiting.pk)
    assert states(waiting) == ["queued"]
    assert "older than what was sent from this machine" in home.why_held()


def test_r69_a_backup_on_another_machine_starts_held(
    due: Rhythm, settings: Settings, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path / "new machine"
    assert tick() == []
    assert "sent letters from another machine" in home.why_held()
    assert not home.home_file().exists()


def test_r69_another_sites_database_on_this_machine_is_held(due: Rhythm) -> None:
    Rhythm.objects.update(home_token="another", home_count=1_000)
    assert tick() == []
    assert "is not the one that sent letters from this machine" in home.why_held()


def test_r69_an_emptied_database_is_held(due: Rhythm, own_machine: Path) -> None:
    before = own_machine.read_text()
    Rhythm.objects.update(home="", home_token="", home_count=0)
    assert tick() == []
    assert "older than what was sent" in home.why_held()
    assert own_machine.read_text() == before


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"token": "x"}', '{"token":"x","count":"y"}'])
def test_a_file_that_makes_no_sense_holds_too(due: Rhythm, own_machine: Path, rubbish: str) -> None:
    own_machine.write_text(rubbish)
    assert tick() == []
    assert "cannot be read" in home.why_held()


@pytest.mark.parametrize("what", ["older", "no file", "another token", "rubbish", "address"])
def test_the_operator_lets_it_send_again(
    due: Rhythm,
    own_machine: Path,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    what: str,
) -> None:
    if what == "older":
        Rhythm.objects.update(home_count=0)
    elif what == "no file":
        own_machine.unlink()
    elif what == "another token":
        Rhythm.objects.update(home_token="another")
    elif what == "rubbish":
        own_machine.write_text("?")
    else:
        settings.SITE_URL = "https://new-home.example"
    assert tick() == []
    call_command("send_from_here")
    assert "Until now it did not: " in capsys.readouterr().out
    assert home.why_held() == ""
    assert len(tick()) == 1
    call_command("send_from_here")
    assert "Nothing had to change." in capsys.readouterr().out


def test_several_machines_count_on_together(
    due: Rhythm, settings: Settings, tmp_path: Path
) -> None:
    first, second = settings.VAR_DIR, tmp_path / "second"
    settings.VAR_DIR = second
    assert tick() == []
    call_command("send_from_here")
    for machine in (first, second, second, first):
        settings.VAR_DIR = machine
        assert tick() != []


def test_a_disk_that_is_full_changes_nothing(due: Rhythm, settings: Settings) -> None:
    before = Rhythm.objects.get().home_token
    blocked = Path(settings.VAR_DIR) / "a file"
    blocked.write_text("")
    settings.VAR_DIR = blocked
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("send_from_here")
    assert Rhythm.objects.get().home_token == before


def test_a_tick_outlives_a_file_that_cannot_be_written(
    due: Rhythm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(home.os, "fsync", full)
    assert len(tick()) == 1
    monkeypatch.undo()


def test_two_workers_who_start_at_once_agree(
    shared_database: None, tmp_path: Path, settings: Settings
) -> None:
    settings.HOLD_COPIES, settings.VAR_DIR = True, tmp_path / "var"
    Rhythm.objects.get_or_create(single=1, defaults={"next_due_at": timezone.now()})
    assert race(*[home.is_at_home] * 4) == [True] * 4
    assert said_by(home.home_file())["token"] == Rhythm.objects.get().home_token
    assert [file.name for file in home.home_file().parent.iterdir()] == ["home.json"]


def test_a_worker_that_died_in_between_is_followed_by_another(
    rhythm: Rhythm, own_machine: Path
) -> None:
    tick()
    token = said_by(own_machine)["token"]
    own_machine.write_text(json.dumps({"token": token, "count": 0}))
    Rhythm.objects.update(home_token="", home_count=0)
    assert home.is_at_home()
    assert Rhythm.objects.get().home_token == token


def test_the_newsroom_and_the_check_say_why(
    due: Rhythm, own_machine: Path, ada_browses: Client
) -> None:
    Rhythm.objects.update(home_count=0)
    assert "as after restoring a backup" in ada_browses.get("/admin/").content.decode()
    found = run_checks(include_deployment_checks=True)
    said = [one.msg for one in found if one.id == "newsletter.W005"]
    assert len(said) == 1
    assert "manage.py send_from_here" in said[0]


def test_looking_makes_no_file(rhythm: Rhythm, own_machine: Path, ada_browses: Client) -> None:
    ada_browses.get("/admin/")
    assert not own_machine.exists()


def test_the_log_says_it_once(
    due: Rhythm, own_machine: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_machine.unlink()
    for _ in range(3):
        tick()
    assert caplog.text.count("no letter goes out") == 1


def test_where_copies_are_not_held_no_file_counts(
    due: Rhythm, own_machine: Path, settings: Settings
) -> None:
    own_machine.unlink()
    settings.HOLD_COPIES = False
    assert len(tick()) == 1
    assert not own_machine.exists()


@pytest.mark.parametrize(
    ("allowed", "reached"),
    [
        ([], ["bea@readers.example", "dara@example.org"]),
        (["Dara@example.org"], ["dara@example.org"]),
        (["@readers.example"], ["bea@readers.example"]),
    ],
)
def test_r69_letters_go_to_the_allowed_alone(
    bea: Subscriber, mailer: Mailer, settings: Settings, allowed: list[str], reached: list[str]
) -> None:
    settings.MAIL_ONLY_TO = allowed
    digest = digest_to(bea, SubscriberFactory.create(email="dara@example.org"))
    delivering.deliver_round(digest.pk)
    assert sorted(mailer.recipients) == reached
    assert states(digest).count("failed") == 2 - len(reached)
