"""What an error of the mail server or provider says about one message."""

import smtplib
from dataclasses import dataclass
from datetime import timedelta

from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from newsletter.models import Delivery

State = Delivery.State

# What is the same for every reader is not tried with the next one at once.
REST = timedelta(minutes=2)
# A mail server that is started anew is soon back.
SOON = timedelta(seconds=15)

# Faults of our own, met before anything is handed over.
OURS = (
    ImproperlyConfigured,  # among them AnymailConfigurationError and AnymailImproperlyInstalled
    AnymailSerializationError,
    AnymailUnsupportedFeature,
    ValueError,
)


@dataclass(frozen=True)
class Outcome:
    """The state a delivery goes to and why.

    `stop` ends this round of sending, and no other starts for as long as `rest`.
    """

    state: State
    reason: str
    stop: bool = False
    rest: timedelta = timedelta()


class HungUpEarly(smtplib.SMTPServerDisconnected):
    """The connection was lost before the message was on its way."""


def judge(error: Exception) -> Outcome:
    """Read an exception raised while handing over a message.

    4xx means later (RFC 5321 4.2.1), 5xx is final. A connection lost once the message was on its
    way leaves it unknown: it may have been accepted just before.
    """
    if isinstance(error, smtplib.SMTPException):
        return _by_smtp(error)
    if isinstance(error, AnymailRecipientsRefused):
        return Outcome(State.FAILED, "recipient refused by the provider")
    if isinstance(error, AnymailAPIError):
        return _by_http(error)
    if isinstance(error, AnymailInvalidAddress | UnicodeError):
        return Outcome(State.FAILED, words(str(error)))
    if isinstance(error, OURS):
        reason = f"our own settings: {type(error).__name__}: {words(str(error))}"
        return Outcome(State.QUEUED, reason, stop=True, rest=REST)
    if isinstance(error, AnymailError):
        return Outcome(State.FAILED, words(str(error)))
    if isinstance(error, OSError):
        return Outcome(State.UNKNOWN, f"connection lost: {words(str(error))}", stop=True)
    return Outcome(
        State.UNKNOWN, f"{type(error).__name__}: {words(str(error))}", stop=True, rest=REST
    )


def _by_smtp(error: smtplib.SMTPException) -> Outcome:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return by_code(code, words(text))
    if isinstance(error, smtplib.SMTPSenderRefused):
        # Our own address was refused: the fault is ours and the same for every reader.
        reason = f"sender refused: {words(error.smtp_error)}"
        return Outcome(State.QUEUED, reason, stop=True, rest=REST)
    if isinstance(error, smtplib.SMTPResponseException):
        return by_code(error.smtp_code, words(error.smtp_error))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Outcome(State.FAILED, words(str(error)))
    if isinstance(error, HungUpEarly):
        reason = f"the server hung up before the message: {words(str(error))}"
        return Outcome(State.QUEUED, reason, stop=True, rest=REST)
    return Outcome(State.UNKNOWN, f"connection lost: {words(str(error))}", stop=True)


def by_code(code: int, text: str) -> Outcome:
    """What an SMTP answer other than 250 means for the one message it was given for."""
    if code == 421:  # the server is closing: no use to try the next reader now
        return Outcome(State.QUEUED, f"{code} {text}", stop=True, rest=REST)
    if 400 <= code < 500:
        return Outcome(State.QUEUED, f"{code} {text}")
    if 500 <= code < 600:
        return Outcome(State.FAILED, f"{code} {text}")
    return Outcome(State.UNKNOWN, f"no clear answer: {code} {text}", stop=True)


def _by_http(error: AnymailAPIError) -> Outcome:
    status = _status(error)
    said = words(str(error))
    if _never_connected(error):
        return Outcome(State.QUEUED, f"provider not reached: {said}", stop=True, rest=REST)
    if status in (401, 402, 403, 404, 408, 429, 503):
        # Throttled, unpaid, or our key is wrong: the same for every reader, so wait and try again.
        reason = f"provider answered {status}: {said}"
        return Outcome(State.QUEUED, reason, stop=True, rest=REST)
    if status is None or status >= 500 or status < 400:
        reason = f"no clear answer from the provider: {said}"
        return Outcome(State.UNKNOWN, reason, stop=True, rest=REST)
    return Outcome(State.FAILED, f"provider answered {status}: {said}")


def _status(error: AnymailAPIError) -> int | None:
    """The HTTP status of the provider's answer; Amazon's library keeps it in a dictionary."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):
        return answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(error, "status_code", None)


def _never_connected(error: AnymailAPIError) -> bool:
    """Whether the provider cannot have taken the message, as no connection to it was made."""
    cause = error.__cause__
    failure = cause.args[0] if cause and cause.args else None
    return isinstance(getattr(failure, "reason", None), ConnectTimeoutError | NewConnectionError)


def words(text: str | bytes) -> str:
    """At most 200 characters on one line, without NUL, which PostgreSQL does not store."""
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(decoded.replace("\0", " ").split())[:200]
