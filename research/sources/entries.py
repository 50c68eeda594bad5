"""Entries of a file from a reference manager, read one by one: a bad one spoils no other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from research.identifiers import normalise_doi, normalise_pmid
from research.records import Record
from research.sources.text import one_line

NO_TITLE = "It has no title."


@dataclass(frozen=True)
class Entry:
    """One entry: where it stands ("line 12"), what it is called there, and what was read.

    `record` is None if it could not be read; `problem` then says why. `not_kept` names the
    fields that a study has no place for.
    """

    at: str
    label: str
    record: Record | None = None
    problem: str = ""
    not_kept: tuple[str, ...] = ()


class Fields:
    """The values of one entry. What nobody took is left, and named as not kept."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = {name: [one for one in some if one] for name, some in values.items()}

    def take(self, *names: str) -> str:
        """The first value under these names, in their order; repetitions of it go too."""
        found = next((self._values[name][0] for name in names if self._values.get(name)), "")
        for name in names:
            self._values[name] = [one for one in self._values.get(name, ()) if one != found]
        return found

    def take_all(self, *names: str) -> list[str]:
        """All values under these names."""
        return [value for name in names for value in self._values.pop(name, ())]

    def drop(self, *names: str) -> None:
        """Take what a study has in another way, or what says nothing about it."""
        self.take_all(*names)

    def put_back(self, name: str, value: str) -> None:
        """Leave a value that could not be used."""
        self._values.setdefault(name, []).append(value)

    def drop_repetitions(self, record: Record) -> None:
        """Take what only repeats the DOI or PMID, such as a note."""
        for name, values in self._values.items():
            self._values[name] = [one for one in values if not _repeats(one, record)]

    def left(self) -> Iterator[str]:
        """The names of the fields that still hold something, in order."""
        yield from (name for name, values in self._values.items() if values)


def identified(record: Record, fields: Fields, *, doi: str, pmid: str) -> Record:
    """The record with the identifiers that the texts hold; one that is none is left in `fields`."""
    return replace(
        record,
        doi=_one_form("DOI", doi, normalise_doi, fields),
        pmid=_one_form("PMID", pmid, normalise_pmid, fields),
    )


def _one_form(name: str, text: str, normalise: Callable[[str], str], fields: Fields) -> str:
    try:
        return normalise(text) if text else ""
    except ValueError:
        fields.put_back(f"{name} “{text[:60]}”, which is none", text)
        return ""


def with_address(record: Record, fields: Fields, *, url: str) -> Record:
    """The record with its address, unless that only resolves the DOI, which then is the DOI."""
    if not url.lower().startswith(("http://", "https://")) or len(url) > 500:
        if url:
            fields.put_back(f"address “{url[:60]}”, which is none", url)
        return record
    if _repeats(url, record):
        return record
    if "doi.org/" in url.lower() and not record.doi:
        with suppress(ValueError):
            return replace(record, doi=normalise_doi(url))
    return replace(record, url=url)


def entry(at: str, label: str, record: Record, fields: Fields) -> Entry:
    """The entry as read: with what was not kept, or with what is missing."""
    fields.drop_repetitions(record)
    if not record.title:
        return Entry(at, label, problem=NO_TITLE)
    return Entry(at, label, record, not_kept=tuple(fields.left()))


def _repeats(text: str, record: Record) -> bool:
    for normalise, known in ((normalise_doi, record.doi), (normalise_pmid, record.pmid)):
        try:
            if known and normalise(text) == known:
                return True
        except ValueError:
            continue
    return False


def as_text(value: Any) -> str:
    """A value of a parsed file as one line of text; "" for what is no text or number."""
    return one_line(str(value)) if isinstance(value, str | int | float) else ""
