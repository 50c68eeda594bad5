"""Files of reference managers as studies: looked through first, then made all or none."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.db import transaction

from research.looking_up import build
from research.models import Study
from research.records import Record
from research.sources import bibtex, csl, ris
from research.sources.entries import Entry

MAX_BYTES = 2_000_000
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_READERS = {"BibTeX": bibtex.parse, "RIS": ris.parse, "CSL-JSON": csl.parse}


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the text is a sentence for the editor."""


class Verdict(StrEnum):
    """What importing would do with an entry."""

    NEW = "new"
    HERE = "already in the library"
    TWICE = "a second time in this file"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class Row:
    """One entry of a file, and what would become of it.

    `study` is the one that would be made, not saved yet, or the one that is here already.
    """

    entry: Entry
    verdict: Verdict
    study: Study | None = None
    problem: str = ""

    @property
    def here(self) -> bool:
        """Whether the library has it."""
        return self.verdict == Verdict.HERE


@dataclass(frozen=True)
class Plan:
    """What importing a file would do, entry by entry."""

    form: str
    rows: list[Row]

    def of(self, verdict: Verdict) -> list[Row]:
        """The rows with this verdict, in the order of the file."""
        return [row for row in self.rows if row.verdict == verdict]

    @property
    def new(self) -> list[Row]:
        """What would be made."""
        return self.of(Verdict.NEW)

    def __str__(self) -> str:
        counts = ((len(self.of(verdict)), verdict) for verdict in Verdict)
        return ", ".join(f"{count} {verdict}" for count, verdict in counts if count)


def decode(content: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 (with its mark), Windows-1252 or Latin-1.

    Raises UnreadableFileError if it is too large, empty, or no text.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableFileError("This file is larger than 2 MB. Export fewer entries at a time.")
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise UnreadableFileError("This file is empty.")
    if "\0" in text:
        raise UnreadableFileError("This is no text file. Export as BibTeX, RIS or CSL-JSON.")
    return text


def _decode(content: bytes) -> str:
    encodings = ["utf-16"] if content.startswith(_UTF_16) else ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFileError("This file is damaged: its letters cannot be read.")


def plan(text: str) -> Plan:
    """What importing this text would do; nothing is stored.

    Raises UnreadableFileError if it is none of the three forms, or holds no entry.
    """
    form = _form(text)
    try:
        entries = _READERS[form](text)
    except ValueError as error:
        raise UnreadableFileError(str(error)) from error
    if not entries:
        raise UnreadableFileError(f"This {form} file holds no entry.")
    return Plan(form, list(_rows(entries)))


def _form(text: str) -> str:
    if text[:1] in {"[", "{"}:
        return "CSL-JSON"
    if re.search(r"^TY {1,2}- ?", text, re.MULTILINE):
        return "RIS"
    if re.search(r"^\s*@\w+\s*[{(]", text, re.MULTILINE):
        return "BibTeX"
    raise UnreadableFileError("This is neither BibTeX nor RIS nor CSL-JSON.")


def carry_out(planned: Plan) -> list[Study]:
    """Make the new studies of a plan, all or none. Raises ValidationError or IntegrityError."""
    studies = [row.study for row in planned.new if row.study]
    with transaction.atomic():
        for study in studies:
            study.full_clean(exclude=["slug"])
            study.save()
    return studies


def _rows(entries: list[Entry]) -> Iterator[Row]:
    library, seen = _Shelf(list(Study.objects.all())), _Shelf([])
    for entry in entries:
        if entry.record is None:
            yield Row(entry, Verdict.UNREADABLE, problem=entry.problem)
        elif here := library.find(entry.record):
            yield Row(entry, Verdict.HERE, here)
        elif seen.find(entry.record):
            yield Row(entry, Verdict.TWICE)
        else:
            row = _new(entry, entry.record)
            if row.study:
                seen.put(row.study)
            yield row


def _new(entry: Entry, record: Record) -> Row:
    study = build(record)
    try:
        study.clean_fields(exclude=["slug"])
        study.clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        return Row(entry, Verdict.UNREADABLE, problem=f"{field.capitalize()}: {messages[0]}")
    return Row(entry, Verdict.NEW, study)


class _Shelf:
    """Studies by what they can be recognised by."""

    def __init__(self, studies: list[Study]) -> None:
        self._by: dict[tuple[str, object], Study] = {}
        for study in studies:
            self.put(study)

    def put(self, study: Study) -> None:
        for key in _keys(study):
            self._by.setdefault(key, study)

    def find(self, record: Record) -> Study | None:
        """By DOI, PMID, or title and year, unless identifiers say that they are two."""
        found = (self._by.get(key) for key in _keys(record))
        return next((one for one in found if one and not _are_two(one, record)), None)


def _keys(one: Study | Record) -> Iterator[tuple[str, object]]:
    if one.doi:
        yield "doi", one.doi
    if one.pmid:
        yield "pmid", one.pmid
    yield "title", (" ".join(re.findall(r"\w+", one.title.casefold())), one.year)


def _are_two(study: Study, record: Record) -> bool:
    """Whether both have a DOI, or both a PMID, and not the same: a preprint and its article."""
    pairs = [(study.doi, record.doi), (study.pmid, record.pmid)]
    if any(one and one == other for one, other in pairs):
        return False
    return any(one and other for one, other in pairs)
