"""Values of sources as plain text on one line."""

import html
import re
from datetime import date

# Mark-up that registers put into titles: HTML, JATS, MathML. Not any "<b and c>" of a formula.
_NAMES = (
    "i|b|u|em|strong|sub|sup|sc|scp|tt|br|p|span|div|a|font|italic|bold|underline|monospace"
    r"|inline-formula|tex-math|title|alternatives|(?:jats|mml):[\w-]+|m[a-z]+"
)
_TAG = re.compile(
    rf"</?(?:{_NAMES})(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>", re.IGNORECASE
)
_BREAKS = re.compile(r"<(?:br|p|/p|div|/div)\s*/?>", re.IGNORECASE)
# Indentation of mark-up; a space before a bracket within a line is the author's own.
_LINE_BREAK_INSIDE = re.compile(r"(?<=[(\[])\n|\n(?=[)\],.;:?!])")
_SPACE = re.compile(r"\s+")
_CONTROLS_AND_SPACE = re.compile(r"[\s\x00-\x20\x7f-\xa0\ufeff]+")
_READ_AS_LATIN_1 = re.compile("[\x80-\x9f]")
_NOTHING = {"null", "none", "n/a", "undefined"}


def plain(value: object) -> str:
    """The text without mark-up and entities, on one line; "" for what is no text.

    Some registers escape twice, and write "null" where they know nothing.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    text = _as_meant(html.unescape(html.unescape(value)))
    text = _TAG.sub("", _BREAKS.sub(" ", text))
    text = one_line(_LINE_BREAK_INSIDE.sub("", _SPACE.sub(_one_space, text)))
    return "" if text.casefold() in _NOTHING else text


def _one_space(found: re.Match[str]) -> str:
    return "\n" if "\n" in found[0] else " "


def _as_meant(text: str) -> str:
    r"""UTF-8 that somebody deposited as Latin-1: "Dâ\x80\x99Adamo" was D\u2019Adamo."""
    if not _READ_AS_LATIN_1.search(text):
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def one_line(text: str) -> str:
    """The text with line breaks, tabs and control characters as single spaces."""
    return _CONTROLS_AND_SPACE.sub(" ", text).strip()


def year_month_day(
    year: object, month: object = None, day: object = None
) -> tuple[int | None, int | None, int | None]:
    """A date as far as it is known and possible: what follows a part that is not, is dropped."""
    numbers = [_number(part) for part in (year, month, day)]
    if not numbers[0] or not 1800 <= numbers[0] <= 2100:
        return None, None, None
    if not numbers[1] or not 1 <= numbers[1] <= 12:
        return numbers[0], None, None
    try:
        date(numbers[0], numbers[1], numbers[2] or 0)
    except ValueError:
        return numbers[0], numbers[1], None
    return numbers[0], numbers[1], numbers[2]


def _number(value: object) -> int | None:
    text = str(value).strip() if isinstance(value, int | str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def month_number(text: str) -> int | None:
    """1 to 12 for "Feb", "february" or "02"; None if it names no month."""
    word = text.strip().casefold()
    if word[:3] in _MONTHS:
        return _MONTHS.index(word[:3]) + 1
    number = _number(word)
    return number if number and number <= 12 else None


def page_range(first: str, last: str = "") -> str:
    """Pages as "319-329": one hyphen, and one number where both are the same."""
    parts = [part.strip() for part in re.split(r"[-\u2010-\u2015]+", f"{first}-{last}")]
    pages = [part for part in parts if part]
    if len(pages) == 2:
        return pages[0] if pages[0] == pages[1] else "-".join(pages)
    return one_line(f"{first}-{last}" if last else first)
