"""What each error of a mail server or provider means for one copy."""

import smtplib
import ssl
from typing import Any

import pytest
import requests
from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailImproperlyInstalled,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import BadHeaderError
from pytest_django import Settings

from newsletter.mailing import Connection, SmtpBackend, hand_over, open_mailer
from newsletter.outcomes import HungUpEarly, judge
from tests.newsletter.conftest import refusal


def http(status: int) -> AnymailRequestsAPIError:
    response = requests.Response()
    response.status_code = status
    return AnymailRequestsAPIError("no", response=response)


TABLE = [
    # error, state, stops the round, rests before the next
    (refusal(450), "queued", False, False),
    (refusal(452), "queued", False, False),
    (refusal(421), "queued", True, True),
    (refusal(550), "failed", False, False),
    (refusal(553), "failed", False, False),
    (smtplib.SMTPDataError(451, b"try later"), "queued", False, False),
    (smtplib.SMTPDataError(421, b"closing"), "queued", True, True),
    (smtplib.SMTPDataError(554, b"spam"), "failed", False, False),
    (smtplib.SMTPDataError(-1, b"gibberish"), "unknown", True, False),
    (smtplib.SMTPDataError(251, b"hm"), "unknown", True, False),
    (smtplib.SMTPSenderRefused(550, b"not you", "digest@x"), "queued", True, True),
    (smtplib.SMTPSenderRefused(451, b"not now", "digest@x"), "queued", True, True),
    (smtplib.SMTPServerDisconnected("gone"), "unknown", True, False),
    (smtplib.SMTPNotSupportedError("SMTPUTF8"), "failed", False, False),
    (ConnectionResetError("reset"), "unknown", True, False),
    (BrokenPipeError("pipe"), "unknown", True, False),
    (TimeoutError("timed out"), "unknown", True, False),
    (ssl.SSLEOFError("eof"), "unknown", True, False),
    (BadHeaderError("newline"), "queued", True, True),
    (ValueError("TLS and SSL at once"), "queued", True, True),
    (HungUpEarly("at MAIL"), "queued", True, True),
    (UnicodeEncodeError("ascii", "ü", 0, 1, "no"), "failed", False, False),
    (KeyError("our own mistake"), "unknown", True, True),
    (http(400), "failed", False, False),
    (http(422), "failed", False, False),
    (http(401), "queued", True, True),
    (http(402), "queued", True, True),
    (http(403), "queued", True, True),
    (http(404), "queued", True, True),
    (http(408), "queued", True, True),
    (http(429), "queued", True, True),
    (http(500), "unknown", True, True),
    (http(502), "unknown", True, True),
    (http(503), "queued", True, True),
    (AnymailRequestsAPIError("no answer"), "unknown", True, True),
    (AnymailRecipientsRefused(), "failed", False, False),
    (AnymailInvalidAddress("no"), "failed", False, False),
    (AnymailUnsupportedFeature("no"), "queued", True, True),
    (AnymailSerializationError("no"), "queued", True, True),
    (AnymailConfigurationError("no key"), "queued", True, True),
    (AnymailImproperlyInstalled("boto3", "ses"), "queued", True, True),
]


@pytest.mark.parametrize(("error", "state", "stops", "rests"), TABLE, ids=lambda x: repr(x)[:40])
def test_an_error_means(error: Exception, state: str, stops: bool, rests: bool) -> None:
    outcome = judge(error)
    assert (outcome.state, outcome.stop, bool(outcome.rest)) == (state, stops, rests)
    assert outcome.reason


def test_a_reason_fits_its_column_on_every_database() -> None:
    reason = judge(
        refusal(
            550,
            "line\r\none\0two \udcff".encode("utf-8", "surrogateescape").decode("latin-1")
            + "x" * 999,
        )
    ).reason
    assert "\0" not in reason
    assert "\n" not in reason
    assert len(reason) <= 210


@pytest.fixture
def provider(settings: Settings) -> Any:
    """A provider reached by HTTP, through Anymail."""
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": "http://127.0.0.1:9/"}
    mailer = get_connection()
    mailer.open()
    yield mailer
    mailer.close()


def letter() -> EmailMessage:
    return EmailMessage("s", "b", "digest@fibrosite.example", ["bea@readers.example"])


def test_a_provider_that_was_not_reached_cannot_have_taken_it(provider: Any) -> None:
    outcome = hand_over(letter(), provider)
    assert (outcome.state, outcome.stop) == ("queued", True)
    assert "not reached" in outcome.reason


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (requests.ConnectTimeout(), "unknown"),
        (requests.ReadTimeout("read timed out"), "unknown"),
        (requests.ConnectionError("reset by peer"), "unknown"),
    ],
)
def test_a_provider_that_fell_silent_may_have_taken_it(
    provider: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str
) -> None:
    def silent(**kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(provider.session, "request", silent)
    assert hand_over(letter(), provider).state == state


def test_a_mailer_that_takes_nothing_has_failed() -> None:
    class Lazy:
        def send_messages(self, letters: list[Any]) -> int:
            return 0

    assert hand_over(letter(), Lazy()).state == "failed"  # type: ignore[arg-type]


def test_a_missing_key_makes_letters_wait(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {}
    with open_mailer() as mailer:
        assert mailer is None
    assert "Letters wait" in caplog.text


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_letters_by_smtp_go_over_connections_that_tell_how_far_they_came(
    settings: Settings, is_encrypted: bool
) -> None:
    settings.EMAIL_USE_SSL = is_encrypted
    kind = SmtpBackend().connection_class
    assert issubclass(kind, Connection)
    assert issubclass(kind, smtplib.SMTP_SSL) == is_encrypted
