"""Reads what comes to the bounce mailbox: returned mail, complaints, auto-replies, letters.

Reports follow RFC 3464 (delivery status) and RFC 5965 (feedback); servers that write in words
of their own are known by them.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message

from newsletter.events.copies import find_copy
from newsletter.events.refusals import judge, status_in
from newsletter.models import MailEvent

Kind = MailEvent.Kind

# The report and the original's headers stand at the front; what follows may be a whole film.
MOST_BYTES = 1_000_000
_MOST_PARTS = 200
_MOST_TEXT = 20_000
_MOST_WORDS = 2_000

_COMPLAINTS = {"abuse": Kind.COMPLAINT, "fraud": Kind.COMPLAINT, "opt-out": Kind.UNSUBSCRIBED}
_ORIGINAL = re.compile(
    r"^\s*-*\s*(this is a copy of (the|your) message|original message|below this line is a copy"
    r"|the header of the original message|forwarded message)\b",
    re.I | re.M,
)
_RETURNED = re.compile(
    r"failure notice|undeliver|returned mail|delivery (status|failure|has failed)|mail delivery"
    r"|mail system error|delayed",
    re.I,
)
_SERVERS = re.compile(r"\b(mailer-daemon|postmaster|mail delivery (sub)?system)\b", re.I)
_DELAYED = re.compile(r"delayed|warning: could not send|still being retried", re.I)
_AWAY = re.compile(
    r"^(auto(mated|matic)?[ :-]*(reply|response|antwort)|automatische antwort"
    r"|r[ée]ponse automatique|risposta automatica|respuesta autom[áa]tica"
    r"|out of (the )?office|abwesenheit|absence du bureau|vacation|away (from|until)\b)",
    re.I,
)
_ADDRESS = re.compile(r"[^\s<>:;,\"'()\[\]]+@[^\s<>:;,\"'()\[\]]+")


@dataclass(frozen=True)
class Returned:
    """What one mail says. `kind` is None for a letter that a person should read.

    `delivery_id` is known only by a genuine mark of ours (see copies.py); without it nothing may
    follow from the mail. `recipients` are the addresses it names, as written.
    """

    kind: MailEvent.Kind | None
    delivery_id: int | None = None
    status: str = ""
    words: str = ""
    recipients: tuple[str, ...] = ()


def read(raw: bytes) -> Returned:
    """Tell what a mail of the bounce mailbox is. Never raises: what cannot be read is a letter."""
    raw = raw[:MOST_BYTES]
    try:
        message = message_from_bytes(raw)
        parts = [part for part, _ in zip(message.walk(), range(_MOST_PARTS), strict=False)]
        report = _feedback(parts) or _status_report(parts) or _in_words(message, parts)
    # A thousand nested parts, or headers that the parser itself trips over.
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return Returned(None)
    report = report or Returned(Kind.AUTO_REPLY if _is_automatic(message) else None)
    if report.kind is None:
        return report
    delivery_id = find_copy(_everything(raw, parts))
    return Returned(report.kind, delivery_id, report.status, report.words, report.recipients)


def _feedback(parts: list[Message]) -> Returned | None:
    """A complaint that a mailbox provider passes on."""
    for part in parts:
        if part.get_content_type() != "message/feedback-report":
            continue
        for fields in _groups(part):
            kind = str(fields.get("Feedback-Type", "")).strip().lower()
            recipients = tuple(_addresses(fields.get_all("Original-Rcpt-To", [])))
            return Returned(_COMPLAINTS.get(kind), words=kind, recipients=recipients)
    return None


def _status_report(parts: list[Message]) -> Returned | None:
    """The machine's part of a returned mail; of several recipients, the first that failed."""
    groups = [
        fields
        for part in parts
        if part.get_content_type() == "message/delivery-status"
        for fields in _groups(part)
        if fields.get("Action")
    ]
    if not groups:
        return None
    actions = [str(fields["Action"]).split()[0].lower() for fields in groups]
    first = groups[actions.index("failed")] if "failed" in actions else groups[0]
    words = _line(f"{first.get('Diagnostic-Code', '')} {first.get('Status', '')}")[:_MOST_WORDS]
    names = [fields.get("Original-Recipient") or fields.get("Final-Recipient") for fields in groups]
    return Returned(
        _by_action(actions, words),
        status=status_in(words),
        words=words,
        recipients=tuple(_addresses(names)),
    )


def _by_action(actions: list[str], words: str) -> MailEvent.Kind:
    if "failed" in actions:
        return judge(words)
    by_action = {"delayed": Kind.DEFERRED, "delivered": Kind.DELIVERED}
    return by_action.get(actions[0], Kind.UNKNOWN)


def _in_words(message: Message, parts: list[Message]) -> Returned | None:
    """A returned mail without the machine's part, as qmail, Exim, Gmail and others write."""
    subject = str(message.get("Subject", ""))
    failed = message.get_all("X-Failed-Recipients", [])
    by_server = _SERVERS.search(str(message.get("From", ""))) and _RETURNED.search(subject)
    is_report = str(message.get_param("report-type", "")).lower() == "delivery-status"
    if not (failed or by_server or is_report):
        return None
    text = _ORIGINAL.split("\n".join(_texts(parts)), maxsplit=1)[0]
    words = _line(text)
    kind = Kind.DEFERRED if _DELAYED.search(f"{subject} {words}") else judge(words)
    names = tuple(_addresses(failed or [text]))
    return Returned(kind, status=status_in(words), words=_telling(words), recipients=names)


def _is_automatic(message: Message) -> bool:
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(message.get("Precedence", "")).strip().lower()
    return (
        submitted.startswith("auto-")
        or precedence == "auto_reply"
        or any(name in message for name in ("X-Autoreply", "X-Autorespond"))
        or bool(_AWAY.match(str(message.get("Subject", "")).strip()))
    )


def _groups(part: Message) -> list[Message]:
    """The blocks of fields in a report's part, however the parser met them."""
    payload = part.get_payload()
    if isinstance(payload, list):
        nested = [group for group in payload if isinstance(group, Message)]
        # A feedback report is parsed as one mail: its fields are that mail's headers.
        return [group for group in nested if group.keys()] or _blocks(_text_of(part))
    return _blocks(_text_of(part))


def _blocks(text: str) -> list[Message]:
    return [message_from_string(block) for block in re.split(r"\n\s*\n", text) if block.strip()]


def _texts(parts: list[Message]) -> Iterator[str]:
    for part in parts:
        if part.get_content_type() == "text/plain":
            yield _text_of(part)[:_MOST_TEXT]


def _text_of(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        payload = str(part.get_payload()).encode(errors="replace")
    try:
        return payload.decode(part.get_content_charset() or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return payload.decode("latin-1")


def _everything(raw: bytes, parts: list[Message]) -> str:
    """The mail as it came, then its parts decoded: a returned original may be encoded."""
    decoded = [_text_of(part) for part in parts if not part.is_multipart()]
    return "\n".join([raw.decode("latin-1"), *decoded])


def _addresses(values: Iterable[str | None]) -> Iterator[str]:
    seen: set[str] = set()
    for value in values:
        for found in _ADDRESS.findall(str(value or "")):
            address = found.strip(".").lower()
            if address not in seen:
                seen.add(address)
                yield address


def _line(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


def _telling(words: str) -> str:
    """The sentence around the status code, or the beginning."""
    status = status_in(words)
    start = max(words.find(status) - 60, 0) if status else 0
    return words[start : start + _MOST_WORDS]
