"""A mail server and a mailer that do as they are told, and a database for several threads."""

import smtplib
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage as WireMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import connection
from pytest_django import Settings

from newsletter import mailing


class Post:
    """Keeps what arrives as bytes; `answers` says which address gets which refusal, and where."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.letters: list[bytes] = []
        self.recipients: list[str] = []
        self.sessions: set[int] = set()
        self.answers: dict[str, str] = {}
        self.closes_after = 1_000_000
        self.sent_in: dict[int, int] = {}

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        sent = self.sent_in.get(id(session), 0)
        if sent >= self.closes_after:
            server.transport.close()  # type: ignore[union-attr]
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "hang up" in self.answers:
            server.transport.close()  # type: ignore[union-attr]
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.letters.append(envelope.original_content or b"")
        self.recipients += envelope.rcpt_tos
        self.sessions.add(id(session))
        self.sent_in[id(session)] = self.sent_in.get(id(session), 0) + 1
        return "250 Kept"

    def parsed(self) -> list[WireMessage]:
        """The letters that arrived, as a mail program reads them."""
        return [message_from_bytes(letter, policy=policy.default) for letter in self.letters]


class PostOffice(Controller):
    """Takes letters on a free port of the loopback."""

    def _trigger_server(self) -> None:
        # Any free port will do, and which one it was is known only now.
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()

    def factory(self) -> SMTP:
        # A name of its own: finding the machine's can mean asking a slow DNS server.
        return SMTP(self.handler, hostname="localhost", loop=self.loop, timeout=60)


@pytest.fixture(scope="session")
def post_office() -> Iterator[PostOffice]:
    """One server for all tests of a process."""
    office = PostOffice(Post(), hostname="127.0.0.1", port=0, ready_timeout=30)
    office.start()
    yield office
    office.stop()


@pytest.fixture
def post(post_office: PostOffice, settings: Settings) -> Post:
    """A real mail server, to which the site sends by SMTP."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = post_office.port
    settings.EMAIL_TIMEOUT = 20
    post_office.handler.forget()
    return post_office.handler


class Mailer:
    """An e-mail backend that meets what it is told: one answer for each letter, in turn."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.letters: list[Any] = []
        self.is_silent = False
        self.opened = 0

    def open(self) -> bool:
        if self.is_silent:
            raise ConnectionRefusedError("nobody listens")
        self.opened += 1
        return True

    def close(self) -> None:
        pass

    def send_messages(self, letters: list[Any]) -> int:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            answer()
        self.letters += letters
        return len(letters)

    @property
    def recipients(self) -> list[str]:
        return [letter.to[0] for letter in self.letters]


@pytest.fixture
def mailer(monkeypatch: pytest.MonkeyPatch) -> Mailer:
    """What stands in for the mail server where only its answers matter."""
    mailer = Mailer()
    monkeypatch.setattr(mailing, "get_connection", lambda: mailer)
    return mailer


def refusal(code: int, words: str = "no") -> smtplib.SMTPRecipientsRefused:
    """What smtplib raises when a server answers RCPT so."""
    return smtplib.SMTPRecipientsRefused({"bea@readers.example": (code, words.encode())})


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A database for several threads. SQLite's in memory serves one, so it moves into a file."""
    if connection.vendor != "sqlite":
        yield
        return
    file = tmp_path / "shared.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    memory, name = connection.connection, connection.settings_dict["NAME"]
    connection.connection, connection.settings_dict["NAME"] = None, str(file)
    yield
    connection.close()
    connection.connection, connection.settings_dict["NAME"] = memory, name
