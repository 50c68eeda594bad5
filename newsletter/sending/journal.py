"""What a worker hands over at this moment, in a file that outlives the worker.

One byte for each copy of a batch, in memory that is a file: marking costs no call of the kernel,
and after `kill -9` the file holds all that was marked. Whoever finds a journal that nobody holds
knows of each copy whether it was accepted, may have been, or was never begun.
"""

import contextlib
import fcntl
import mmap
import os
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

UNTOUCHED, BEGUN, ACCEPTED = 0, 1, 2

# Magic, batch, copies, token, the machine's start; then the primary keys, then the marks.
_HEAD = struct.Struct("<8sqq32s36s")
_MAGIC = b"journal1"
UNBORN_SECONDS = 60
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def folder() -> Path:
    """Where the journals of this machine lie; made if it is missing."""
    path = Path(settings.JOURNAL_DIR)
    path.mkdir(parents=True, exist_ok=True)
    return path


def boot_id() -> str:
    """Tells one start of the machine from another: unwritten memory does not survive it."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


class Journal:
    """The journal of one batch in one worker's hands; nobody else can open it meanwhile."""

    def __init__(self, token: str, rows: int) -> None:
        """Make the file with room for so many rows. Raises OSError where there is none."""
        self.token = token
        self.path = folder() / f"{token}.journal"
        self._size = _HEAD.size + 9 * rows
        # Under a name that nobody looks for, until it is locked.
        made = self.path.with_suffix(".new")
        self._file = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A full disk says so here, and not by a signal that ends the worker later.
            os.posix_fallocate(self._file, 0, self._size)
            os.pwrite(self._file, _HEAD.pack(_MAGIC, 0, 0, token.encode(), boot_id().encode()), 0)
            made.rename(self.path)
        except OSError:
            made.unlink(missing_ok=True)
            os.close(self._file)
            raise
        self._map = mmap.mmap(self._file, self._size)
        self._marks = 0

    def fill(self, batch: int, keys: Sequence[int]) -> None:
        """Note which copies the batch holds, in the order of their places."""
        if _HEAD.size + 9 * len(keys) > self._size:
            raise ValueError("more copies than the journal has room for")
        self._marks = _HEAD.size + 8 * len(keys)
        struct.pack_into(f"<{len(keys)}q", self._map, _HEAD.size, *keys)
        # Written last: who reads it finds all of it, or nothing begun.
        head = _HEAD.pack(_MAGIC, batch, len(keys), self.token.encode(), boot_id().encode())
        self._map[: _HEAD.size] = head

    def mark(self, place: int, value: int) -> None:
        """Note how far the copy in this place has come."""
        self._map[self._marks + place] = value

    def marked(self, place: int) -> int:
        """How far the copy in this place has come."""
        return self._map[self._marks + place]

    def close(self, *, keep: bool) -> None:
        """Give it up; with `keep` the file stays for whoever settles the batch."""
        self._map.close()
        if not keep:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


@dataclass
class Found:
    """What a journal that nobody holds tells of its batch.

    `is_whole` says that its marks can be trusted to be the last: the machine has not been started
    anew since.
    """

    token: str
    # 0 if it died before it knew of any copy.
    batch: int
    marks: dict[int, int]
    is_whole: bool
    is_kept: bool = False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int | None]:
    """The open file, if its worker is no more; else None."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        yield None
        return
    try:
        yield file
    finally:
        os.close(file)


def abandoned() -> Iterator[Found]:
    """The journals on this machine that nobody holds. Each is removed once it has been dealt with.

    One whose handling raises, or is said to be kept, stays for the next time.
    """
    for path in sorted(folder().glob("*.journal")):
        with _locked(path) as file:
            if file is None or not path.exists():
                continue
            found = _read(path)
            if found:
                yield found
            if not (found and found.is_kept):
                path.unlink(missing_ok=True)
    _sweep_unborn()


def _sweep_unborn() -> None:
    """Remove what was killed while it was made."""
    for path in folder().glob("*.new"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNBORN_SECONDS:
                path.unlink()


def _read(path: Path) -> Found | None:
    data = path.read_bytes()
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        # Cut off with the power: its batch is given up when its lease runs out.
        return None
    _, batch, number, token, boot = _HEAD.unpack_from(data)
    if number < 0 or not token.isalnum() or not boot.isascii():
        # Nor can a page that holds something else hold up all batches to come.
        return None
    if len(data) < _HEAD.size + 9 * number:
        return Found(token.decode(), batch, {}, is_whole=False)
    keys = struct.unpack_from(f"<{number}q", data, _HEAD.size)
    start = _HEAD.size + 8 * number
    marks = dict(zip(keys, data[start : start + number], strict=True))
    return Found(token.decode(), batch, marks, is_whole=boot.decode() == boot_id())
