"""Headings that jump, and paragraphs and headings of nothing."""

import re
from collections.abc import Iterator

from articles import prose
from articles.preflight.findings import Cause, Trouble
from articles.preflight.reading import Reading

JUMP = Cause(
    "The heading {words} is of the second level, but none of the first stands before it.",
    "Make it a heading of the first level.",
)
EMPTY_HEADING = Cause(
    "A heading has no words.", "Delete it: screen readers announce it all the same."
)
EMPTY_PARAGRAPH = Cause(
    "It has empty paragraphs.", "Delete them: the page sets the space between paragraphs itself."
)

_EMPTY = re.compile(r"<(p|h2|h3|li)(?: [^>]*)?>(?:\s|&nbsp;|\u00a0|<br ?/?>)*</\1>")


def headings(reading: Reading) -> Iterator[Trouble]:
    """A heading of the second level before any of the first; empty headings and paragraphs."""
    has_first = False
    for part in reading.parts:
        for level, _, text in prose.headings(part.html):
            has_first = has_first or level == 2
            if text and not has_first:
                yield Trouble(JUMP, part.place, text)
        for tag in _EMPTY.findall(part.html):
            is_heading = tag in ("h2", "h3")
            yield Trouble(EMPTY_HEADING if is_heading else EMPTY_PARAGRAPH, part.place)
