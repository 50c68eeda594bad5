"""Our own export: the columns, and how a row becomes cells and a row again without loss."""

import json
import re
import uuid
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from newsletter.models import Cadence, ConsentEvent, Depth, Subscriber, Suppression
from newsletter.suppressing import address_hash

COLUMNS = [
    "key", "email", "state", "joined_at", "left_at", "paused_until_at", "source", "cadence",
    "depth", "max_items", "text_only", "zone", "hour", "topics", "consent",
]  # fmt: skip
SUPPRESSION_COLUMNS = ["address_hash", "reason", "source", "since_at", "note", "site"]

Row = Mapping[str, str]

# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA = re.compile("'*[=+\\-@\t\r\n]")
_EVENT_TEXTS = ("kind", "method", "form", "detail", "text_version")
_EVENT_TIMES = ("asked_at", "happened_at")
_FINGERPRINT_OF = "fingerprint@fibrosite.invalid"


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one apostrophe more at its start.

    `as_it_was` takes it away again; a cell that begins with apostrophes and a formula's sign
    gets one more too, so that no two cells become one.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def as_it_was(cell: str) -> str:
    """The cell that `harmless` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def fingerprint() -> str:
    """Tells whether two sites hash addresses by the same secret key, and tells nothing else."""
    return address_hash(_FINGERPRINT_OF)[:16]


def cells_of(subscriber: Subscriber, topics: Iterable[str], events: Iterable[Any]) -> list[str]:
    """A subscriber as the cells of COLUMNS. How the row came from an export of ours is left out."""
    history = [_event(one) for one in events if not _is_journey(one)]
    values = [
        subscriber.key, subscriber.email, subscriber.state, subscriber.joined_at,
        subscriber.left_at, subscriber.paused_until_at, subscriber.source, subscriber.cadence,
        subscriber.depth, subscriber.max_items, "yes" if subscriber.text_only else "no",
        subscriber.zone, subscriber.hour, _as_json(sorted(topics)), _as_json(history),
    ]  # fmt: skip
    return [harmless(_text(value)) for value in values]


def suppression_cells(row: Suppression, site: str) -> list[str]:
    """A suppression as the cells of SUPPRESSION_COLUMNS; `site` is the key's fingerprint."""
    values = [row.address_hash, row.reason, row.source, row.since_at, row.note, site]
    return [harmless(_text(value)) for value in values]


@dataclass(frozen=True)
class Restored:
    """What a row of our own export holds: a subscriber not saved yet, topics, past consent."""

    subscriber: Subscriber
    topics: tuple[str, ...]
    events: list[ConsentEvent]


def restore(row: Row) -> Restored:
    """A row of COLUMNS, its headings without signs. Raises ValueError with the reason."""
    subscriber = Subscriber(
        key=_made(uuid.UUID, row, "key"),
        email=row.get("email", ""),
        state=_made(Subscriber.State, row, "state"),
        joined_at=_made(_instant, row, "joined_at"),
        left_at=_maybe(_instant, row, "left_at"),
        paused_until_at=_maybe(_instant, row, "paused_until_at"),
        source=row.get("source", "")[:60],
        cadence=_made(Cadence, row, "cadence"),
        depth=_made(Depth, row, "depth"),
        max_items=_maybe(_from_one, row, "max_items"),
        text_only=row.get("textonly", "") == "yes",
        zone=_maybe(_zone, row, "zone") or "",
        hour=_maybe(_hour, row, "hour"),
    )
    return Restored(subscriber, _made(_topics, row, "topics"), _made(_events, row, "consent"))


def restore_suppression(row: Row) -> Suppression:
    """A row of SUPPRESSION_COLUMNS. Raises ValueError with the reason."""
    if row.get("site") != fingerprint():
        raise ValueError("it was made with another SECRET_KEY, so it matches no address here")
    return Suppression(
        address_hash=row["addresshash"],
        reason=_made(Suppression.Reason, row, "reason"),
        source=row.get("source", "")[:60],
        since_at=_made(_instant, row, "since_at"),
        note=row.get("note", "")[:300],
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _as_json(value: list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if value else ""


def _is_journey(event: ConsentEvent) -> bool:
    return event.kind == ConsentEvent.Kind.IMPORTED and event.form == "fibrosite"


def _event(event: ConsentEvent) -> dict[str, str]:
    values = {name: _text(getattr(event, name)) for name in (*_EVENT_TEXTS, *_EVENT_TIMES)}
    return {name: value for name, value in values.items() if value}


def _made(make: Any, row: Row, column: str) -> Any:
    cell = row.get(column.replace("_", ""), "")
    try:
        return make(cell)
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError) as error:
        raise ValueError(f"{column} cannot be “{cell[:40]}”") from error


def _maybe(make: Any, row: Row, column: str) -> Any:
    return _made(make, row, column) if row.get(column.replace("_", "")) else None


def _instant(cell: str) -> datetime:
    found = datetime.fromisoformat(cell)
    if found.tzinfo is None or not 1990 <= found.year <= 2200:
        raise ValueError
    return found


def _from_one(cell: str) -> int:
    return _within(cell, 1, 32_767)


def _hour(cell: str) -> int:
    return _within(cell, 0, 23)


def _within(cell: str, low: int, high: int) -> int:
    number = int(cell)
    if not low <= number <= high:
        raise ValueError
    return number


def _zone(cell: str) -> str:
    if len(cell) > 60:
        raise ValueError
    try:
        return zoneinfo.ZoneInfo(cell).key
    except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
        raise ValueError from error


def _topics(cell: str) -> tuple[str, ...]:
    names = json.loads(cell) if cell else []
    if not isinstance(names, list) or not all(isinstance(one, str) and one for one in names):
        raise ValueError
    return tuple(one[:100] for one in names)


def _events(cell: str) -> list[ConsentEvent]:
    return [_restored_event(dict(one)) for one in (json.loads(cell) if cell else [])]


def _restored_event(stored: dict[str, str]) -> ConsentEvent:
    asked = stored.get("asked_at")
    return ConsentEvent(
        kind=ConsentEvent.Kind(stored["kind"]),
        method=ConsentEvent.Method(stored["method"]),
        form=stored.get("form", "")[:20],
        detail=stored.get("detail", "")[:300],
        text_version=stored.get("text_version", "")[:20],
        asked_at=_instant(asked) if asked else None,
        happened_at=_instant(stored["happened_at"]),
    )
