"""What a mail server's answer says of an address: that it is gone, full, or not what is refused."""

import re

from newsletter.models import MailEvent

Kind = MailEvent.Kind

# RFC 3463. Neither a piece of an IP address nor of a version number.
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?!\.?\d)")
_LATER = re.compile(r"(?<![\d.])4\d\d(?=[ -])|temporar|try again later|gr[ae]y-?list", re.I)
_FULL = re.compile(
    r"(mail)?box (is |was )?full|quota|(insufficient|out of|not enough) (system )?storage"
    r"|storage (limit|space)|(mailbox|maildir) (has )?(over|exceed)",
    re.I,
)
_GONE = re.compile(
    r"user[ -]?unknown|unknown (user|recipient|mailbox|local)"
    r"|no such (user|recipient|mailbox|person)|no mailbox here"
    r"|recipientnotfound|destinataire invalide"
    r"|(user|recipient|account|mailbox|address\w*)\b[^.;:]{0,60}\b"
    r"(not found|not exist|doesn't exist|disabled|inactive|closed|unavailable|invalid|unknown)"
    r"|invalid (recipient|mailbox|address)|bad destination"
    r"|(host|domain)\b[^.;]{0,30}\bnot found",
    re.I,
)
_OURS = re.compile(
    r"spam|junk|block(ed|ing| ?list)|black ?list|polic(y|ies)|reputation|dmarc|dkim|\bspf\b"
    r"|sender|content (rejected|denied)|virus|too (large|big)|rate limit",
    re.I,
)
# Details of class 5 that speak of the recipient's address, and of who sends or what is sent.
_GONE_STATUS = re.compile(r"1\.(1|2|3|6|10)$|2\.1$|4\.4$")
_OURS_STATUS = re.compile(r"1\.[78]$|2\.3$|3\.4$|6\.\d+$|7\.\d+$")


def status_in(words: str) -> str:
    """The most telling status code in a server's answer, such as "5.1.1"; "" if there is none."""
    found = [f"{first}.{rest}" for first, rest in _STATUS.findall(words)]
    telling = [status for status in found if not status.endswith(".0")]
    return next(iter(telling or found), "")


def judge(words: str) -> MailEvent.Kind:
    """Read a final refusal: HARD_BOUNCE, SOFT_BOUNCE or REJECTED.

    Hard: there is no such mailbox. Rejected: who sent it or what it says was refused, which says
    nothing of the reader. Soft: all else, a full mailbox first; in doubt the reader stays.
    """
    status = status_in(words)
    if _FULL.search(words):
        return Kind.SOFT_BOUNCE
    if status.startswith("5."):
        detail = status.removeprefix("5.")
        if _GONE_STATUS.match(detail):
            return Kind.HARD_BOUNCE
        if detail in ("1.7", "1.8"):
            return Kind.REJECTED
    if status.startswith("4.") or (not status and _LATER.search(words)):
        return Kind.SOFT_BOUNCE
    return _by_words(words, status)


def _by_words(words: str, status: str) -> MailEvent.Kind:
    if _GONE.search(words) and not re.search("sender", words, re.I):
        return Kind.HARD_BOUNCE
    if _OURS_STATUS.match(status.removeprefix("5.")) or _OURS.search(words):
        return Kind.REJECTED
    return Kind.SOFT_BOUNCE
