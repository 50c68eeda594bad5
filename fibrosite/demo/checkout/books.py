"""What the payment service knows: objects by id and events, kept in one file."""

import json
import secrets
import threading
import time
from pathlib import Path
from typing import Any

Thing = dict[str, Any]


class Missing(LookupError):
    """There is no object of this name."""


class Refused(ValueError):
    """What was asked for makes no sense; the words say why."""


class Books:
    """Objects of both services, in the order they were made. Thread-safe; written at each change.

    Each object has an "id" and, under "object", its kind.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.objects: dict[str, Thing] = {}
        self.events: list[Thing] = []
        # Events on their way: (event id, which service).
        self.unsent: list[str] = []
        # What was answered to an idempotency key: the object's id.
        self.answered: dict[str, str] = {}
        if path is not None and path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        kept = json.loads(path.read_text())
        self.objects, self.events = kept["objects"], kept["events"]
        self.unsent, self.answered = kept["unsent"], kept["answered"]

    def save(self) -> None:
        """Write the file; it is there whole or as it was."""
        if self.path is None:
            return
        with self.lock:
            words = json.dumps(
                {
                    "objects": self.objects,
                    "events": self.events,
                    "unsent": self.unsent,
                    "answered": self.answered,
                }
            )
            unfinished = self.path.with_suffix(".part")
            unfinished.write_text(words)
            unfinished.rename(self.path)

    def add(self, kind: str, prefix: str, **fields: Any) -> Thing:
        """A new object with a new id."""
        thing = {
            "id": f"{prefix}{secrets.token_hex(9)}",
            "object": kind,
            "created": int(time.time()),
            "livemode": False,
            **fields,
        }
        with self.lock:
            self.objects[thing["id"]] = thing
        return thing

    def get(self, name: Any, kind: str = "") -> Thing:
        """The object with this id. Raises Missing if there is none, or if it is of another kind."""
        thing = self.objects.get(name) if isinstance(name, str) else None
        if thing is None or (kind and thing["object"] != kind):
            raise Missing(f"No such {kind or 'object'}: {name!r}")
        return thing

    def of(self, kind: str) -> list[Thing]:
        """All objects of one kind, the newest first."""
        with self.lock:
            return [thing for thing in reversed(self.objects.values()) if thing["object"] == kind]
