"""Text for mail, made of sanitised HTML: paragraphs, lists, links, in short lines."""

import re
import textwrap
from html.parser import HTMLParser

# Below 78, as RFC 5322 asks of lines that people read.
WIDTH = 76
_BREAKS = {"p", "h2", "h3", "h4", "ul", "ol", "li", "blockquote"}
_HEADINGS = {"h2", "h3", "h4"}
# What a paragraph begins with, and how far its other lines stand in.
_LEAD = re.compile(r"\s*(?:[-*] |\[\S{1,4}\] |\d{1,3}\. |> )?")


def plain_text(html: str) -> str:
    """Sanitised HTML as text: headings in capitals, lists with dashes, links behind their words."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


def wrapped(text: str) -> str:
    """Each line cut into lines of at most WIDTH characters, the later ones indented alike.

    Words are never cut, so an address stays whole. More than one empty line becomes one.
    """
    lines = (_wrap(line.rstrip()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _wrap(line: str) -> str:
    lead = _LEAD.match(line)
    start = lead[0] if lead else ""
    indent = start if start.endswith("> ") else " " * len(start)
    return textwrap.fill(
        line[len(start) :],
        WIDTH,
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class _Reader(HTMLParser):
    """Gathers paragraphs; a list item is one with a dash or a number before it."""

    def __init__(self) -> None:
        super().__init__()
        self._paragraphs: list[tuple[str, bool]] = []
        self._words = ""
        self._lists: list[int | None] = []
        self._lead = ""
        self._is_heading = False
        self._links: list[tuple[str, int]] = []
        self._quotes = 0

    def text(self) -> str:
        """All that was read so far."""
        self._end_paragraph()
        lines: list[str] = []
        for words, is_item in self._paragraphs:
            if lines and not (is_item and lines[-1]):
                lines.append("")
            lines.append(wrapped(words))
            if not is_item:
                lines.append("")
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self._end_paragraph()
        self._is_heading = tag in _HEADINGS or (self._is_heading and tag not in _BREAKS)
        if tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._lead = self._next_lead()
        elif tag == "blockquote":
            self._quotes += 1
        elif tag == "br":
            self._words += "\n"
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._words)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self._end_paragraph()
            self._is_heading = False
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            self._lead = ""
        elif tag == "blockquote":
            self._quotes = max(0, self._quotes - 1)
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        self._words += words.upper() if self._is_heading else words

    def _next_lead(self) -> str:
        depth = "  " * max(0, len(self._lists) - 1)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{depth}- "
        self._lists[-1] = number + 1
        return f"{depth}{number + 1}. "

    def _end_link(self, url: str, start: int) -> None:
        words = self._words[start:].strip()
        if url.removeprefix("mailto:") != words:
            self._words += f" <{url}>"

    def _end_paragraph(self) -> None:
        words = self._words.strip()
        self._words = ""
        if not words:
            return
        lead = self._lead or ("> " if self._quotes else "")
        is_item = bool(self._lists)
        # A second paragraph of an item stands under the first.
        self._lead = " " * len(self._lead) if is_item else ""
        self._paragraphs.append((lead + words.replace("\n", f"\n{' ' * len(lead)}"), is_item))
