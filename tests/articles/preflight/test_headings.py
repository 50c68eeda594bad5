"""Headings make an outline."""

import pytest

from articles.preflight.headings import headings
from tests.articles.preflight.writing import problems, problems_in, text

H2, H3 = '<h2 id="a">{}</h2>', '<h3 id="b">{}</h3>'


def test_a_second_level_needs_a_first():
    [problem] = problems_in(headings, f"{H3.format('Sleep')}<p>Tea.</p>{H2.format('Pain')}")
    assert "“Sleep”" in problem


def test_a_first_level_in_an_earlier_block_will_do():
    assert problems(headings, text(H2.format("Pain")), text(H3.format("Sleep"))) == []


def test_a_first_level_in_a_later_block_will_not_do():
    assert len(problems(headings, text(H3.format("Sleep")), text(H2.format("Pain")))) == 1


def test_a_body_may_begin_without_a_heading():
    assert problems_in(headings, f"<p>Tea.</p>{H2.format('Pain')}{H3.format('Sleep')}") == []


@pytest.mark.parametrize("nothing", ["", " ", "&nbsp;", "<br>", "<br /> "])
def test_empty_headings_and_paragraphs_are_found(nothing: str):
    assert problems_in(headings, H2.format(nothing)) == ["A heading has no words."]
    assert problems_in(headings, f"<p>Tea.</p><p>{nothing}</p>") == ["It has empty paragraphs."]


def test_many_empty_paragraphs_are_one_finding():
    assert len(problems_in(headings, "<p></p><p>Tea.</p><p></p><p></p>")) == 1


def test_a_paragraph_of_a_mark_alone_is_not_empty():
    assert problems_in(headings, '<p><cite-ref data-key="a"></cite-ref></p>') == []
