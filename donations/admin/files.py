"""A file of gifts: looked through row by row, then entered whole or not at all."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from donations.admin.base import desk_page, person
from donations.admin.forms import FileForm, GiftForm
from donations.models import Donation, Drive, LedgerEntry

MAX_BYTES = 1_000_000
MAX_ROWS = 2_000
COLUMNS = {
    "amount": "amount",
    "date": "given_on",
    "given on": "given_on",
    "method": "method",
    "name": "donor_name",
    "donor": "donor_name",
    "email": "donor_email",
    "e-mail": "donor_email",
    "address": "donor_email",
    "note": "note",
    "currency": "currency",
    "promised": "promised",
}
_METHODS = {label.casefold(): value for value, label in Donation.Method.choices}
_NO = {"", "no", "false", "0", "n"}


class UnreadableError(ValueError):
    """What cannot be read of a file, in a sentence for the treasurer."""


@dataclass(frozen=True)
class Row:
    """One row, and what would become of it."""

    number: int
    cells: dict[str, str]
    form: GiftForm
    source_key: str
    is_in: bool

    @property
    def verdict(self) -> str:
        """What would happen to it, or what is wrong."""
        if self.is_in:
            return "in already"
        if self.form.errors:
            return " ".join(self._slips())
        return "promised" if self.form.cleaned_data["promised"] else "received"

    def _slips(self) -> Iterator[str]:
        for name, texts in self.form.errors.items():
            field = f"{self.form[name].label}: " if name in self.form.fields else ""
            yield from (f"{field}{text}" for text in texts)

    @property
    def is_wrong(self) -> bool:
        return not self.is_in and bool(self.form.errors)


def file(desk: Any, request: HttpRequest) -> HttpResponseBase:
    """GET asks for the file; POST shows what it would do, and with "sure" does it."""
    if request.method != "POST":
        current = Drive.objects.open_on(timezone.localdate()).first()
        form = FileForm(initial={"drive": current.pk if current else None})
        return _page(desk, request, form)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(desk, request, form)
    try:
        text = _text_of(form)
        rows = read(text, drive=form.cleaned_data["drive"], sure="another" in request.POST)
    except UnreadableError as error:
        form.add_error("file", str(error))
        return _page(desk, request, form)
    wrong = [row for row in rows if row.is_wrong]
    fresh = [row for row in rows if not (row.is_in or row.is_wrong)]
    if "sure" in request.POST and not wrong and fresh:
        return _enter(desk, request, fresh)
    counts = {"wrong": len(wrong), "fresh": len(fresh), "known": sum(row.is_in for row in rows)}
    return _page(desk, request, form, rows=rows, text=text, **counts)


def _page(desk: Any, request: HttpRequest, form: FileForm, **context: Any) -> HttpResponseBase:
    return desk_page(
        desk, request, "donation/file", title="Enter gifts from a file", form=form, **context
    )


def _text_of(form: FileForm) -> str:
    sent = form.cleaned_data["file"]
    if sent is None:
        if form.cleaned_data["text"]:
            return str(form.cleaned_data["text"])
        raise UnreadableError("Choose a file.")
    if sent.size > MAX_BYTES:
        raise UnreadableError("This file is larger than 1 MB. Send it in parts.")
    try:
        return str(sent.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableError("This file is not in UTF-8. Save it as “CSV UTF-8”.") from None


def read(text: str, *, drive: Drive | None, sure: bool = False) -> list[Row]:
    """The rows of a file, each checked as if it were typed. Raises UnreadableError.

    `sure`: gifts that look like others are others. The same row of the same file is known again
    by its cells (and, among equal rows, by its place), so a file that comes twice enters once.
    """
    # Browsers end lines in their own way, also those within a cell.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = io.StringIO(text, newline="")
    try:
        found = list(csv.reader(lines, dialect=_dialect(text)))
    except csv.Error as error:
        raise UnreadableError(f"This is not CSV: {error}.") from None
    if not found:
        raise UnreadableError("This file is empty.")
    fields = _fields(found[0])
    if len(found) > MAX_ROWS + 1:
        raise UnreadableError(f"This file has more than {MAX_ROWS:,} rows. Send it in parts.")
    seen: Counter[tuple[str, ...]] = Counter()
    rows = []
    for number, cells in enumerate(found[1:], start=2):
        if any(cell.strip() for cell in cells):
            values = {f: cell.strip() for f, cell in zip(fields, cells, strict=False) if f}
            same = tuple(sorted(f"{name}={value}" for name, value in values.items()))
            seen[same] += 1
            rows.append(_row(number, values, drive, _key(drive, same, seen[same]), sure=sure))
    return rows


def _dialect(text: str) -> type[csv.Dialect]:
    first = text.partition("\n")[0]
    semicolons = first.count(";") > first.count(",")

    class _Dialect(csv.excel):
        delimiter = ";" if semicolons else ","

    return _Dialect


def _fields(headings: list[str]) -> list[str]:
    fields = [COLUMNS.get(heading.strip().casefold(), "") for heading in headings]
    for needed, name in (("amount", "amount"), ("given_on", "date")):
        if needed not in fields:
            raise UnreadableError(f"The first line names no column “{name}”.")
    return fields


def _key(drive: Drive | None, same: tuple[str, ...], place: int) -> str:
    told = "\n".join([str(drive.pk if drive else "fund"), *same, str(place)])
    return f"file:{hashlib.sha256(told.encode()).hexdigest()}"


def _row(number: int, cells: dict[str, str], drive: Drive | None, key: str, *, sure: bool) -> Row:
    method = cells.get("method", "").casefold()
    form = GiftForm(
        {
            **cells,
            "drive": drive.pk if drive else "",
            "method": _METHODS.get(method, method or Donation.Method.CHEQUE),
            "currency": cells.get("currency", "").upper(),
            "promised": "" if cells.get("promised", "").casefold() in _NO else "on",
            "another": "on" if sure else "",
        }
    )
    is_in = LedgerEntry.objects.filter(source_key=key).exists()
    return Row(number, cells, form, key, is_in)


def _enter(desk: Any, request: HttpRequest, rows: list[Row]) -> HttpResponseBase:
    now, by = timezone.now(), person(request)
    with transaction.atomic():
        for row in rows:
            row.form.enter(now=now, by=by, source_key=row.source_key)
    text = f"{len(rows)} gift{'s' if len(rows) != 1 else ''} entered from the file."
    desk.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:donations_donation_changelist"))
