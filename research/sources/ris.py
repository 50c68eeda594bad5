"""RIS files, as PubMed, journals, Zotero and EndNote write them."""

import re
from collections.abc import Iterator

import rispy
from rispy.config import TAG_KEY_MAPPING

from research.identifiers import normalise_doi
from research.names import Name
from research.records import Record
from research.sources.entries import Entry, Fields, entry, identified, with_address
from research.sources.text import one_line, page_range, plain, year_month_day

_KINDS = {
    "JOUR": "journal-article",
    "EJOUR": "journal-article",
    "MGZN": "journal-article",
    "JFULL": "journal-article",
    "ABST": "journal-article",
    "CONF": "conference-paper",
    "CPAPER": "conference-paper",
    "UNPB": "preprint",
    "BOOK": "book",
    "EBOOK": "book",
    "EDBOOK": "book",
    "CHAP": "book-chapter",
    "ECHAP": "book-chapter",
    "ENCYC": "book-chapter",
    "RPRT": "report",
    "GOVDOC": "report",
    "THES": "thesis",
    "DATA": "dataset",
    "DBASE": "dataset",
    "ELEC": "web-page",
    "BLOG": "web-page",
}
_TAGS = {tag: tag for tag in [*TAG_KEY_MAPPING, "BT", "PP", "L3", "ID"]}
_TAG_LINE = re.compile(r"^\ufeff?([A-Z][A-Z0-9]) {1,2}- ?")
_DOI_ELSEWHERE = ("M3", "L3", "N1")


def parse(text: str) -> list[Entry]:
    """The entries of a file in their order; one without its end is read all the same."""
    return [_entry(start, lines) for start, lines in _blocks(text)]


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of each entry with the number of the first, tags in the one form rispy reads."""
    # rispy drops an entry that does not end, and merges it with the next one: so cut here.
    start = 0
    block: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        tag = _TAG_LINE.match(line)
        if tag and tag[1] in {"TY", "ER"} and block:
            yield start, block
            block = []
        if tag and tag[1] == "TY":
            start, block = number, [_tidy(line)]
        elif block:
            block.append(_tidy(line))
    if block:
        yield start, block


def _tidy(line: str) -> str:
    return _TAG_LINE.sub(r"\1  - ", line)


def _entry(start: int, lines: list[str]) -> Entry:
    read = rispy.loads(
        "\n".join([*lines, "ER  - "]),
        mapping=_TAGS,
        delimiter_tags_mapping={},
        enforce_list_tags=False,
    )[0]
    unknown = read.pop("UK", {})
    values = {**read, **unknown}
    fields = Fields({tag: _texts(value) for tag, value in values.items()})
    label = fields.take("ID", "LB")
    record = _record(_KINDS.get(fields.take("TY").upper(), "other"), fields)
    return entry(f"line {start}", label, record, fields)


def _texts(value: str | list[str]) -> list[str]:
    return [plain(one) for one in ([value] if isinstance(value, str) else value)]


def _record(kind: str, fields: Fields) -> Record:
    names = fields.take_all("AU", "A1")
    title = fields.take("TI", "T1", "CT") or (fields.take("BT") if kind == "book" else "")
    year, month, day = _date(fields)
    record = Record(
        title=title,
        authors=tuple(_name(name) for name in names if not _says_more(name)),
        authors_cut=any(_says_more(name) for name in names),
        journal=fields.take("T2", "JF", "JO", "BT", "JA", "J2"),
        publisher=fields.take("PB"),
        place=fields.take("CY", "PP"),
        year=year,
        month=month,
        day=day,
        volume=fields.take("VL"),
        issue=fields.take("IS"),
        pages=page_range(fields.take("SP"), fields.take("EP")) or fields.take("C7"),
        kind=kind,
        reviewed="preprint" if kind == "preprint" else "",
    )
    from_pubmed = fields.take("DB").lower() in {"pubmed", "medline"}
    pmid = fields.take("AN") if from_pubmed else ""
    record = identified(record, fields, doi=fields.take("DO") or _doi(fields), pmid=pmid)
    return _with_addresses(record, fields)


def _doi(fields: Fields) -> str:
    for tag in _DOI_ELSEWHERE:
        value = fields.take(tag)
        try:
            if value:
                return normalise_doi(value)
        except ValueError:
            fields.put_back(tag, value)
    return ""


def _with_addresses(record: Record, fields: Fields) -> Record:
    for url in fields.take_all("UR"):
        before = record.url
        record = with_address(record, fields, url=url)
        if before and record.url != before:
            fields.put_back("UR", before)
    return record


def _date(fields: Fields) -> tuple[int | None, int | None, int | None]:
    """The most exact of the dates that name the year of publication."""
    found = []
    for tag in ("PY", "Y1", "DA"):
        value = fields.take(tag)
        parts = re.split(r"[/.-]", value)
        date = year_month_day(*[part.strip() or None for part in parts[:3]])
        if date[0]:
            found.append(date)
        elif value:
            fields.put_back(tag, value)
    same_year = [date for date in found if date[0] == found[0][0]]
    return max(same_year, key=lambda date: 3 - date.count(None), default=(None, None, None))


def _name(text: str) -> Name:
    family, comma, given = (part.strip() for part in text.partition(","))
    return Name(family, given) if comma and family else Name(text.strip(", "), "", True)


def _says_more(text: str) -> bool:
    return one_line(text).casefold().rstrip(".") in {"et al", "others", "and others"}
