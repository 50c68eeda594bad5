"""Where this database may send from: a copy or an old backup must not mail everybody again (R69).

Two things have to agree. The site's address is the one from which letters went out before. And
a file on each machine that sends holds the database's token and the highest count seen of its
ticks: a database on another machine finds no such file, and one that was restored from a backup
counts less than the file.
"""

import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import Error as DatabaseFault
from django.db.models import F

from newsletter.models import Rhythm

logger = logging.getLogger(__name__)

COPY = "This is a copy of {home}: no letter goes out from here. If it takes that site's place,"
NEW_MACHINE = (
    "This database sent letters from another machine, or {file} was lost: no letter goes out from "
    "this one. If it may send (a new machine, the only copy that runs),"
)
OTHER = (
    "This database is not the one that sent letters from this machine before ({file}): no letter "
    "goes out from here. If it takes the other's place,"
)
OLDER = (
    "This database is older than what was sent from this machine, as after restoring a backup: "
    "readers may have had letters that it knows nothing of, so none goes out. Cancel the digests "
    "that went out already; then"
)
UNREADABLE = (
    "{file} cannot be read ({fault}), so nobody knows whether this database may send: no letter "
    "goes out from here. If it may,"
)
WHAT_TO_DO = "run manage.py send_from_here."

_said: set[str] = set()


@dataclass(frozen=True)
class Home:
    """What the file of a machine says: whose machine it is, and how far that had counted."""

    token: str
    count: int


class Unreadable(Exception):
    """The file is there and makes no sense."""


def home_file() -> Path:
    """Where it lies."""
    return Path(settings.VAR_DIR) / "home.json"


def is_at_home() -> bool:
    """Whether letters may go out from this machine, at this address, by this database.

    The first that asks makes its place the home. Always so where HOLD_COPIES is off.
    """
    if not settings.HOLD_COPIES:
        return True
    row = Rhythm.objects.first()
    if row and not (row.home and row.home_token):
        _settle_down(row)
    why = why_held()
    if why:
        _say_once(why)
    return not why


def _say_once(words: str) -> None:
    """Asked every two seconds: once in a process is enough."""
    if words not in _said:
        _said.add(words)
        logger.warning("%s", words)


def _settle_down(row: Rhythm) -> None:
    """Give a database that never sent its home. The file is made first, and by one worker.

    A worker that comes second, or again after a crash in between, takes the file's token.
    """
    Rhythm.objects.filter(home="").update(home=settings.SITE_URL)
    try:
        home = _read() or _make(Home(secrets.token_urlsafe(24), row.home_count))
    except Unreadable:
        return
    except OSError as error:
        _say_once(f"Old backups of this database will not be known: {home_file()}: {error}")
        return
    if home and home.count <= row.home_count:
        Rhythm.objects.filter(home_token="").update(home_token=home.token)


def why_held() -> str:
    """Why no letter goes out from here, and what to do, in words for all; "" if they may."""
    row = Rhythm.objects.first()
    if not settings.HOLD_COPIES or row is None:
        return ""
    why = _why(row)
    return f"{why} {WHAT_TO_DO}" if why else ""


def _why(row: Rhythm) -> str:
    if row.home and row.home != settings.SITE_URL:
        return COPY.format(home=row.home)
    try:
        home = _read()
    except Unreadable as fault:
        return UNREADABLE.format(file=home_file(), fault=fault)
    if home is None:
        return NEW_MACHINE.format(file=home_file()) if row.home_token else ""
    if row.home_token and row.home_token != home.token:
        return OTHER.format(file=home_file())
    return OLDER if row.home_count < home.count else ""


@register(Tags.security, deploy=True)
def check_home(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """`check --deploy` says so, too; before the first `migrate` there is nothing to say."""
    try:
        why = why_held()
    except DatabaseFault:
        return []
    return (
        [Warning(why, hint="See “Copies of the site” in docs/operators.md.", id="newsletter.W005")]
        if why
        else []
    )


def count_on() -> None:
    """Count one more tick, in the database and then in this machine's file.

    To be called by a tick that found itself at home.
    """
    if not settings.HOLD_COPIES:
        return
    Rhythm.objects.update(home_count=F("home_count") + 1)
    row = Rhythm.objects.first()
    if row:
        try:
            _write(Home(row.home_token, row.home_count))
        except OSError as error:
            # It counts less than the database, which holds up nothing.
            logger.warning("%s could not be written: %s", home_file(), error)


def move_in() -> str:
    """From now on letters go out from here; why they did not before, "" if they did.

    Raises OSError if the file cannot be written; nothing has changed then.
    """
    why = why_held()
    row = Rhythm.objects.first()
    if row is None:
        return why
    try:
        known = _read()
    except Unreadable:
        known = None
    token = row.home_token or secrets.token_urlsafe(24)
    count = max(row.home_count, known.count if known else 0) + 1
    _write(Home(token, count))
    Rhythm.objects.update(home=settings.SITE_URL, home_token=token, home_count=count)
    return why


def _read() -> Home | None:
    """What the file says; None if there is none. Raises Unreadable."""
    try:
        said = json.loads(home_file().read_text())
        return Home(token=str(said["token"]), count=int(said["count"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def _make(home: Home) -> Home | None:
    """The file as it is now: this one, or what another worker has made at this moment."""
    draft = _draft(home)
    try:
        # Unlike a rename, a link fails if there is one; and nobody ever sees half a file.
        os.link(draft, home_file())
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _read()


def _write(home: Home) -> None:
    _draft(home).replace(home_file())


def _draft(home: Home) -> Path:
    """A whole file beside the real one, on the disk."""
    home_file().parent.mkdir(parents=True, exist_ok=True)
    draft = home_file().with_name(f"home.{secrets.token_hex(8)}.tmp")
    with draft.open("x") as file:
        json.dump(asdict(home), file)
        file.flush()
        os.fsync(file.fileno())
    return draft
