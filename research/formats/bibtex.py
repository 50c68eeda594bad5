"""BibTeX, in UTF-8."""

import re
from collections.abc import Iterable

from research.models import Publication, Study
from research.names import Name

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
# The entry, and the names of its fields for what holds it and for who publishes it.
_ENTRIES = {
    Publication.ARTICLE: ("article", "journal", "publisher"),
    Publication.PREPRINT: ("misc", "howpublished", "publisher"),
    Publication.CONFERENCE_PAPER: ("inproceedings", "booktitle", "publisher"),
    Publication.BOOK: ("book", "series", "publisher"),
    Publication.CHAPTER: ("incollection", "booktitle", "publisher"),
    Publication.REPORT: ("techreport", "series", "institution"),
    Publication.THESIS: ("phdthesis", "series", "school"),
    Publication.DATASET: ("misc", "howpublished", "publisher"),
    Publication.WEB_PAGE: ("misc", "howpublished", "publisher"),
    Publication.OTHER: ("misc", "howpublished", "publisher"),
}
# Names that every style defines, in the words of its language.
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def as_bibtex(studies: Iterable[Study]) -> str:
    """The BibTeX form; signs that LaTeX takes for its own are escaped."""
    return "\n".join(_entry(study) for study in studies)


def _entry(study: Study) -> str:
    entry, holder, publisher = _ENTRIES[Publication(study.kind)]
    names = [_author(name) for name in study.names]
    fields = {
        "author": " and ".join([*names, *(["others"] if study.has_more_authors else [])]),
        "title": f"{{{_latex(study.title)}}}",
        holder: _latex(study.journal),
        publisher: _latex(study.publisher),
        "address": _latex(study.place),
        "year": str(study.year or ""),
        "month": _MONTHS[study.month - 1] if study.month else "",
        "day": str(study.day or ""),
        "volume": _latex(study.volume),
        "number": _latex(study.issue),
        "pages": re.sub(r"\s*[-\u2010-\u2015]+\s*", "--", _latex(study.pages)),
        "doi": study.doi,
        "pmid": study.pmid,
        "url": study.url,
        "note": study.get_status_display() if study.is_noticed else "",
    }
    rows = [_row(name, value) for name, value in fields.items() if value]
    return f"@{entry}{{{study.slug},\n" + ",\n".join(rows) + "\n}\n"


def _row(name: str, value: str) -> str:
    return f"  {name} = {value}" if name == "month" else f"  {name} = {{{value}}}"


def _author(name: Name) -> str:
    parts = [f"{{{_latex(name.family)}}}", _latex(name.generation), _latex(name.forename)]
    return ", ".join(filter(None, parts))


def _latex(text: str) -> str:
    return re.sub(r"[\\{}&%$#_~^]", lambda sign: _LATEX[sign[0]], text)
