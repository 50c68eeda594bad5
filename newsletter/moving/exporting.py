"""The list as files that go elsewhere: a row at a time, and no cell that a spreadsheet runs."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Prefetch

from newsletter.models import Subscriber, SubscriberTopic, Suppression
from newsletter.moving import own

CHUNK = 1000


class _Echo:
    """What `csv` writes to; it hands each line on."""

    def write(self, line: str) -> str:
        return line


def as_csv(rows: Iterable[list[str]]) -> Iterator[str]:
    """These rows as lines of CSV, all cells quoted; they must be harmless already.

    The mark of UTF-8 comes first: without it, spreadsheets garble letters with accents.
    """
    writer: Any = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield "\ufeff"
    for row in rows:
        yield writer.writerow(row)


def subscribers() -> Iterator[str]:
    """All subscribers as lines of CSV: state, preferences, dates, history of consent."""
    return as_csv(_subscriber_rows())


def suppressions() -> Iterator[str]:
    """The keyed hashes of addresses never to mail; only a site with the same secret key can
    use them.
    """
    return as_csv(_suppression_rows())


def _subscriber_rows() -> Iterator[list[str]]:
    yield own.COLUMNS
    chosen = Prefetch("chosen", SubscriberTopic.objects.select_related("topic"))
    rows = Subscriber.objects.order_by("joined_at", "key").prefetch_related(chosen, "consent")
    for row in rows.iterator(chunk_size=CHUNK):
        topics = (one.topic.name for one in row.chosen.all())
        yield own.cells_of(row, topics, row.consent.all())


def _suppression_rows() -> Iterator[list[str]]:
    yield own.SUPPRESSION_COLUMNS
    site = own.fingerprint()
    rows = Suppression.objects.order_by("since_at", "address_hash")
    for row in rows.iterator(chunk_size=CHUNK):
        yield own.suppression_cells(row, site)
