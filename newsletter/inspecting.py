"""Reads a digest letter as it arrived, and says which rules of bulk mail it breaks.

The numbers are those of docs/mail-rules.md, where their sources stand too.
"""

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property
from html import unescape
from typing import cast

from django.conf import settings

ONE_CLICK = "List-Unsubscribe=One-Click"
MUST_BE_SIGNED = ("list-unsubscribe", "list-unsubscribe-post")
HTML_LIMIT = 100_000
LINE_LIMIT = 998


@dataclass(frozen=True)
class Letter:
    """One raw message, and what the rules ask of it."""

    raw: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """The parsed message."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    def header(self, name: str) -> list[str]:
        """All headers of this name, unfolded."""
        return [" ".join(str(value).split()) for value in self.message.get_all(name, [])]

    def part(self, kind: str) -> str:
        """The "plain" or "html" part; "" if there is none, or none that can be decoded."""
        try:
            return self._decoded(kind)
        except LookupError:
            return ""

    def is_decodable(self, kind: str) -> bool:
        """Whether the part names a charset that exists, or is not there."""
        try:
            self._decoded(kind)
        except LookupError:
            return False
        return True

    def _decoded(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        return cast(EmailMessage, body).get_content() if body else ""

    @property
    def leave_url(self) -> str:
        """The address in List-Unsubscribe; "" if there is none."""
        found = re.search(r"<(https?:[^>]+)>", " ".join(self.header("List-Unsubscribe")))
        return found[1] if found else ""

    @property
    def links(self) -> tuple[set[str], set[str]]:
        """The addresses in the text part and in the HTML part."""
        in_text = re.findall(r"https?://[^\s<>]+", self.part("plain"))
        in_html = re.findall(r'href="(https?://[^"]+)"', self.part("html"))
        return {url.rstrip(".,;)") for url in in_text}, {unescape(url) for url in in_html}


def _unsubscribe_header(letter: Letter) -> Iterator[str]:
    headers = letter.header("List-Unsubscribe")
    if len(headers) != 1:
        yield f"R1 {len(headers)} List-Unsubscribe headers, not one"
    elif not re.fullmatch(r"<https://[^<>\s,]+>(, <mailto:[^<>\s]+>)?", headers[0]):
        yield f"R1 List-Unsubscribe is {headers[0]}, not one https address in angle brackets"


def _one_click_header(letter: Letter) -> Iterator[str]:
    if letter.header("List-Unsubscribe-Post") != [ONE_CLICK]:
        yield f"R2 List-Unsubscribe-Post is not exactly {ONE_CLICK}"


def _opaque_address(letter: Letter) -> Iterator[str]:
    if "@" in letter.leave_url or "%40" in letter.leave_url.lower():
        yield "R4 the address to unsubscribe at holds an e-mail address"


def _signed_headers(letter: Letter) -> Iterator[str]:
    signatures = letter.header("DKIM-Signature")
    if not signatures:
        yield "R5 the letter has no DKIM signature"
        return
    signed = [re.search(r"\bh=([^;]+)", value.replace(" ", "")) for value in signatures]
    names = {name.lower() for found in signed if found for name in found[1].split(":")}
    for name in MUST_BE_SIGNED:
        if name not in names:
            yield f"R5 the DKIM signature does not cover {name}"


def _list_and_sender(letter: Letter) -> Iterator[str]:
    list_ids = letter.header("List-ID")
    if len(list_ids) != 1 or not re.search(r"<[^<>@\s]+\.[^<>@\s]+>$", list_ids[0]):
        yield "R6 there is not one List-ID with a name in angle brackets"
    if len(letter.header("From")) != 1 or letter.header("From")[0].count("@") != 1:
        yield "R7 there is not one sender"


def _one_recipient(letter: Letter) -> Iterator[str]:
    recipients = letter.header("To")
    if len(recipients) != 1 or recipients[0].count("@") != 1:
        yield "R8 there is not one recipient in To"
    if letter.header("Cc") or letter.header("Bcc"):
        yield "R8 there is a Cc or Bcc"


def _parts(letter: Letter) -> Iterator[str]:
    kinds = [part.get_content_type() for part in letter.message.iter_parts()]
    if letter.message.get_content_type() != "multipart/alternative" or kinds[:2] != [
        "text/plain",
        "text/html",
    ]:
        yield "R9 it is not multipart/alternative with text first, then HTML"
    for kind in ("plain", "html"):
        if not letter.is_decodable(kind):
            yield f"R9 the {kind} part cannot be decoded"
    if not letter.part("plain").strip():
        yield "R9 the text part is empty"
    in_text, in_html = letter.links
    for url in sorted(in_html - in_text):
        yield f"R9 the text part lacks the link {url}"


def _wire(letter: Letter) -> Iterator[str]:
    for name in ("Message-ID", "Date"):
        if len(letter.header(name)) != 1:
            yield f"R9 there is not one {name}"
    if b"\r\n" in letter.raw and re.search(rb"(?<!\r)\n", letter.raw):
        yield "R9 a line ends in LF without CR"
    if max(map(len, letter.raw.splitlines()), default=0) > LINE_LIMIT:
        yield f"R9 a line is longer than {LINE_LIMIT} bytes"


def _what_both_say(letter: Letter) -> Iterator[str]:
    for kind in ("plain", "html"):
        part = " ".join(unescape(letter.part(kind)).split())
        if not letter.leave_url or letter.leave_url not in part:
            yield f"R10 the {kind} part does not show the link to unsubscribe"
        for what, words in (
            ("the sender's legal name", settings.SENDER_NAME),
            ("the postal address", settings.POSTAL_ADDRESS),
            ("why the reader gets it", "You get this because"),
            ("where to pause", "/preferences/"),
        ):
            if words not in part:
                yield f"R10 the {kind} part does not say {what}"


def _size_and_pictures(letter: Letter) -> Iterator[str]:
    html = letter.part("html").encode()
    if len(html) > HTML_LIMIT:
        yield f"R11 the HTML part has {len(html):,} bytes, more than {HTML_LIMIT:,}"
    if re.search(rb"<img\b|url\(", html):
        yield "R12 the HTML part loads a picture"


RULES: list[Callable[[Letter], Iterator[str]]] = [
    _unsubscribe_header,
    _one_click_header,
    _opaque_address,
    _signed_headers,
    _list_and_sender,
    _one_recipient,
    _parts,
    _wire,
    _what_both_say,
    _size_and_pictures,
]


def faults(raw: bytes) -> list[str]:
    """Which rules R1 to R12 a received digest letter breaks, each as a sentence; [] if none.

    The signature is read, not verified: that is the receiving server's work.
    """
    letter = Letter(raw)
    return [fault for rule in RULES for fault in rule(letter)]
