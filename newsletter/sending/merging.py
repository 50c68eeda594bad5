"""A variant rendered once, each reader's own values merged into its bytes by position.

What comes out parses to the same headers and words as `letters.digest_letter` gives, in
quoted-printable throughout: no server on the way needs to change a byte that a signature covers.
"""

import re
import time
from collections.abc import Iterable, Iterator
from email.policy import compat32
from email.utils import formatdate, parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address

from newsletter.events import copies
from newsletter.letters import digest_headers, fill_slots, reader_address
from newsletter.models import Digest, Variant
from newsletter.sending.load import Copy, Load
from newsletter.sending.quoting import Pieces, Slot, quoted, quoted_lines
from newsletter.tokens import ReaderTokens

# As ReaderTokens makes them: 16 bytes of name, 32 of signature.
TOKEN_WIDTH = 66
LEAVE = Slot("leave", TOKEN_WIDTH)
PREFERENCES = Slot("preferences", TOKEN_WIDTH)
TEXT_CORRECTIONS = Slot("text corrections", None)
HTML_CORRECTIONS = Slot("html corrections", None)
TO, DATE, NUMBER, MARK = (Slot(name, None) for name in ("to", "date", "number", "mark"))
# The headers that are a reader's own; no other is looked through for slots.
OWN_HEADERS = {"To", "Date", "Message-ID", "List-Unsubscribe", copies.HEADER}

# Addresses in the usual form (RFC 5322 3.2.3); others are looked at more closely.
_PLAIN_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9.-]+", re.ASCII | re.IGNORECASE)
_POLICY = compat32.clone(linesep="\r\n")
_PART_HEAD = (
    b'Content-Type: text/%b; charset="utf-8"\r\nMIME-Version: 1.0\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n"
)
_MULTIPART_HEAD = b'Content-Type: multipart/alternative; boundary="%b"\r\nMIME-Version: 1.0\r\n'
# How many combinations of corrections are kept, each some kilobytes, and how many variants, each
# up to 200. Copies come in the order of their variants.
_COMBINATIONS = 256
_VARIANTS = 64


class UnsafeValue(ValueError):
    """A reader's address that cannot stand in a header, so the copy cannot be sent at all."""


def safe_address(email: str) -> bytes:
    """The address in ASCII, its domain by IDNA. Raises UnsafeValue if there is no such form."""
    if _PLAIN_ADDRESS.fullmatch(email):
        return email.encode()
    # A line end here would begin another header.
    if not email.isprintable() or not email.rpartition("@")[0].isascii():
        raise UnsafeValue("the address has characters that no header can hold")
    try:
        written = sanitize_address(email, "utf-8")
        return _one_address(written).encode("ascii")
    except (ValueError, IndexError) as error:
        raise UnsafeValue(f"not an address: {error}") from error


def _one_address(written: str) -> str:
    local, _, domain = written.rpartition("@")
    if not (local and domain) or parseaddr(written)[1] != written:
        raise ValueError("there is more than an address, or less")
    return written


