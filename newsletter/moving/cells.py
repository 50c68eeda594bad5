"""Dates and tags in the cells of a list, as the programs of this world write them."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from articles.tagging import tidy_tag

MOST_TAGS = 50

_ZONE = re.compile(r"\s*([+-])(\d\d):?(\d\d)(?:\s+[A-Z]{2,5})?$")
_LONG_FRACTION = re.compile(r"(\.\d{1,6})\d*")
_CLOCK = r"(?:[ T]+(\d\d?):(\d\d)(?::(\d\d))?)?$"
_NUMBERED = re.compile(r"(\d\d?)[./-](\d\d?)[./-](\d{4})" + _CLOCK)
_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)" + _CLOCK)


def read_date(text: str, *, day_first: bool) -> datetime | None:
    """An instant as programs write it; UTC where no zone stands; None if it is no past date."""
    text = text.strip().removesuffix(" UTC").removesuffix("Z")
    zone: timezone = UTC
    if (offset := _ZONE.search(text)) and ":" in text[: offset.start()]:
        minutes = int(offset[2]) * 60 + int(offset[3])
        if minutes >= 24 * 60:
            return None
        zone = timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))
        text = text[: offset.start()]
    text, fraction = _without_fraction(text.strip())
    numbers = _numbers(text, day_first=day_first)
    if numbers is None:
        return None
    try:
        found = datetime(*numbers, microsecond=fraction, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 1990 and found <= datetime.now(UTC) else None


def _without_fraction(text: str) -> tuple[str, int]:
    found = _LONG_FRACTION.search(text) if ":" in text else None
    if not found:
        return text, 0
    return text[: found.start()] + text[found.end() :], int(found[1][1:].ljust(6, "0"))


def _numbers(text: str, *, day_first: bool) -> tuple[int, int, int, int, int, int] | None:
    if iso := _ISO.match(text):
        year, month, day, *time = (int(part or 0) for part in iso.groups())
    elif numbered := _NUMBERED.match(text):
        one, two, year, *time = (int(part or 0) for part in numbered.groups())
        # A day over twelve cannot be a month, whatever the habit.
        day, month = (one, two) if (day_first and two <= 12) or one > 12 else (two, one)
    else:
        return None
    return year, month, day, time[0], time[1], time[2]


def split_tags(text: str) -> tuple[str, ...]:
    """The tags of a cell: a JSON list, listmonk's JSON with "tags", or names between commas."""
    text = text.strip()
    if not text:
        return ()
    names = _json_tags(text) if text[0] in "[{" else text.replace('"', " ").split(",")
    tidy = dict.fromkeys(tidy_tag(str(name))[:100] for name in names)
    return tuple(name for name in tidy if name)[:MOST_TAGS]


def _json_tags(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = found.get("tags", []) if isinstance(found, dict) else found
    return found if isinstance(found, list) else []
