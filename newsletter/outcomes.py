"""What an error of the mail server or provider says about one message."""

import smtplib
from dataclasses import dataclass

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused

from newsletter.models import Delivery

State = Delivery.State


@dataclass(frozen=True)
class Outcome:
    """The state a delivery goes to and why; `stop` ends this round of sending."""

    state: State
    reason: str
    stop: bool = False


def judge(error: Exception) -> Outcome:
    """Read an exception raised while handing over a message.

    4xx means later (RFC 5321 4.2.1), 5xx is final. A connection lost on the way leaves the
    message unknown: it may have been accepted just before.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _by_code(code, _words(text))
    if isinstance(error, smtplib.SMTPSenderRefused):
        # Our own address was refused: the fault is ours and the same for every reader.
        return Outcome(State.QUEUED, f"sender refused: {_words(error.smtp_error)}", stop=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_code(error.smtp_code, _words(error.smtp_error))
    if isinstance(error, AnymailRecipientsRefused):
        return Outcome(State.FAILED, "recipient refused by the provider")
    if isinstance(error, AnymailAPIError):
        return _by_http(error)
    if isinstance(error, AnymailError | ValueError | UnicodeError):
        return Outcome(State.FAILED, _words(str(error)))
    return Outcome(State.UNKNOWN, f"connection lost: {_words(str(error))}", stop=True)


def _by_code(code: int, text: str) -> Outcome:
    if code == 421:  # the server is closing: no use to try the next reader now
        return Outcome(State.QUEUED, f"{code} {text}", stop=True)
    if 400 <= code < 500:
        return Outcome(State.QUEUED, f"{code} {text}")
    return Outcome(State.FAILED, f"{code} {text}")


def _by_http(error: AnymailAPIError) -> Outcome:
    status = getattr(error, "status_code", None)
    words = _words(str(error))
    if status is None or status >= 500:
        return Outcome(State.UNKNOWN, f"no clear answer from the provider: {words}", stop=True)
    if status in (401, 403, 404, 408, 429):
        # Throttled, or our key is wrong: the same for every reader, so wait and try again.
        return Outcome(State.QUEUED, f"provider answered {status}: {words}", stop=True)
    return Outcome(State.FAILED, f"provider answered {status}: {words}")


def _words(text: str | bytes) -> str:
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return " ".join(decoded.split())[:200]
