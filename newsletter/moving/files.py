"""Where lists lie while they are brought in: a private folder for each, gone when it is done."""

import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from newsletter.models import ImportRun
from newsletter.moving.reading import UnreadableFileError

LARGEST_BYTES = 500_000_000


def keep(chunks: Iterable[bytes]) -> Path:
    """Store a file in a folder of its own that only this program may read; the folder's path.

    Raises UnreadableFileError if it is larger than LARGEST_BYTES; then nothing stays.
    """
    home = Path(settings.VAR_DIR) / "imports"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = home / uuid.uuid4().hex
    folder.mkdir(mode=0o700)
    length = 0
    with (folder / "list.csv").open("wb") as file:
        for chunk in chunks:
            length += len(chunk)
            if length > LARGEST_BYTES:
                shutil.rmtree(folder)
                raise UnreadableFileError("This file is larger than 500 MB. Divide it.")
            file.write(chunk)
    return folder


def list_of(run: ImportRun) -> Path:
    """The file itself, as it came."""
    return Path(run.path) / "list.csv"


def seen_of(run: ImportRun) -> Path:
    """What `newsletter.moving.seen` keeps of its addresses."""
    return Path(run.path) / "seen.sqlite3"


def report_of(run: ImportRun) -> Path:
    """What the dry run says of each row, as CSV."""
    return Path(run.path) / "report.csv"


def is_here(run: ImportRun) -> bool:
    """Whether this machine has the file: with several, not each need share the folder."""
    return bool(run.path) and list_of(run).exists()


def discard(run: ImportRun) -> None:
    """Delete everything kept of the file. Safe to repeat."""
    if run.path:
        shutil.rmtree(run.path, ignore_errors=True)
        ImportRun.objects.filter(pk=run.pk).update(path="")
        run.path = ""
