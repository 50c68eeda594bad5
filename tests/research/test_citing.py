"""A citation is one line of HTML in house style, safe whatever its values hold."""

import re

import pytest

from research.citing import reference_html, source_html, status_html
from research.models import Study

SCRIPT = "<script>alert(1)</script>"


def words(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def cited(**fields: object) -> Study:
    shared = {"slug": "rest", "title": "Rest", "authors": "Gentile, Eleonora", "year": 2019}
    return Study(**{**shared, **fields})


def test_a_citation_names_who_what_where_and_what_it_costs():
    study = cited(
        doi="10.1000/x", journal="Pain", volume="3", issue="2", pages="1-9", access="free"
    )
    assert reference_html(study) == (
        'Gentile E. <a class="title" href="/studies/rest/">Rest</a>. '
        "<cite>Pain. 2019;3(2):1-9</cite>. "
        '<a href="https://doi.org/10.1000/x">doi:10.1000/x</a> '
        '<span class="access">Free to read</span>'
    )


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        (
            {"doi": "10.1000/x", "pmid": "7"},
            '<a href="https://doi.org/10.1000/x">doi:10.1000/x</a>',
        ),
        (
            {"pmid": "7", "url": "https://nice.example/ng206"},
            '<a href="https://nice.example/ng206">nice.example</a>',
        ),
        ({"pmid": "7"}, '<a href="https://pubmed.ncbi.nlm.nih.gov/7/">PMID 7</a>'),
    ],
)
def test_a_citation_links_where_the_study_is_read(fields: dict[str, str], link: str):
    assert f"{link} <span" in source_html(cited(**fields))


def test_a_citation_of_nothing_but_a_title_is_whole():
    html = reference_html(cited(authors="", year=None))
    assert words(html) == "Rest. No date. Abstract only"


@pytest.mark.parametrize(
    ("title", "line"), [("Why rest?", "Why rest? 2019."), ("Rest.", "Rest. 2019.")]
)
def test_a_title_ends_in_one_stop(title: str, line: str):
    assert line in words(reference_html(cited(title=title, authors="")))


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("none", ""),
        ("corrected", "Corrected"),
        ("concern", "Expression of concern"),
        ("retracted", "Retracted"),
    ],
)
def test_a_warning_stands_first(status: str, word: str):
    study = cited(status=status)
    assert words(status_html(study)).strip() == word
    assert words(reference_html(study)).startswith(f"{word} Gentile E.".strip())


@pytest.mark.parametrize(
    "field", ["title", "authors", "journal", "volume", "issue", "pages", "publisher", "place"]
)
def test_what_a_source_wrote_is_text_alone(field: str):
    html = reference_html(cited(**{"kind": "book-chapter", field: SCRIPT}))
    assert "&lt;script&gt;" in html
    assert "<script" not in html


@pytest.mark.parametrize("field", ["doi", "url"])
def test_an_address_stays_in_its_attribute(field: str):
    html = reference_html(cited(**{field: "https://a.example/10.1000/x\"onclick='x'"}))
    assert '"onclick' not in html
    assert "'x'" not in html
