"""CSL-JSON files, as Zotero, Mendeley and Crossref write them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from research.names import Name
from research.records import Record
from research.sources.entries import Entry, Fields, as_text, entry, identified, with_address
from research.sources.text import page_range, plain, year_month_day

_KINDS = {
    "article-journal": "journal-article",
    "article-magazine": "journal-article",
    "article": "preprint",
    "paper-conference": "conference-paper",
    "book": "book",
    "chapter": "book-chapter",
    "entry-encyclopedia": "book-chapter",
    "report": "report",
    "thesis": "thesis",
    "dataset": "dataset",
    "webpage": "web-page",
    "post-weblog": "web-page",
}
# What a program notes about the entry, not about the publication.
_BOOKKEEPING = ("id", "type", "citation-key", "accessed", "source", "categories")
# CSL has no word for a list that was cut: this is how we and others write it.
MORE = Name("et al.", "", True)
_PARTICLES = ("dropping-particle", "non-dropping-particle", "family")


def parse(text: str) -> list[Entry]:
    """The entries of a file in their order. Raises ValueError, with the line, if it is no JSON."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no JSON: {error.msg} in line {error.lineno}.") from error
    except RecursionError as error:
        raise ValueError("This JSON is nested too deeply to be a list of publications.") from error
    items = found.get("items", [found]) if isinstance(found, dict) else found
    if not isinstance(items, list):
        raise ValueError("This JSON is no list of publications.")
    return [_entry(f"entry {number}", item) for number, item in enumerate(items, start=1)]


def _entry(at: str, item: Any) -> Entry:
    if not isinstance(item, dict):
        return Entry(at, "", problem="It is no publication, but a bare value.")
    label = as_text(item.get("id"))
    values = {
        name: [plain(value)] if isinstance(value, str | int) else ["…"]
        for name, value in item.items()
        if value not in (None, "", [], {})
    }
    fields = Fields(values)
    fields.drop(*_BOOKKEEPING)
    return entry(at, label, _record(item, fields), fields)


def _record(item: dict[str, Any], fields: Fields) -> Record:
    kind = _KINDS.get(str(item.get("type")), "other")
    year, month, day = _date(item.get("issued"))
    if year:
        fields.drop("issued")
    fields.drop("author")
    names = list(_names(item.get("author")))
    named = [name for name in names if name != MORE]
    record = Record(
        title=fields.take("title"),
        authors=tuple(named),
        authors_cut=len(named) < len(names),
        journal=fields.take("container-title"),
        publisher=fields.take("publisher"),
        place=fields.take("publisher-place"),
        year=year,
        month=month,
        day=day,
        volume=fields.take("volume"),
        issue=fields.take("issue", "number"),
        pages=page_range(fields.take("page")),
        kind=kind,
        reviewed="preprint" if kind == "preprint" else "",
    )
    record = identified(record, fields, doi=fields.take("DOI"), pmid=fields.take("PMID"))
    return with_address(record, fields, url=fields.take("URL"))


def _names(authors: Any) -> Iterator[Name]:
    for author in authors if isinstance(authors, list) else []:
        if not isinstance(author, dict):
            continue
        family = " ".join(filter(None, (plain(author.get(part)) for part in _PARTICLES)))
        given, suffix = plain(author.get("given")), plain(author.get("suffix"))
        if literal := plain(author.get("literal")):
            yield Name(literal, "", True)
        elif family or given:
            rest = ", ".join(filter(None, (given if family else "", suffix)))
            yield Name(family or given, rest)


def _date(issued: Any) -> tuple[int | None, int | None, int | None]:
    if not isinstance(issued, dict):
        return None, None, None
    parts = issued.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
        return year_month_day(*parts[0][:3])
    written = plain(issued.get("raw")) or plain(issued.get("literal"))
    found = re.match(r"(\d{4})(?:-(\d\d?))?(?:-(\d\d?))?", written)
    return year_month_day(*found.groups()) if found else (None, None, None)
