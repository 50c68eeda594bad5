"""CSL-JSON, as citeproc and Zotero read it."""

import json
from collections.abc import Iterable
from typing import Any

from research.models import Publication, Study
from research.names import AND_MORE, Name

_TYPES = {
    Publication.ARTICLE: "article-journal",
    Publication.PREPRINT: "article",
    Publication.CONFERENCE_PAPER: "paper-conference",
    Publication.BOOK: "book",
    Publication.CHAPTER: "chapter",
    Publication.REPORT: "report",
    Publication.THESIS: "thesis",
    Publication.DATASET: "dataset",
    Publication.WEB_PAGE: "webpage",
    Publication.OTHER: "document",
}


def as_csl_json(studies: Iterable[Study]) -> str:
    """The CSL-JSON form: a list."""
    return json.dumps([_item(study) for study in studies], ensure_ascii=False, indent=2) + "\n"


def _item(study: Study) -> dict[str, Any]:
    more = [{"literal": AND_MORE}] if study.has_more_authors else []
    item = {
        "id": study.slug,
        "type": _TYPES[Publication(study.kind)],
        "title": study.title,
        "author": [*(_author(name) for name in study.names), *more],
        "container-title": study.journal,
        "publisher": study.publisher,
        "publisher-place": study.place,
        "issued": _issued(study),
        "volume": study.volume,
        "issue": study.issue,
        "page": study.pages,
        "DOI": study.doi,
        "PMID": study.pmid,
        "URL": study.best_link,
        "note": study.get_status_display() if study.is_noticed else "",
    }
    return {key: value for key, value in item.items() if value}


def _author(name: Name) -> dict[str, str]:
    if name.group:
        return {"literal": name.family}
    parts = {"family": name.family, "given": name.forename, "suffix": name.generation}
    return {key: value for key, value in parts.items() if value}


def _issued(study: Study) -> dict[str, list[list[int]]]:
    parts = [part for part in (study.year, study.month, study.day) if part]
    return {"date-parts": [parts]} if parts else {}
