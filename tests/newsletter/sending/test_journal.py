"""The journal: what a worker noted outlives it, and tells what became of each copy."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.sending import journal
from newsletter.sending.journal import ACCEPTED, BEGUN, UNTOUCHED, Found, Journal
from tests.newsletter.sending.workers import journals

TOKEN = "0123456789abcdef0123456789abcdef"
KEYS = [11, 12, 40, 2**40]
CHILD = """
import sys
from django.conf import settings
settings.configure(JOURNAL_DIR=sys.argv[1])
from newsletter.sending.journal import ACCEPTED, BEGUN, Journal
notes = Journal(sys.argv[2], 2000)
if sys.argv[3] != "empty":
    notes.fill(7, [11, 12, 40, 2**40])
if sys.argv[3] == "marked":
    notes.mark(0, BEGUN)
    notes.mark(0, ACCEPTED)
    notes.mark(1, BEGUN)
    notes.mark(3, BEGUN)
    notes.mark(3, 0)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(settings: Settings) -> Path:
    """Where the journals lie."""
    return Path(settings.JOURNAL_DIR)


def worker(folder: Path, far: str) -> Any:
    """A process that holds a journal, and has come so far."""
    command = [sys.executable, "-c", CHILD, str(folder), TOKEN, far]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: Any) -> None:
    with process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def found() -> list[Found]:
    return list(journal.abandoned())


@pytest.mark.parametrize(
    ("far", "batch", "marks"),
    [
        ("empty", 0, {}),
        ("filled", 7, dict.fromkeys(KEYS, UNTOUCHED)),
        ("marked", 7, {11: ACCEPTED, 12: BEGUN, 40: UNTOUCHED, 2**40: UNTOUCHED}),
    ],
)
def test_after_a_kill_the_journal_holds_all_that_was_marked(
    folder: Path, far: str, batch: int, marks: dict[int, int]
) -> None:
    process = worker(folder, far)
    # As long as it lives, nobody else may read it.
    assert found() == []
    assert len(journals()) == 1
    kill(process)
    assert found() == [Found(TOKEN, batch, marks, is_whole=True)]
    assert journals() == []
    assert found() == []


def test_a_journal_that_this_process_holds_is_left_alone(folder: Path) -> None:
    notes = Journal(TOKEN, 10)
    notes.fill(7, KEYS)
    assert found() == []
    notes.close(keep=False)
    assert journals() == []


def test_a_journal_that_is_kept_is_found_and_tells_the_same(folder: Path) -> None:
    notes = Journal(TOKEN, len(KEYS))
    notes.fill(7, KEYS)
    notes.mark(2, BEGUN)
    assert (notes.marked(1), notes.marked(2)) == (UNTOUCHED, BEGUN)
    notes.close(keep=True)
    marks = {**dict.fromkeys(KEYS, UNTOUCHED), 40: BEGUN}
    assert found() == [Found(TOKEN, 7, marks, is_whole=True)]


def test_a_journal_whose_handling_fails_stays_for_the_next_time(folder: Path) -> None:
    notes = Journal(TOKEN, 10)
    notes.fill(7, KEYS)
    notes.close(keep=True)

    def fails(one: Found) -> None:
        raise RuntimeError("the database is away")

    with pytest.raises(RuntimeError, match="away"):
        list(map(fails, journal.abandoned()))
    [one] = found()
    assert one.batch == 7


def test_two_who_look_at_once_do_not_both_get_it(folder: Path) -> None:
    Journal(TOKEN, 10).close(keep=True)
    first = journal.abandoned()
    assert next(first).token == TOKEN
    assert found() == []
    assert list(first) == []


def test_a_full_disk_is_said_at_once_and_nothing_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space left"):
            Journal(TOKEN, 2000)
    assert journals() == []
    Journal(TOKEN, 2000).close(keep=False)


def test_its_room_is_taken_before_anything_is_marked(folder: Path) -> None:
    notes = Journal(TOKEN, 2000)
    blocks = notes.path.stat().st_blocks
    notes.fill(7, range(2000))
    for place in range(2000):
        notes.mark(place, ACCEPTED)
    os.sync()
    assert notes.path.stat().st_blocks == blocks
    notes.close(keep=False)


def test_more_copies_than_it_has_room_for_are_refused(folder: Path) -> None:
    notes = Journal(TOKEN, 3)
    with pytest.raises(ValueError, match="room"):
        notes.fill(7, KEYS)
    notes.close(keep=False)


def test_after_a_new_start_of_the_machine_it_is_not_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Journal(TOKEN, 10)
    notes.fill(7, KEYS)
    notes.mark(0, ACCEPTED)
    notes.close(keep=True)
    other = tmp_path / "boot_id"
    other.write_text("00000000-0000-4000-8000-000000000000\n")
    monkeypatch.setattr(journal, "_BOOT", other)
    [one] = found()
    assert (one.is_whole, one.marks[11]) == (False, ACCEPTED)


@pytest.mark.parametrize("left", [0, 7, 91])
def test_what_was_cut_off_before_its_head_is_removed(folder: Path, left: int) -> None:
    notes = Journal(TOKEN, 10)
    notes.fill(7, KEYS)
    notes.close(keep=True)
    os.truncate(notes.path, left)
    assert found() == []
    assert journals() == []


def test_what_was_cut_off_after_its_head_is_not_whole(folder: Path) -> None:
    notes = Journal(TOKEN, 10)
    notes.fill(7, KEYS)
    notes.close(keep=True)
    os.truncate(notes.path, 100)
    assert found() == [Found(TOKEN, 7, {}, is_whole=False)]


def test_another_file_in_the_folder_does_no_harm(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "odd.journal").write_bytes(b"x" * 500)
    (folder / "README").write_text("Journals of this machine.")
    Journal(TOKEN, 10).close(keep=True)
    assert [one.token for one in found()] == [TOKEN]


def test_what_was_killed_while_it_was_made_is_swept_away_later(folder: Path) -> None:
    folder.mkdir(parents=True)
    young, old = folder / "young.new", folder / "old.new"
    for path in (young, old):
        path.write_bytes(b"")
    long_ago = young.stat().st_mtime - 2 * journal.UNBORN_SECONDS
    os.utime(old, (long_ago, long_ago))
    assert found() == []
    assert journals() == [young]
