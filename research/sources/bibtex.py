"""BibTeX and BibLaTeX files."""

import re
from functools import cache

import bibtexparser
from bibtexparser.middlewares.names import (
    NameParts,
    parse_single_name_into_parts,
    split_multiple_persons_names,
)
from bibtexparser.model import (
    Block,
    DuplicateBlockKeyBlock,
    DuplicateFieldKeyBlock,
    ParsingFailedBlock,
)
from bibtexparser.model import Entry as Parsed
from pylatexenc.latex2text import LatexNodes2Text

from research.names import Name
from research.records import Record
from research.sources.entries import Entry, Fields, entry, identified, with_address
from research.sources.text import month_number, one_line, page_range, year_month_day

_KINDS = {
    "article": "journal-article",
    "inproceedings": "conference-paper",
    "conference": "conference-paper",
    "proceedings": "book",
    "book": "book",
    "mvbook": "book",
    "collection": "book",
    "booklet": "book",
    "inbook": "book-chapter",
    "incollection": "book-chapter",
    "techreport": "report",
    "report": "report",
    "phdthesis": "thesis",
    "mastersthesis": "thesis",
    "thesis": "thesis",
    "dataset": "dataset",
    "online": "web-page",
    "electronic": "web-page",
    "www": "web-page",
}
# What holds it, where that is no journal: the series of a book, the place of a data set.
_HOLDERS = {
    "book": ("series",),
    "report": ("series",),
    "thesis": ("series",),
    "other": ("howpublished",),
    "web-page": ("howpublished",),
    "dataset": ("howpublished",),
}
# Addresses and identifiers: what looks like LaTeX in them is their own.
_AS_THEY_STAND = {"url", "doi", "pmid", "eprint"}
_MACRO_AROUND = re.compile(r"^\\(?:url|doi|href|path)\s*\{(.*?)\}", re.DOTALL)
_ESCAPED = re.compile(r"\\([_%&#~$])")
# Signs that LaTeX takes for its own and that other programs write as they are.
_BARE = re.compile(r"(?<!\\)[%&#]")
_DOLLARS = re.compile(r"(?<!\\)\$(?:([^$]*)(?<!\\)\$)?")
_MATHS = re.compile(r"[\\_^<>=+]")
_SUBSCRIPT = re.compile(r"_(?:\{(\w+)\}|(\w))")
_LATEX_SIGNS = re.compile(r"[\\{}$%&#~]|--|``|''")
# Reading LaTeX takes its time; no field that a study keeps is nearly as long.
_LONGEST_READ = 10_000
_DATE = re.compile(r"^(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


def parse(text: str) -> list[Entry]:
    """The entries of a file in their order; accents written in LaTeX become letters."""
    blocks = bibtexparser.parse_string(text).blocks
    return [read for block in blocks if (read := _entry(block)) is not None]


def _entry(block: Block) -> Entry | None:
    at = f"line {(block.start_line or 0) + 1}"
    if isinstance(block, DuplicateBlockKeyBlock | DuplicateFieldKeyBlock):
        # Keys are the file's own; of a field that is given twice, the second is not kept.
        whole = block.ignore_error_block
        return _read(at, whole) if isinstance(whole, Parsed) else None
    if isinstance(block, ParsingFailedBlock):
        return Entry(at, _first_line(block.raw), problem=_what_is_wrong(block))
    return _read(at, block) if isinstance(block, Parsed) else None


def _what_is_wrong(block: ParsingFailedBlock) -> str:
    if "Expected comma" in str(getattr(block.error, "abort_reason", "")):
        return "A comma is missing after its key."
    return "It does not end: a closing bracket or quotation mark is missing."


def _first_line(raw: str | None) -> str:
    return one_line((raw or "").strip().split("\n")[0])[:80]


def _read(at: str, parsed: Parsed) -> Entry:
    values: dict[str, list[str]] = {}
    for field in parsed.fields:
        if _misses_a_comma(str(field.value)):
            problem = f"A comma is missing after the field “{field.key}”."
            return Entry(at, parsed.key, problem=problem)
        values.setdefault(field.key.lower(), []).append(str(field.value))
    _move_address(values)
    fields = Fields({name: _decoded(name, some) for name, some in values.items()})
    record = _record(parsed.entry_type.lower(), fields)
    return entry(at, parsed.key, record, fields)


def _move_address(values: dict[str, list[str]]) -> None:
    """Older styles have no field for an address, so people wrote it where it was published."""
    holder = values.get("howpublished", [""])[0]
    if re.match(r"\s*(?:\\url\s*\{|https?://)", holder) and not values.get("url"):
        values["url"] = values.pop("howpublished")


def _misses_a_comma(value: str) -> bool:
    return re.match(r"[{\"].*[}\"]\s*\w+\s*=\s*[{\"]", value, re.DOTALL) is not None


def _decoded(name: str, values: list[str]) -> list[str]:
    if name in _AS_THEY_STAND:
        return [_as_it_stands(value) for value in values]
    # Names are taken apart first: their braces and commas mean something.
    return values if name == "author" else [unlatex(value) for value in values]


def _as_it_stands(value: str) -> str:
    inner = _MACRO_AROUND.match(value.strip())
    return one_line(_ESCAPED.sub(r"\1", (inner[1] if inner else value).strip("{}<> ")))


def _record(entry_type: str, fields: Fields) -> Record:
    kind = _KINDS.get(entry_type, "other")
    names, cut = _names(" and ".join(fields.take_all("author")))
    year, month, day = _date(fields)
    record = Record(
        title=_title(fields),
        authors=names,
        authors_cut=cut,
        journal=fields.take("journal", "journaltitle", "booktitle", *_HOLDERS.get(kind, ())),
        publisher=fields.take("publisher", "organization", "institution", "school"),
        place=fields.take("address", "location"),
        year=year,
        month=month,
        day=day,
        volume=fields.take("volume"),
        issue=fields.take("number", "issue"),
        pages=page_range(fields.take("pages")) or fields.take("eid", "articleno", "article-number"),
        kind=kind,
    )
    pubmed = fields.take("eprint") if fields.take("eprinttype", "archiveprefix") == "pubmed" else ""
    record = identified(record, fields, doi=fields.take("doi"), pmid=fields.take("pmid") or pubmed)
    return with_address(record, fields, url=fields.take("url"))


def _title(fields: Fields) -> str:
    title, subtitle = fields.take("title"), fields.take("subtitle")
    return f"{title}: {subtitle}" if title and subtitle else title


def _date(fields: Fields) -> tuple[int | None, int | None, int | None]:
    names = ("date", "year", "month", "day")
    written = [fields.take(name) for name in names]
    whole = _DATE.match(written[0])
    if whole:
        return year_month_day(*whole.groups())
    date = year_month_day(written[1], month_number(written[2]), written[3])
    for name, text, used in zip(
        ("date", "year", "month", "day"), written, (None, *date), strict=True
    ):
        if text and used is None:
            fields.put_back(name, text)
    return date


def _names(text: str) -> tuple[tuple[Name, ...], bool]:
    raw = [one for one in split_multiple_persons_names(text) if one.strip(" {}")] if text else []
    named = [one for one in raw if one.strip().lower() != "others"]
    return tuple(_name(one) for one in named), len(named) < len(raw)


def _name(raw: str) -> Name:
    try:
        parts = parse_single_name_into_parts(raw, strict=False)
    except ValueError:
        return Name(unlatex(raw), "", True)
    if _is_group(parts):
        return Name(unlatex(parts.last[0]), "", True)
    generation = unlatex(" ".join(parts.jr))
    given = ", ".join(filter(None, [unlatex(" ".join(parts.first)), generation]))
    return Name(unlatex(" ".join([*parts.von, *parts.last])), given)


def _is_group(parts: NameParts) -> bool:
    """Whether the whole name is in braces, which is how BibTeX says so."""
    if parts.first or parts.von or parts.jr or len(parts.last) != 1:
        return False
    name = parts.last[0]
    return name.startswith("{") and name.endswith("}") and not name.startswith("{\\")


def unlatex(text: str) -> str:
    """LaTeX as plain text on one line; what is broken loses its backslashes and braces alone."""
    if not _LATEX_SIGNS.search(text):
        return one_line(text)
    if len(text) > _LONGEST_READ:
        return _without_signs(text)
    prepared = _DOLLARS.sub(_maths, _BARE.sub(r"\\\g<0>", text))
    try:
        return one_line(_reader().latex_to_text(prepared, tolerant_parsing=True))
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, RecursionError):
        return _without_signs(text)


def _without_signs(text: str) -> str:
    return one_line(re.sub(r"[{}]|\\(?=\W)", "", text))


def _maths(found: re.Match[str]) -> str:
    # "H$_2$O" is a formula, "$5" is money.
    inside = found[1] or ""
    if _MATHS.search(inside):
        return f"${_SUBSCRIPT.sub(_inner, inside)}$"
    return found[0].replace("$", r"\$")


def _inner(found: re.Match[str]) -> str:
    return found[1] or found[2]


@cache
def _reader() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="text", strict_latex_spaces=True)
