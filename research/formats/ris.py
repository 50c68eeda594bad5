"""RIS: one tag a line."""

from collections.abc import Iterable, Iterator

from research.models import Publication, Study
from research.names import AND_MORE

_TYPES = {
    Publication.ARTICLE: "JOUR",
    Publication.PREPRINT: "UNPB",
    Publication.CONFERENCE_PAPER: "CPAPER",
    Publication.BOOK: "BOOK",
    Publication.CHAPTER: "CHAP",
    Publication.REPORT: "RPRT",
    Publication.THESIS: "THES",
    Publication.DATASET: "DATA",
    Publication.WEB_PAGE: "ELEC",
    Publication.OTHER: "GEN",
}


def as_ris(studies: Iterable[Study]) -> str:
    """The RIS form: CRLF after each line, an empty line between records."""
    return "\r\n".join("".join(_lines(study)) for study in studies)


def _lines(study: Study) -> Iterator[str]:
    fields = [
        ("TY", _TYPES[Publication(study.kind)]),
        *(("AU", name.inverted) for name in study.names),
        ("AU", AND_MORE if study.has_more_authors else ""),
        ("TI", study.title),
        ("T2", study.journal),
        ("PB", study.publisher),
        ("CY", study.place),
        ("PY", str(study.year or "")),
        ("DA", _date(study)),
        ("VL", study.volume),
        ("IS", study.issue),
        ("SP", study.first_page),
        ("EP", study.last_page),
        ("DO", study.doi),
        # An accession number says little without its database.
        ("AN", study.pmid),
        ("DB", "PubMed" if study.pmid else ""),
        ("UR", study.best_link),
        ("N1", study.get_status_display() if study.is_noticed else ""),
    ]
    yield from (f"{tag}  - {value}\r\n" for tag, value in fields if value)
    yield "ER  - \r\n"


def _date(study: Study) -> str:
    """YYYY/MM/DD/ with the end as far as it is known; "" if that is the year alone."""
    if not study.month:
        return ""
    return f"{study.year}/{study.month:02}/{f'{study.day:02}' if study.day else ''}/"
