"""Studies go to reference managers as RIS, BibTeX and CSL-JSON, without loss."""

import json

import pytest
from django.test import Client

from research.exporting import as_bibtex, as_csl_json, as_ris
from research.models import Study
from tests.factories import StudyFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return StudyFactory.create(
        doi="10.5555/a_b",
        title="Costs & 50% of {pain}",
        authors="Häuser W\nvan der Berg J-P\nWorld Health Organization\net al.",
        journal="Pain Res Treat",
        year=2019,
        volume="3",
        issue="2",
        pages="319-329",
    )


def test_ris_has_one_tag_a_line(study: Study) -> None:
    assert as_ris([study]).split("\r\n") == [
        "TY  - JOUR",
        "AU  - Häuser, W",
        "AU  - van der Berg, J-P",
        "AU  - World Health Organization",
        "TI  - Costs & 50% of {pain}",
        "JO  - Pain Res Treat",
        "PY  - 2019",
        "VL  - 3",
        "IS  - 2",
        "SP  - 319",
        "EP  - 329",
        "DO  - 10.5555/a_b",
        "UR  - https://doi.org/10.5555/a_b",
        "ER  - ",
        "",
    ]


def test_bibtex_escapes_what_latex_takes_for_its_own(study: Study) -> None:
    text = as_bibtex([study])
    assert text.startswith(f"@article{{{study.slug},\n")
    assert r"title = {{Costs \& 50\% of \{pain\}}}" in text
    assert "{Häuser}, W and {van der Berg}, J-P and {World Health Organization} and others" in text
    assert "pages = {319--329}" in text
    assert text.count("{") == text.count("}")


def test_csl_json_tells_persons_from_groups(study: Study) -> None:
    (record,) = json.loads(as_csl_json([study]))
    assert record["author"] == [
        {"family": "Häuser", "given": "W"},
        {"family": "van der Berg", "given": "J-P"},
        {"literal": "World Health Organization"},
    ]
    assert record["issued"] == {"date-parts": [[2019]]}
    assert record["DOI"] == "10.5555/a_b"


def test_what_is_not_recorded_is_left_out() -> None:
    bare = StudyFactory.create(volume="", issue="", pages="", authors="")
    assert "VL  -" not in as_ris([bare])
    assert "author" not in as_bibtex([bare])
    assert "page" not in json.loads(as_csl_json([bare]))[0]


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


def test_the_page_tells_zotero_what_it_is(cleo: Client, study: Study) -> None:
    html = cleo.get(study.get_absolute_url()).content.decode()
    assert '<meta name="citation_author" content="Häuser, W">' in html
    assert '<meta name="citation_title" content="Costs &amp; 50% of {pain}">' in html
    assert '<meta name="citation_doi" content="10.5555/a_b">' in html
    assert '<meta name="citation_firstpage" content="319">' in html
