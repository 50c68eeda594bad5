"""What pasting leaves behind: doubled spaces, and sentences that run into each other."""

import re
from collections.abc import Iterator

from articles.preflight.findings import Cause, Trouble
from articles.preflight.reading import Reading

DOUBLED = Cause("It has doubled spaces, as pasted text does.", "Make each a single one.")
RUN_TOGETHER = Cause(
    "A space is missing after a sentence: {words}.", "Put a space before the next sentence."
)

_DOUBLED = re.compile(r"(?<=\S)[ \u00a0]{2,}(?=\S)")
# Two small letters, so that "Ph.D" stays; a capital and a small one, so that "9.Q" stays.
_RUN_TOGETHER = re.compile(r"[a-z0-9][a-z)][.?!][”\u2019\"]?[A-Z][a-z]")
_ADDRESS = re.compile(r"://|www\.|@")
_NO_SPACE = re.compile(r"\S+")


def spacing(reading: Reading) -> Iterator[Trouble]:
    """Doubled spaces, and sentences without a space between them."""
    for passage in reading.passages:
        if _DOUBLED.search(passage.text):
            yield Trouble(DOUBLED, passage.place)
        if _RUN_TOGETHER.search(passage.text):
            yield from (Trouble(RUN_TOGETHER, passage.place, one) for one in _joined(passage.text))


def _joined(text: str) -> Iterator[str]:
    """The last word of a sentence with the first of the next. Addresses are whole as they are."""
    for found in _NO_SPACE.findall(text):
        if _RUN_TOGETHER.search(found) and not _ADDRESS.search(found):
            yield found.strip('.,;:!?()“”"')
