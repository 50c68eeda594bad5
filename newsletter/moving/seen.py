"""Which row of a file counts for an address, kept on disk: memory does not grow with the list."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from newsletter.moving.formats import Standing

_TABLE = "CREATE TABLE seen (address BLOB PRIMARY KEY, row INTEGER, standing INTEGER) WITHOUT ROWID"
_KEEP = """
INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE
SET row = excluded.row, standing = excluded.standing WHERE excluded.standing > standing
"""


@dataclass(frozen=True)
class Place:
    """The row that counts for an address, and what it says."""

    row: int
    standing: Standing


def write(path: Path, batches: Iterable[list[tuple[str, int, Standing]]]) -> None:
    """Keep the (address, row, standing) of a whole file: the gravest counts, then the first."""
    path.unlink(missing_ok=True)
    with closing(_open(path)) as store:
        store.execute(_TABLE)
        for batch in batches:
            rows = [(_digest(address), row, int(said)) for address, row, said in batch]
            # In the order of the index: far fewer pages are touched for a long list.
            store.executemany(_KEEP, sorted(rows))
        store.commit()


def find(path: Path, addresses: Iterable[str]) -> dict[str, Place]:
    """The row that counts for each of these addresses, by address in lower case."""
    by_digest = {_digest(address): address.lower() for address in addresses}
    marks = ",".join("?" * len(by_digest))
    query = f"SELECT address, row, standing FROM seen WHERE address IN ({marks})"  # noqa: S608
    with closing(_open(path)) as store:
        found = store.execute(query, list(by_digest)).fetchall()
    return {by_digest[digest]: Place(row, Standing(said)) for digest, row, said in found}


def _open(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path)
    # It can be made again from the file at any time.
    store.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8000;")
    return store


def _digest(address: str) -> bytes:
    return blake2b(address.lower().encode(), digest_size=16).digest()
