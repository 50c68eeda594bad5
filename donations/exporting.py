"""The ledger as a file for accounting: each entry a row, and no cell that a spreadsheet runs."""

import csv
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from donations.booking import currency_of
from donations.models import Drive, LedgerEntry
from fibrosite.lib.money import exponent

COLUMNS = [
    "happened", "recorded", "kind", "drive", "gift", "donor", "address", "method", "provider",
    "payment", "amount", "currency", "rate", "amount in drive", "currency of drive", "counts",
    "reason", "recorded by", "source",
]  # fmt: skip
CHUNK = 1000
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """What `csv` writes to; it hands each line on."""

    def write(self, line: str) -> str:
        return line


def ledger(first: date | None, last: date | None, *, drive: Drive | None) -> Iterator[str]:
    """The entries that happened on these days (both included) of the site's calendar, as CSV.

    All drives and the fund, if `drive` is None. Amounts have the decimals of their currency; what
    counts adds up to what was raised.
    """
    writer: Any = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    # The mark of UTF-8: without it, spreadsheets garble letters with accents.
    yield "\ufeff"
    yield writer.writerow(COLUMNS)
    rows = LedgerEntry.objects.select_related("drive", "donation__donor", "match", "recorded_by")
    if first:
        rows = rows.filter(happened_at__gte=_begin(first))
    if last:
        rows = rows.filter(happened_at__lt=_begin(last + timedelta(days=1)))
    if drive:
        rows = rows.filter(drive=drive)
    for entry in rows.order_by("happened_at", "pk").iterator(chunk_size=CHUNK):
        yield writer.writerow(_cells(entry))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())


def _cells(entry: LedgerEntry) -> list[str]:
    gift, ours = entry.donation, currency_of(entry.drive)
    donor = gift.donor if gift else None
    return [
        _instant(entry.happened_at),
        _instant(entry.recorded_at),
        entry.kind,
        _safe(str(entry.drive or "fund")),
        str(gift.pk) if gift else "",
        _safe(donor.name if donor else entry.match.name if entry.match else ""),
        _safe(donor.email if donor else ""),
        gift.method if gift else "",
        gift.provider if gift else "",
        _safe(gift.provider_id if gift else ""),
        _figures(entry.amount_minor, entry.currency),
        entry.currency,
        f"{entry.rate.normalize():f}",
        _figures(entry.drive_minor, ours),
        ours,
        "yes" if entry.counts else "no",
        _safe(entry.reason),
        _safe(entry.recorded_by.get_username() if entry.recorded_by else ""),
        _safe(entry.source_key),
    ]


def _instant(moment: datetime) -> str:
    return timezone.localtime(moment, timezone.get_default_timezone()).isoformat("T", "seconds")


def _figures(minor: int, currency: str) -> str:
    digits = exponent(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