class Merger:
    """Makes the bytes of each copy of a load; a variant is compiled when first met.

    Not for several threads at once: they share the list that is filled.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._tokens = ReaderTokens()
        self._marks = copies.Marks()
        self._letters: dict[int, _Letter] = {}
        self._lines: dict[tuple[int, ...], tuple[bytes, bytes]] = {(): (b"", b"")}
        self._second = 0
        self._date = b""
        self._sender = safe_address(parseaddr(settings.DIGEST_FROM)[1])
        bounces = safe_address(settings.BOUNCE_ADDRESS) if settings.BOUNCE_ADDRESS else b""
        self._bounces = bounces.rpartition(b"@")

    def sender(self, copy: Copy) -> bytes:
        """The envelope's sender: with the copy's mark where BOUNCE_ADDRESS is set."""
        local, at, domain = self._bounces
        if not at:
            return self._sender
        return b"%b+%b@%b" % (local, self._marks.of(copy.pk), domain)

    def content(self, copy: Copy) -> bytes:
        """What follows the server's 354: CRLF line ends, dots stuffed, with the final dot.

        Raises UnsafeValue if the reader's address cannot stand in a header.
        """
        letter = self._letters.get(copy.variant) or self._compile(copy.variant)
        leave, preferences = self._tokens.both(copy.key)
        letter.pieces[letter.to] = safe_address(copy.email)
        letter.pieces[letter.date] = self._now()
        letter.pieces[letter.number] = b"%d" % copy.pk
        letter.pieces[letter.mark] = self._marks.of(copy.pk)
        text, html = self._lines.get(copy.corrections) or self._quote(copy.corrections)
        letter.fill(letter.leave, leave)
        letter.fill(letter.preferences, preferences)
        letter.fill(letter.text_corrections, text)
        letter.fill(letter.html_corrections, html)
        return b"".join(letter.pieces)

    def _compile(self, variant: int) -> "_Letter":
        if len(self._letters) >= _VARIANTS:
            self._letters.clear()
        letter = _Letter(_content(self._load.digest, self._load.variants[variant]))
        self._letters[variant] = letter
        return letter

    def _quote(self, chosen: tuple[int, ...]) -> tuple[bytes, bytes]:
        """The corrections of some readers, for the text and for the HTML."""
        if len(self._lines) > _COMBINATIONS:
            self._lines = {(): (b"", b"")}
        lines = [self._load.corrections[pk] for pk in sorted(chosen)]
        text, html = ("".join(line.text for line in lines), "".join(line.html for line in lines))
        self._lines[chosen] = quoted_lines(text), quoted_lines(html)
        return self._lines[chosen]

    def _now(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = formatdate(second, localtime=settings.EMAIL_USE_LOCALTIME).encode()
        return self._date


class _Letter:
    """One variant's bytes, and where in them which value of a reader belongs."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = [b"" if isinstance(piece, Slot) else piece for piece in pieces]

        def places(slot: Slot) -> list[int]:
            return [place for place, piece in enumerate(pieces) if piece == slot]

        (self.to,), (self.date,) = places(TO), places(DATE)
        (self.number,), (self.mark,) = places(NUMBER), places(MARK)
        self.leave, self.preferences = places(LEAVE), places(PREFERENCES)
        self.text_corrections = places(TEXT_CORRECTIONS)
        self.html_corrections = places(HTML_CORRECTIONS)

    def fill(self, places: Iterable[int], value: bytes) -> None:
        for place in places:
            self.pieces[place] = value


def _content(digest: Digest, variant: Variant) -> Pieces:
    head = [*_head(digest, variant), b"\r\n"]
    text = _part(variant.text, TEXT_CORRECTIONS)
    if not variant.html:
        # The final dot needs a line of its own, and the text may end within one.
        end = b".\r\n" if _ends_a_line(text) else b"\r\n.\r\n"
        return (_PART_HEAD % b"plain", *head, *text, end)
    html = _part(variant.html, HTML_CORRECTIONS)
    # No line of quoted-printable can hold "=_".
    name = b"=_%d.%d" % (digest.pk, variant.pk)
    return (
        _MULTIPART_HEAD % name,
        *head,
        b"--%b\r\n%b\r\n" % (name, _PART_HEAD % b"plain"),
        *text,
        b"\r\n--%b\r\n%b\r\n" % (name, _PART_HEAD % b"html"),
        *html,
        b"\r\n--%b--\r\n.\r\n" % name,
    )


def _ends_a_line(pieces: Pieces) -> bool:
    last = pieces[-1]
    return isinstance(last, bytes) and last.endswith(b"\r\n")


def _part(words: str, corrections: Slot) -> Pieces:
    filled = fill_slots(
        words,
        leave=reader_address("newsletter:leave", _mark_of(LEAVE)),
        preferences=reader_address("newsletter:preferences", _mark_of(PREFERENCES)),
        corrections=_mark_of(corrections),
    )
    return quoted(filled, (LEAVE, PREFERENCES, corrections))


def _mark_of(slot: Slot) -> str:
    return f"\0{slot.name}\0"


def _head(digest: Digest, variant: Variant) -> Iterator[bytes | Slot]:
    """The headers as Django writes them; each of a reader's own stands on one line."""
    leave = reader_address("newsletter:leave", _mark_of(LEAVE))
    message = EmailMessage(
        subject=variant.subject or digest.subject,
        from_email=settings.DIGEST_FROM,
        to=[_mark_of(TO)],
        headers={
            "Date": _mark_of(DATE),
            **digest_headers(digest, _mark_of(NUMBER), leave=leave),
            copies.HEADER: _mark_of(MARK),
        },
    )
    slots = {_mark_of(slot): slot for slot in (TO, DATE, NUMBER, LEAVE, MARK)}
    for name, value in message.message().items():
        if name in OWN_HEADERS:
            for part in re.split("(\0[^\0]+\0)", f"{name}: {value}\r\n"):
                yield slots.get(part) or part.encode("ascii")
        elif not name.lower().startswith(("content-", "mime-")):
            yield _POLICY.fold_binary(name, value)
