"""What Crossref knows of notices about many publications at once.

It says so in two places: a publication lists its notices (`updated-by`), a notice the publications
that it is about (`update-to`). Publishers hand in both; Retraction Watch adds its own, with the
`source` "retraction-watch" (https://crossref.gitlab.io/tutorials/get-rw-metadata/).

Several filters of one name mean "or": https://github.com/CrossRef/rest-api-doc/issues/234. The
filters `doi` and `updates`, the fields that `select` takes and `rows`, at most 1,000:
https://www.crossref.org/documentation/retrieve-metadata/rest-api/rest-api-filters/ and
https://api.crossref.org/swagger-ui/index.html. An address takes some kilobytes, so a batch is
small. One request at a time with an address to write to keeps within the limits of the polite
pool: https://www.crossref.org/documentation/retrieve-metadata/rest-api/access-and-authentication/
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from research.records import Signal
from research.sources import crossref
from research.sources.fetching import (
    LookUpFailedError,
    NotKnownError,
    crossref_work,
    crossref_works,
)

logger = logging.getLogger(__name__)

SELECTED = "DOI,update-to,updated-by"
MAX_ROWS = 1000
# Servers cut addresses off at 8 kB; a DOI can have 255 signs, each of which may need three.
MAX_FILTER = 4000


def batches(dois: Iterable[str]) -> list[list[str]]:
    """The DOIs in portions that one question can hold."""
    portions: list[list[str]] = []
    length = MAX_FILTER
    for doi in dois:
        length += len(quote(f"updates:{doi},", safe=""))
        if length > MAX_FILTER:
            portions.append([])
            length = len(quote(f"updates:{doi},", safe=""))
        portions[-1].append(doi)
    return portions


def signals_about(dois: Sequence[str]) -> dict[str, list[Signal] | None]:
    """The signals about each publication, by DOI; None for one that Crossref does not hold.

    `dois` are in their one form. A DOI is missing if nothing usable was answered about it; after
    the first such silence the rest is not asked for.
    """
    # A comma parts two filters, so such a DOI cannot be in one.
    questions = batches(doi for doi in dois if "," not in doi)
    questions += [[doi] for doi in dois if "," in doi]
    found: dict[str, list[Signal] | None] = {}
    try:
        for question in questions:
            found |= _answer(question)
    except LookUpFailedError as error:
        logger.warning("%s studies wait to be checked: %s", len(dois) - len(found), error)
    return found


def _answer(dois: list[str]) -> dict[str, list[Signal] | None]:
    if "," in dois[0]:
        return _one_by_one(dois)
    try:
        works = _ask("doi", dois, rows=len(dois))
        notices = _ask("updates", dois, rows=MAX_ROWS)
    except NotKnownError:
        # Crossref refused the question, for one of them: the others shall not suffer.
        return _one_by_one(dois)
    found = _listed_by(works)
    for doi, signal in _announced_by(notices):
        if doi in found:
            found[doi].append(signal)
    return {doi: found.get(doi) for doi in dois}


def _one_by_one(dois: list[str]) -> dict[str, list[Signal] | None]:
    found: dict[str, list[Signal] | None] = dict.fromkeys(dois)
    for doi in dois:
        try:
            found |= _listed_by([crossref_work(doi)])
        except NotKnownError:
            continue
    return found


def _ask(name: str, dois: list[str], *, rows: int) -> list[dict[str, Any]]:
    filters = ",".join(f"{name}:{doi}" for doi in dois)
    return crossref_works({"filter": filters, "rows": str(rows), "select": SELECTED})


def _listed_by(works: list[dict[str, Any]]) -> dict[str, list[Signal]]:
    """What each work says of itself."""
    found = {}
    for work in works:
        try:
            record = crossref.parse(work)
        except ValueError:
            continue
        found[record.doi] = [*record.notices, *_own(work, record.doi)]
    return found


def _own(work: dict[str, Any], doi: str) -> list[Signal]:
    """What a work announces of itself: some publishers retract in place."""
    return [signal for target, signal in crossref.announced(work) if target == doi]


def _announced_by(notices: list[dict[str, Any]]) -> list[tuple[str, Signal]]:
    found: list[tuple[str, Signal]] = []
    for notice in notices:
        try:
            found += crossref.announced(notice)
        except ValueError:
            continue
    return found
