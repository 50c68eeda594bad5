"""Studies go to reference managers as RIS, BibTeX and CSL-JSON, without loss."""

import json
from typing import Any

import pytest
from django.test import Client

from research.exporting import FORMATS
from research.formats.bibtex import as_bibtex
from research.formats.csl import as_csl_json
from research.formats.ris import as_ris
from research.models import Publication, Study
from tests.factories import StudyFactory

pytestmark = pytest.mark.django_db

AUTHORS = """Häuser, Winfried
van der Berg, J-P
King, Martin, Jr
World Health Organization
{Institute of Medicine, National Academies}
et al."""


@pytest.fixture
def study() -> Study:
    return StudyFactory.create(
        doi="10.5555/a_b",
        pmid="31275544",
        title="Costs & 50% of {pain}",
        authors=AUTHORS,
        journal="Pain Res Treat",
        publisher="Hindawi",
        year=2019,
        month=1,
        day=6,
        volume="3",
        issue="2",
        pages="319-329",
        url="https://repository.example/1",
        status="retracted",
    )


def test_ris_has_one_tag_a_line(study: Study) -> None:
    assert as_ris([study]).split("\r\n") == [
        "TY  - JOUR",
        "AU  - Häuser, Winfried",
        "AU  - van der Berg, J-P",
        "AU  - King, Martin, Jr",
        "AU  - World Health Organization",
        "AU  - Institute of Medicine \u2013 National Academies",
        "AU  - et al.",
        "TI  - Costs & 50% of {pain}",
        "T2  - Pain Res Treat",
        "PB  - Hindawi",
        "PY  - 2019",
        "DA  - 2019/01/06/",
        "VL  - 3",
        "IS  - 2",
        "SP  - 319",
        "EP  - 329",
        "DO  - 10.5555/a_b",
        "AN  - 31275544",
        "DB  - PubMed",
        "UR  - https://doi.org/10.5555/a_b",
        "N1  - Retracted",
        "ER  - ",
        "",
    ]


def test_bibtex_escapes_what_latex_takes_for_its_own(study: Study) -> None:
    assert as_bibtex([study]).splitlines() == [
        f"@article{{{study.slug},",
        "  author = {{Häuser}, Winfried and {van der Berg}, J-P and {King}, Jr, Martin"
        " and {World Health Organization} and {Institute of Medicine, National Academies}"
        " and others},",
        r"  title = {{Costs \& 50\% of \{pain\}}},",
        "  journal = {Pain Res Treat},",
        "  publisher = {Hindawi},",
        "  year = {2019},",
        "  month = jan,",
        "  day = {6},",
        "  volume = {3},",
        "  number = {2},",
        "  pages = {319--329},",
        "  doi = {10.5555/a_b},",
        "  pmid = {31275544},",
        "  url = {https://repository.example/1},",
        "  note = {Retracted}",
        "}",
    ]


def test_csl_json_tells_persons_from_groups(study: Study) -> None:
    assert json.loads(as_csl_json([study])) == [
        {
            "id": study.slug,
            "type": "article-journal",
            "title": "Costs & 50% of {pain}",
            "author": [
                {"family": "Häuser", "given": "Winfried"},
                {"family": "van der Berg", "given": "J-P"},
                {"family": "King", "given": "Martin", "suffix": "Jr"},
                {"literal": "World Health Organization"},
                {"literal": "Institute of Medicine, National Academies"},
                {"literal": "et al."},
            ],
            "container-title": "Pain Res Treat",
            "publisher": "Hindawi",
            "issued": {"date-parts": [[2019, 1, 6]]},
            "volume": "3",
            "issue": "2",
            "page": "319-329",
            "DOI": "10.5555/a_b",
            "PMID": "31275544",
            "URL": "https://doi.org/10.5555/a_b",
            "note": "Retracted",
        }
    ]


