"""What a dry run says of each row, as a CSV file that opens safely in a spreadsheet."""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from newsletter.moving.exporting import as_csv
from newsletter.moving.own import as_it_was, harmless
from newsletter.moving.verdicts import Judged

HEADINGS = ["row", "address", "what happens", "why"]


@contextmanager
def writing(path: Path) -> Iterator[Callable[[list[Judged]], None]]:
    """Write the report batch by batch; it appears under its name once it is whole."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.writelines(as_csv([HEADINGS]))

        def report(batch: list[Judged]) -> None:
            rows = ([harmless(cell) for cell in _cells(one)] for one in batch)
            file.writelines(list(as_csv(rows))[1:])

        yield report
    os.replace(part, path)


def _cells(one: Judged) -> list[str]:
    entry = one.entry
    return [str(entry.number), entry.address[:300], one.verdict.value, one.why]


def page(path: Path, *, verdict: str, start: int, size: int) -> list[list[str]]:
    """So many rows of the report from the one at `start`; those of one verdict, if one is named."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        wanted = (row for row in rows if not verdict or row[2] == verdict)
        return [[as_it_was(cell) for cell in row] for row in islice(wanted, start, start + size)]
