"""Works as Crossref's REST API describes them (https://api.crossref.org/works/…).

What the fields mean: https://github.com/CrossRef/rest-api-doc, api_format.md.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from research.identifiers import normalise_doi
from research.names import Name
from research.records import Record, Signal
from research.sources.text import page_range, plain, year_month_day

_KINDS = {
    "journal-article": "journal-article",
    "posted-content": "preprint",
    "proceedings-article": "conference-paper",
    "book": "book",
    "monograph": "book",
    "edited-book": "book",
    "reference-book": "book",
    "book-chapter": "book-chapter",
    "book-section": "book-chapter",
    "book-part": "book-chapter",
    "reference-entry": "book-chapter",
    "report": "report",
    "dissertation": "thesis",
    "dataset": "dataset",
}
# Types of updates as Crossmark knows them. A part that was retracted is a cause for concern,
# not a retraction of the whole; a new version or edition is neither.
_NOTICES = {
    "correction": "correction",
    "corrigendum": "correction",
    "erratum": "correction",
    "clarification": "correction",
    "addendum": "correction",
    "expression_of_concern": "concern",
    "partial_retraction": "concern",
    "retraction": "retraction",
    "removal": "retraction",
    "withdrawal": "retraction",
}
_DATES = ("issued", "published", "published-print", "published-online", "posted")
_ENDS_A_TITLE = (".", "?", "!", ":", ";", "\u2013", "\u2014")


def parse(work: Any) -> Record:
    """The record of one work: the value of "message" in Crossref's answer.

    A title that Crossref does not know is "". Raises ValueError if this is no work.
    """
    if not isinstance(work, dict) or not isinstance(work.get("DOI"), str):
        raise ValueError("this is no work as Crossref describes one: it has no DOI")
    doi = normalise_doi(work["DOI"])
    kind = _KINDS.get(str(work.get("type")), "other")
    year, month, day = _date(work)
    return Record(
        doi=doi,
        title=_title(work),
        authors=tuple(_names(work.get("author"))),
        journal=_container(work, kind),
        publisher=plain(work.get("publisher")),
        place=plain(work.get("publisher-location")),
        year=year,
        month=month,
        day=day,
        volume=plain(work.get("volume")),
        issue=plain(work.get("issue")),
        pages=page_range(plain(work.get("page"))) or plain(work.get("article-number")),
        kind=kind,
        reviewed="preprint" if kind == "preprint" else "",
        notices=tuple(_signals(work)),
    )


def announced(work: Any) -> list[tuple[str, Signal]]:
    """What a notice says, with the DOI of the publication that each signal is about.

    Only notices have this (`update-to`). The same publication comes twice if both the publisher
    and Retraction Watch say so; it is the work itself where a publisher retracts in place.
    Raises ValueError if this is no work.
    """
    if not isinstance(work, dict):
        raise ValueError("this is no work as Crossref describes one")
    own = normalise_doi(str(work.get("DOI")))
    found = [(_doi(update), _signal(update, doi=own)) for update in _list(work, "update-to")]
    return [(target, signal) for target, signal in found if target and signal]


def _signals(work: dict[str, Any]) -> Iterator[Signal]:
    for update in _list(work, "updated-by"):
        if signal := _signal(update, doi=_doi(update)):
            yield signal


def _signal(update: dict[str, Any], *, doi: str) -> Signal | None:
    kind = _NOTICES.get(str(update.get("type")).lower().replace("-", "_").replace(" ", "_"))
    if kind is None:
        return None
    source = "retraction-watch" if update.get("source") == "retraction-watch" else "publisher"
    parts = year_month_day(*_date_parts(update.get("updated")))
    known = [part for part in parts if part]
    return Signal(kind, doi, source, date(*known) if len(known) == 3 else None)


def _doi(update: dict[str, Any]) -> str:
    try:
        return normalise_doi(str(update.get("DOI", "")))
    except ValueError:
        return ""


def _title(work: dict[str, Any]) -> str:
    title, subtitle = _first(work, "title"), _first(work, "subtitle")
    # Some publishers hand in the running head, which repeats the title, as its subtitle.
    if not title or not subtitle or subtitle.casefold() in title.casefold():
        return title
    return f"{title}{' ' if title.endswith(_ENDS_A_TITLE) else ': '}{subtitle}"


def _container(work: dict[str, Any], kind: str) -> str:
    titles = [plain(title) for title in _list(work, "container-title", of=str)]
    if titles:
        # A chapter names the series first, then its book.
        return titles[-1 if kind == "book-chapter" else 0]
    # A preprint's server: medRxiv and the like.
    servers = [plain(one.get("name")) for one in _list(work, "institution")]
    return servers[0] if kind == "preprint" and servers else ""


def _names(authors: Any) -> Iterator[Name]:
    for author in authors if isinstance(authors, list) else []:
        if not isinstance(author, dict):
            continue
        family, given = plain(author.get("family")), plain(author.get("given"))
        if group := plain(author.get("name")):
            yield Name(group, "", True)
        elif family or given:
            generation = plain(author.get("suffix"))
            yield Name(family or given, _with(given if family else "", generation))


def _with(given: str, generation: str) -> str:
    return ", ".join(part for part in (given, generation) if part)


def _date(work: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    for name in _DATES:
        found = year_month_day(*_date_parts(work.get(name)))
        if found[0]:
            return found
    return None, None, None


def _date_parts(value: Any) -> list[Any]:
    parts = value.get("date-parts") if isinstance(value, dict) else None
    first = parts[0] if isinstance(parts, list) and parts else None
    return first[:3] if isinstance(first, list) and first else [None]


def _first(work: dict[str, Any], name: str) -> str:
    return next((text for text in map(plain, _list(work, name, of=str)) if text), "")


def _list(work: dict[str, Any], name: str, of: type = dict) -> list[Any]:
    values = work.get(name)
    return [one for one in values if isinstance(one, of)] if isinstance(values, list) else []
