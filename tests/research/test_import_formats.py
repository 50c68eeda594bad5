"""BibTeX, RIS and CSL-JSON, as programs and people really write them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from research.names import Name
from research.records import Record
from research.sources import bibtex, csl, ris
from research.sources.entries import Entry
from tests.research.registers import DATA

REFERENCES = (DATA / "fibromyalgia-refs.bib").read_text(encoding="utf-8")


def only(entries: list[Entry]) -> Record:
    (entry,) = entries
    assert entry.record is not None, entry.problem
    return entry.record


def article(fields: str) -> Record:
    return only(bibtex.parse(f"@article{{key, title = {{One}}, {fields}}}"))


# BibTeX


def test_all_entries_of_a_real_file_are_read_and_nothing_is_left():
    entries = bibtex.parse(REFERENCES)
    assert len(entries) == 42
    assert [(entry.problem, entry.not_kept) for entry in entries] == [("", ())] * 42
    assert len([entry for entry in entries if entry.record and entry.record.doi]) == 39
    assert entries[0].at == "line 3"


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"H{\"a}user", "Häuser"),
        (r"H\"auser {\'e} \'{e} \v{s} \c{c} {\o} {\ss} {\aa}", "Häuser é é š ç ø ß å"),
        (r"\i \'{\i} \~n \H{o} \L{}\'od\'z", "ıí ñ ő Łódź"),
        (r"Best Practice \& Research", "Best Practice & Research"),
        ("Pain & Rest, 50% of #7", "Pain & Rest, 50% of #7"),
        (r"50\% and \#7 and a\_b", "50% and #7 and a_b"),
        ("{GGIR}: a {R} package", "GGIR: a R package"),
        ("pages 1--9 --- or ``more''", "pages 1\u20139 — or “more”"),
        (r"H$_2$O at $p < 0.05$ and $\alpha$", "H2O at p < 0.05 and \u03b1"),
        ("costs $5 and $6", "costs $5 and $6"),
        (r"\textit{in vivo} and {\it Tridacna}", "in vivo and Tridacna"),
        ("J.~van~der Berg", "J. van der Berg"),
        ("unbalanced { brace", "unbalanced brace"),
        (r"ends in \verb", r"ends in \verb"),
        ("{" * 3000 + "deep" + "}" * 3000, "deep"),
        ("already é ñ 조혜린", "already é ñ 조혜린"),
    ],
)
def test_latex_becomes_text(latex: str, text: str):
    assert bibtex.unlatex(latex) == text


def test_names_have_particles_braces_suffixes_and_others():
    found = article(
        r"author = {van der Berg, Jan and {{R Core Team}} and Ludwig van Beethoven and "
        r"{\'E}mile Zola and {Barnes and Noble, Inc.} and King, Jr., Martin L. and "
        r"{van Hees}, V. and Plato and others}"
    )
    assert found.authors == (
        Name("van der Berg", "Jan"),
        Name("R Core Team", "", True),
        Name("van Beethoven", "Ludwig"),
        Name("Zola", "Émile"),
        Name("Barnes and Noble, Inc.", "", True),
        Name("King", "Martin L., Jr."),
        Name("van Hees", "V."),
        Name("Plato", ""),
    )
    assert found.authors_cut


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ("year = 2019, month = may, day = 3", (2019, 5, 3)),
        ('year = "2019", month = "12"', (2019, 12, None)),
        ("date = {2019-05}", (2019, 5, None)),
        ("date = {2019-05-03/2019-06-01}, year = {2018}", (2019, 5, 3)),
        ("year = {in press}", (None, None, None)),
    ],
)
def test_dates_of_bibtex_and_biblatex(fields: str, date: tuple[int | None, ...]):
    found = article(fields)
    assert (found.year, found.month, found.day) == date


def test_identifiers_are_found_where_people_put_them():
    assert article(r"url = {https://doi.org/10.1000/a\_b}").doi == "10.1000/a_b"
    assert article(r"eprint = {31275544}, eprinttype = {pubmed}").pmid == "31275544"
    assert article(r"howpublished = {\url{https://example.org/~a_b}}").url == (
        "https://example.org/~a_b"
    )


def test_what_has_no_place_is_named():
    (entry,) = bibtex.parse(
        "@article{k, title={One}, title={Two}, year={soon}, doi={nonsense}, isbn={1},"
        " note={Read this}, abstract={Long}}"
    )
    assert entry.record is not None
    assert entry.record.title == "One"
    assert entry.not_kept == (
        "title", "year", "isbn", "note", "abstract", "DOI “nonsense”, which is none",
    )  # fmt: skip


def test_a_bad_entry_spoils_no_other():
    entries = bibtex.parse(
        "@article{a, title={Never ends, year=2000\n"
        "@article{b, title={Good}}\n"
        "@article{c title={No comma}}\n"
        "@article{d, title={One} year={2000}}\n"
        "@article{e, year={2000}}\n"
        "@article{b, title={Same key}}\n"
        "@string{j = {Pain}}\n"
        "@article(f, title={Round}, journal=j)\n"
    )
    assert [(one.at, one.problem or (one.record and one.record.title)) for one in entries] == [
        ("line 1", "It does not end: a closing bracket or quotation mark is missing."),
        ("line 2", "Good"),
        ("line 3", "A comma is missing after its key."),
        ("line 4", "A comma is missing after the field “title”."),
        ("line 5", "It has no title."),
        ("line 6", "Same key"),
        ("line 8", "Round"),
    ]
    assert entries[-1].record is not None
    assert entries[-1].record.journal == "Pain"


# RIS

RIS = """TY  - JOUR
ID  - gentile2019
AU  - Gentile, Eleonora
A1  - King, Martin L., Jr.
AU  - RECOVER Consortium
AU  - et al.
TI  - Slow tapping
  in forty people
