"""The mailbox of the demo: every letter the site sent, byte for byte. Reads files, changes none."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import takewhile
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

PAGE_SIZE = 50
# Enough for any letter of ours; finding the links in a huge text would take minutes.
LONGEST_TEXT = 200_000
# The list reads no more of a letter than this.
LONGEST_HEAD = 64 * 1024
FILE_NAME = re.compile(r"(\d{19})\.eml", re.ASCII)
HEAD_TAG = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
# A link in a letter opens in the window, not in the frame that shows the letter.
LINKS_OPEN_OUTSIDE = '<base target="_top">'
LETTER_CSP = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [SELF],
    "base-uri": [SELF],
    "frame-ancestors": [SELF],
}


@dataclass(frozen=True)
class Letter:
    """One stored letter. Odd bytes may make it look odd, but never make it fail."""

    id: str
    message: Message

    @property
    def arrived_at(self) -> datetime:
        return datetime.fromtimestamp(int(self.id) / 1e9, tz=UTC)

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, readable(value)) for name, value in self.message.raw_items()]

    @property
    def to(self) -> str:
        """Whom it was handed over for: the envelope, not what the letter says."""
        return ", ".join(value for name, value in self.headers if name == "X-Envelope-To")

    @property
    def subject(self) -> str:
        return next((value for name, value in self.headers if name.lower() == "subject"), "")

    @property
    def text(self) -> str:
        return self._part("text/plain")[:LONGEST_TEXT]

    @property
    def html(self) -> str:
        return self._part("text/html")

    def _part(self, content_type: str) -> str:
        for part in leaves(self.message):
            attached = part.get_content_disposition() == "attachment"
            if part.get_content_type() == content_type and not attached:
                return decoded(part)
        return ""


def leaves(message: Message) -> Iterator[Message]:
    """The parts that hold no parts; like Message.walk, but not at the mercy of deep nesting."""
    parts = [message]
    while parts:
        part = parts.pop(0)
        if part.is_multipart():
            parts[:0] = [each for each in part.get_payload() if isinstance(each, Message)]
        else:
            yield part


def readable(value: str) -> str:
    """A header as people read it: unfolded, encoded words decoded, other bytes taken as UTF-8."""
    text = str(value).encode("ascii", "surrogateescape").decode("utf-8", "replace")
    text = " ".join(text.split())
    try:
        return encodable(str(make_header(decode_header(text))))
    except (MessageError, LookupError, ValueError):
        return text


def decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    try:
        return encodable(content.decode(part.get_content_charset("utf-8"), "replace"))
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def encodable(text: str) -> str:
    """Without the lone surrogates that some encodings yield and no page can carry."""
    return text.encode("utf-8", "replace").decode()


def folder() -> Path:
    return Path(settings.MAILBOX_DIR)


def newest_first() -> list[str]:
    """The ids of all letters."""
    try:
        names = os.listdir(folder())
    except FileNotFoundError:
        return []
    return sorted((found[1] for found in map(FILE_NAME.fullmatch, names) if found), reverse=True)


def path_of(letter_id: str) -> Path:
    """Where the letter is; the URL pattern lets nothing but digits come here."""
    path = folder() / f"{letter_id}.eml"
    if not path.is_file():
        raise Http404("There is no such letter.")
    return path


def read(letter_id: str) -> Letter:
    content = path_of(letter_id).read_bytes()
    try:
        return Letter(letter_id, message_from_bytes(content))
    except RecursionError:  # nested a thousand deep
        return Letter(letter_id, BytesHeaderParser().parsebytes(content))


def heads(ids: list[str]) -> Iterator[Letter]:
    """The letters without their bodies; those deleted in the meantime are left out."""
    for letter_id in ids:
        try:
            with (folder() / f"{letter_id}.eml").open("rb") as file:
                head = file.read(LONGEST_HEAD)
        except FileNotFoundError:
            continue
        yield Letter(letter_id, BytesHeaderParser().parsebytes(head))


def is_for(address: str, letter_id: str) -> bool:
    wanted = b"x-envelope-to: " + address.strip().lower().encode()
    try:
        with (folder() / f"{letter_id}.eml").open("rb") as file:
            envelope = takewhile(lambda line: line.startswith(b"X-Envelope-"), file)
            return any(line.strip().lower() == wanted for line in envelope)
    except FileNotFoundError:
        return False


@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """The letters, newest first; `?to=` shows those of one reader."""
    to, ids = request.GET.get("to", ""), newest_first()
    if to:
        ids = [letter_id for letter_id in ids if is_for(to, letter_id)]
    page = Paginator(ids, PAGE_SIZE).get_page(request.GET.get("page"))
    letters = list(heads(list(page)))
    return render(request, "demo/mailbox.html", {"letters": letters, "page": page, "to": to})


@require_safe
@never_cache
def message(request: HttpRequest, letter_id: str) -> HttpResponse:
    return render(request, "demo/message.html", {"letter": read(letter_id)})


@require_safe
@never_cache
@xframe_options_sameorigin
@csp(LETTER_CSP)  # type: ignore[arg-type]  # its type knows no view with arguments
def message_html(request: HttpRequest, letter_id: str) -> HttpResponse:
    """The HTML part alone, for the frame: it may style itself and show our pictures, no more."""
    html = read(letter_id).html
    head = HEAD_TAG.search(html)
    position = head.end() if head else 0
    return HttpResponse(html[:position] + LINKS_OPEN_OUTSIDE + html[position:])


@require_safe
def raw(request: HttpRequest, letter_id: str) -> HttpResponse:
    """The letter byte for byte, as a file to keep."""
    file = {"Content-Disposition": f'attachment; filename="{letter_id}.eml"'}
    content = path_of(letter_id).read_bytes()
    return HttpResponse(content, content_type="message/rfc822", headers=file)
