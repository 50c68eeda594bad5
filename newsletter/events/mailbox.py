"""The bounce mailbox: a Maildir or an IMAP folder that returned mail comes to.

What was understood and kept as an event is removed. All else stays for a person: marked as read,
so that it is looked at once, and letters flagged, so that they are found.
"""

import imaplib
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from fibrosite.lib.queueing import enqueue
from newsletter.events import recording
from newsletter.events.bounces import MOST_BYTES, Returned, read
from newsletter.models import ConsentEvent, Delivery
from newsletter.sending.batches import LEASE

logger = logging.getLogger(__name__)

# In one go; the next reading goes on.
MOST_MAILS = 500
TIMEOUT_SECONDS = 20
PROVIDER = "mailbox"
# What separates a mail's name in a Maildir from its flags.
_FLAGS = ":2,"


class MailboxError(Exception):
    """The mailbox cannot be read now; the sentence says why."""


class Box(Protocol):
    """A folder of mail that was not looked at yet."""

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """The name and the beginning of each mail not looked at."""

    def remove(self, name: str) -> None:
        """Take a mail away for good."""

    def leave(self, name: str, *, flagged: bool) -> None:
        """Keep a mail, as one that was looked at."""

    def close(self) -> None:
        """Let go of the folder."""


class MaildirBox:
    """A folder on this machine, as Postfix, Exim and Dovecot write it: a mail is a file."""

    def __init__(self, path: str) -> None:
        self._folder = Path(path)
        if not all((self._folder / part).is_dir() for part in ("new", "cur")):
            raise MailboxError(f"There is no Maildir at {path}.")

    def mails(self) -> Iterator[tuple[str, bytes]]:
        files = [path for part in ("new", "cur") for path in (self._folder / part).iterdir()]
        for path in sorted(files, key=lambda path: path.name):
            if "S" in path.name.partition(_FLAGS)[2]:
                continue
            try:
                with path.open("rb") as file:
                    raw = file.read(MOST_BYTES)
            except FileNotFoundError:
                # Another program moved it meanwhile.
                continue
            yield str(path.relative_to(self._folder)), raw

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def leave(self, name: str, *, flagged: bool) -> None:
        path = self._folder / name
        base, _, flags = path.name.partition(_FLAGS)
        both = "".join(sorted({*flags, "S", *("F" if flagged else "")}))
        path.rename(self._folder / "cur" / f"{base}{_FLAGS}{both}")

    def close(self) -> None:
        pass


class ImapBox:
    """A folder on a mail server, over TLS."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        folder = unquote(parts.path.lstrip("/")) or "INBOX"
        try:
            self._server = imaplib.IMAP4_SSL(
                parts.hostname or "",
                parts.port or 993,
                ssl_context=ssl.create_default_context(),
                timeout=TIMEOUT_SECONDS,
            )
            self._server.login(unquote(parts.username or ""), unquote(parts.password or ""))
            kind, _ = self._server.select(f'"{folder}"')
        except (imaplib.IMAP4.error, OSError) as error:
            raise MailboxError(f"The mailbox at {parts.hostname} does not open: {error}") from error
        if kind != "OK":
            raise MailboxError(f"There is no folder {folder} at {parts.hostname}.")

    def mails(self) -> Iterator[tuple[str, bytes]]:
        _, found = self._server.uid("SEARCH", "UNSEEN")
        for uid in (found[0] or b"").split():
            name = uid.decode()
            # PEEK: a mail that breaks us is not marked as read.
            _, answer = self._server.uid("FETCH", name, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
            bodies = [part[1] for part in answer if isinstance(part, tuple)]
            if bodies:
                yield name, bodies[0]

    def remove(self, name: str) -> None:
        # Seen, too: without UIDPLUS it stays until the folder's owner expunges.
        self._server.uid("STORE", name, "+FLAGS", r"(\Seen \Deleted)")
        if "UIDPLUS" in self._server.capabilities:
            self._server.uid("EXPUNGE", name)

    def leave(self, name: str, *, flagged: bool) -> None:
        flags = r"(\Seen \Flagged)" if flagged else r"(\Seen)"
        self._server.uid("STORE", name, "+FLAGS", flags)

    def close(self) -> None:
        try:
            self._server.close()
            self._server.logout()
        except (imaplib.IMAP4.error, OSError):
            logger.info("The bounce mailbox had already hung up")


@dataclass
class Counts:
    """What became of the mails of one reading."""

    kept: int = 0
    forged: int = 0
    letters: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kept} understood and removed, {self.forged} without our mark and "
            f"{self.letters} for a person left in the mailbox"
        )


def open_box() -> Box:
    """The mailbox that BOUNCE_MAILBOX names.

    Raises MailboxError if it does not open, ImproperlyConfigured if the setting names none.
    """
    url = settings.BOUNCE_MAILBOX
    if url.startswith("maildir:"):
        return MaildirBox(url.removeprefix("maildir:"))
    if url.startswith("imaps://") and urlsplit(url).hostname:
        return ImapBox(url)
    raise ImproperlyConfigured(
        "BOUNCE_MAILBOX is neither maildir:/path nor imaps://user:password@host/folder."
    )


def read_mailbox(*, now: datetime) -> Counts | None:
    """Read what came since the last time; None while no BOUNCE_MAILBOX is set.

    A reading that breaks off loses nothing: a mail is removed only once its event is stored.
    """
    if not settings.BOUNCE_MAILBOX:
        return None
    counts = Counts()
    box = open_box()
    try:
        for (name, raw), _ in zip(box.mails(), range(MOST_MAILS), strict=False):
            _sort(box, name, raw, counts, now=now)
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxError(f"The bounce mailbox went away: {error}") from error
    finally:
        box.close()
    return counts


def _sort(box: Box, name: str, raw: bytes, counts: Counts, *, now: datetime) -> None:
    told = read(raw)
    if told.kind is None:
        box.leave(name, flagged=True)
        counts.letters += 1
    elif keep(told, raw, now=now):
        box.remove(name)
        counts.kept += 1
    else:
        box.leave(name, flagged=False)
        counts.forged += 1


def keep(told: Returned, raw: bytes, *, now: datetime) -> bool:
    """Store what a mail says of one of our copies; False if it is about none of them."""
    from newsletter.events.tasks import handle_events  # noqa: PLC0415 - the task reads mailboxes

    copies = Delivery.objects.select_related("subscriber")
    delivery = copies.filter(pk=told.delivery_id).first() if told.delivery_id else None
    if delivery is None or told.kind is None:
        return False
    report = recording.Report(
        provider=PROVIDER,
        kind=told.kind,
        event_id=recording.identity(raw),
        happened_at=now,
        recipient=_address_of(delivery),
        delivery=delivery,
        detail={"status": told.status, "words": recording.without_addresses(told.words)},
    )
    row = recording.keep(report, now=now)
    if row is not None:
        enqueue(handle_events, [row.pk])
    return True


def _address_of(delivery: Delivery) -> str:
    """Where the copy went; "" if that is no longer known, as the reader moved or was erased."""
    reader = delivery.subscriber
    if reader is None:
        return ""
    # It was handed over after it fell due, however late a journal or a report settled it.
    settled_at = delivery.settled_at or delivery.not_before_at
    due_at = min(settled_at - LEASE, delivery.not_before_at)
    moved = reader.consent.filter(kind=ConsentEvent.Kind.CHANGED, happened_at__gt=due_at)
    return "" if moved.exists() else reader.email