@pytest.mark.parametrize(
    ("kind", "ris", "bibtex", "csl"),
    [
        ("journal-article", "JOUR", "article", "article-journal"),
        ("preprint", "UNPB", "misc", "article"),
        ("conference-paper", "CPAPER", "inproceedings", "paper-conference"),
        ("book", "BOOK", "book", "book"),
        ("book-chapter", "CHAP", "incollection", "chapter"),
        ("report", "RPRT", "techreport", "report"),
        ("thesis", "THES", "phdthesis", "thesis"),
        ("dataset", "DATA", "misc", "dataset"),
        ("web-page", "ELEC", "misc", "webpage"),
        ("other", "GEN", "misc", "document"),
    ],
)
def test_each_kind_has_its_name_in_each_form(kind: str, ris: str, bibtex: str, csl: str) -> None:
    study = StudyFactory.create(kind=kind)
    assert as_ris([study]).startswith(f"TY  - {ris}\r\n")
    assert as_bibtex([study]).startswith(f"@{bibtex}{{")
    assert json.loads(as_csl_json([study]))[0]["type"] == csl


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("book-chapter", ["booktitle = {Held}", "publisher = {Out}", "address = {Rome}"]),
        ("conference-paper", ["booktitle = {Held}", "publisher = {Out}"]),
        ("report", ["series = {Held}", "institution = {Out}"]),
        ("thesis", ["school = {Out}"]),
        ("preprint", ["howpublished = {Held}", "publisher = {Out}"]),
    ],
)
def test_bibtex_names_what_holds_it_by_its_kind(kind: str, rows: list[str]) -> None:
    text = as_bibtex(
        [StudyFactory.create(kind=kind, journal="Held", publisher="Out", place="Rome")]
    )
    for row in rows:
        assert row in text


@pytest.mark.parametrize(
    ("date", "ris", "bibtex", "parts"),
    [
        ({"year": 2019, "month": 12}, "DA  - 2019/12//\r\n", "month = dec", [2019, 12]),
        ({"year": 2019}, "PY  - 2019\r\n", "year = {2019}", [2019]),
    ],
)
def test_a_date_goes_as_far_as_it_is_known(
    date: dict[str, int], ris: str, bibtex: str, parts: list[int]
) -> None:
    study = StudyFactory.create(**date)
    assert ris in as_ris([study])
    assert bibtex in as_bibtex([study])
    assert json.loads(as_csl_json([study]))[0]["issued"] == {"date-parts": [parts]}


@pytest.mark.parametrize("kind", Publication.values)
def test_what_is_not_recorded_is_left_out(kind: str) -> None:
    bare: dict[str, Any] = {"doi": None, "authors": "", "journal": "", "year": None}
    study = StudyFactory.create(title="Rest", kind=kind, **bare)
    assert as_ris([study]).splitlines()[1:] == ["TI  - Rest", "ER  - "]
    assert as_bibtex([study]).splitlines()[1:] == ["  title = {{Rest}}", "}"]
    item = json.loads(as_csl_json([study]))[0]
    assert item == {"id": "unknown-rest", "type": item["type"], "title": "Rest"}


@pytest.mark.parametrize("form", FORMATS)
def test_no_study_is_a_file_all_the_same(form: str) -> None:
    write, _ = FORMATS[form]
    assert write([]).strip() in {"", "[]"}


def test_any_studies_go_into_one_file_in_their_order() -> None:
    second, first = StudyFactory.create(title="Two"), StudyFactory.create(title="One")
    studies = (study for study in (first, second))
    assert as_ris(studies).count("ER  - \r\n") == 2
    assert [item["title"] for item in json.loads(as_csl_json([first, second]))] == ["One", "Two"]


@pytest.mark.parametrize("form", ["ris", "bib", "json"])
def test_a_study_is_saved_as_a_file(cleo: Client, study: Study, form: str) -> None:
    answer = cleo.get(f"{study.get_absolute_url()}cite.{form}")
    assert answer["Content-Disposition"] == f'attachment; filename="{study.slug}.{form}"'
    assert "Häuser" in answer.content.decode()


def test_the_library_is_saved_with_its_filters(cleo: Client, study: Study) -> None:
    StudyFactory.create_batch(31, design="cohort", title="Cohort")
    saved = json.loads(cleo.get("/studies/library.json?design=cohort").content)
    assert len(saved) == 31
    page = cleo.get("/studies/?design=cohort").content.decode()
    assert 'href="/studies/library.ris?design=cohort"' in page


def test_a_form_that_is_not_offered_is_missing(cleo: Client, study: Study) -> None:
    assert cleo.get(f"{study.get_absolute_url()}cite.exe").status_code == 404
