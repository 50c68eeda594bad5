"""Reading what a provider sends, which may lack anything or be of any type."""

import uuid
from datetime import UTC, datetime
from typing import Any

LONGEST = 254


def part(thing: Any, *path: str) -> dict[str, Any]:
    """The object at a path; an empty one if there is none."""
    for name in path:
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing if isinstance(thing, dict) else {}


def text(thing: Any, *path: str) -> str:
    """The text at a path; "" if there is none."""
    value = part(thing, *path[:-1]).get(path[-1])
    return value if isinstance(value, str) else ""


def number(thing: Any, *path: str) -> int:
    """The whole number at a path; 0 if there is none."""
    value = part(thing, *path[:-1]).get(path[-1])
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: Any) -> datetime | None:
    """A time as seconds since 1970 or in ISO 8601; None if it is neither."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, tz=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def key_of(value: str) -> uuid.UUID | None:
    """A key of ours; None for anything else."""
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


def clean(value: str) -> str:
    """One line that every database stores, of at most LONGEST characters."""
    storable = value.replace("\0", " ").encode(errors="replace").decode()
    return " ".join(storable.split())[:LONGEST]
