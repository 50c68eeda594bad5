"""Letters as their readers see them, in a frame that can do nothing."""

import re

from django.http import HttpResponse
from django.utils.html import format_html

from newsletter.letters import Words, fill_slots

_DARK = re.compile(r"\(\s*prefers-color-scheme:\s*dark\s*\)")
# Styles and our own pictures, and nothing else.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
)


def letter_in_frame(
    words: Words, *, as_text: bool = False, dark: bool | None = None, corrections: str = ""
) -> HttpResponse:
    """A letter's HTML, or its text part; its links lead nowhere.

    `dark` shows it as mail programs of that colour scheme do, whatever the editor's is; None as
    the editor's is. A letter of text alone is shown as text.
    """
    if as_text or not words.html:
        page = _text_page(_filled(words.text, corrections), dark=dark)
    else:
        page = _in_colours(_filled(words.html, corrections), dark=dark)
    response = HttpResponse(page)
    response["Content-Security-Policy"] = POLICY
    return response


def _filled(words: str, corrections: str = "") -> str:
    return fill_slots(words, leave="#", preferences="#", corrections=corrections)


def _in_colours(html: str, *, dark: bool | None) -> str:
    if dark is None:
        return html
    # Conditions that always hold, or never.
    return _DARK.sub("(min-width: 0)" if dark else "(max-width: 0)", html)


def _text_page(text: str, *, dark: bool | None) -> str:
    scheme = {None: "light dark", True: "dark", False: "light"}[dark]
    return format_html(
        '<!DOCTYPE html><html lang="en" style="color-scheme: {}"><meta charset="utf-8">'
        '<title>The text part</title><body><pre style="white-space: pre-wrap; '
        'overflow-wrap: anywhere">{}</pre></body></html>',
        scheme,
        text,
    )