T2  - Pain Research and Management
PB  - Hindawi
PY  - 2019
DA  - 2019/05/03/
VL  - 2019
SP  - 1
EP  - 9
DO  - https://doi.org/10.1155/2019/2623161
UR  - https://doi.org/10.1155/2019/2623161
UR  - https://example.org/a;b=1
AN  - 31275544
DB  - PubMed
ER  -
"""


def test_an_entry_of_ris_has_all_its_fields():
    assert only(ris.parse(RIS)) == Record(
        doi="10.1155/2019/2623161",
        pmid="31275544",
        title="Slow tapping in forty people",
        authors=(
            Name("Gentile", "Eleonora"),
            Name("RECOVER Consortium", "", True),
            Name("King", "Martin L., Jr."),
        ),
        authors_cut=True,
        journal="Pain Research and Management",
        publisher="Hindawi",
        year=2019,
        month=5,
        day=3,
        volume="2019",
        pages="1-9",
        kind="journal-article",
        url="https://example.org/a;b=1",
    )


@pytest.mark.parametrize(
    "change", [("\n", "\r\n"), ("  - ", " - "), ("TY", "\ufeffTY"), ("TI", "T1")]
)
def test_ris_is_read_as_programs_write_it(change: tuple[str, str]):
    assert only(ris.parse(RIS.replace(*change))).title == "Slow tapping in forty people"


def test_ris_without_its_ends_loses_nothing():
    entries = ris.parse("TY  - BOOK\nTI  - One\nTY  - JOUR\nTI  - Two\nKW  - rest\nKW  - pain\n")
    assert [one.record and one.record.title for one in entries] == ["One", "Two"]
    assert [one.at for one in entries] == ["line 1", "line 3"]
    assert entries[1].not_kept == ("KW",)


@pytest.mark.parametrize(
    "written", ["2019", "2019///", "2019/05", "2019-05-03", "2019/05/03/Spring"]
)
def test_ris_dates(written: str):
    assert only(ris.parse(f"TY  - JOUR\nTI  - One\nPY  - {written}\n")).year == 2019


# CSL-JSON


def test_an_item_of_csl_json_has_all_its_fields():
    (entry,) = csl.parse(
        """[{"id": "a", "type": "article-journal", "title": "A <i>b</i> &amp; c", "PMID": 31275544,
        "author": [{"family": "Berg", "non-dropping-particle": "van der", "given": "J."},
                   {"literal": "WHO, Geneva"}, {"family": "King", "suffix": "Jr."},
                   {"literal": "et al."}],
        "issued": {"date-parts": [["2019", "5"]]}, "container-title": "Pain", "page": "1-9",
        "DOI": "10.1000/X", "URL": "https://doi.org/10.1000/x", "abstract": "Long"}]"""
    )
    assert entry.not_kept == ("abstract",)
    assert entry.record == Record(
        doi="10.1000/x",
        pmid="31275544",
        title="A b & c",
        authors=(Name("van der Berg", "J."), Name("WHO, Geneva", "", True), Name("King", "Jr.")),
        authors_cut=True,
        journal="Pain",
        year=2019,
        month=5,
        pages="1-9",
        kind="journal-article",
    )


@pytest.mark.parametrize(
    ("issued", "year"),
    [
        ({"raw": "2019-05"}, 2019),
        ({"literal": "soon"}, None),
        (2019, None),
        ({"date-parts": [[]]}, None),
    ],
)
def test_csl_dates(issued: Any, year: int | None):
    text = json.dumps({"title": "One", "issued": issued})
    assert only(csl.parse(text)).year == year


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[{]", "no JSON: .* in line 1"),
        ('{"items": 5}', "no list of publications"),
        ("[" * 100_000, "nested too deeply|no JSON"),
    ],
)
def test_json_that_is_no_list_of_publications_is_refused(text: str, why: str):
    with pytest.raises(ValueError, match=why):
        csl.parse(text)


def test_a_bare_value_among_the_items_is_named():
    entries = csl.parse('[5, {"title": "One"}, {"title": null}]')
    assert [entry.problem for entry in entries] == [
        "It is no publication, but a bare value.",
        "",
        "It has no title.",
    ]


@pytest.mark.parametrize(
    ("read", "text"),
    [(bibtex.parse, REFERENCES[:3000]), (ris.parse, RIS), (csl.parse, '[{"title": "One"}]')],
)
def test_no_cut_of_a_file_breaks_the_reader(read: Callable[[str], list[Entry]], text: str):
    for end in range(0, len(text), 7):
        try:
            read(text[:end])
        except ValueError as refused:
            assert "JSON" in str(refused)  # noqa: PT017 -- the other two read what is there
