"""Who tells of research says which."""

import pytest

from articles.models import ArticleQuote, ArticleStudyCard
from articles.preflight.claims import claims
from research.models import Study
from tests.articles.preflight.writing import mark, problems, problems_in, text

TELLS = [
    "A 1999 study found that people reacted more slowly.",
    "Another study (2003) spoke of planning.",
    "A 2017 review of six studies came out in favour.",
    "A study published in 2023 looked for antibodies.",
    "Haugen et al. 2015 wrote of the same thing.",
    "In 2017 Lena Haugen and colleagues read all reviews.",
    "In 2013 a team in Oslo reported on 31 women.",
    "A small Italian trial showed less pain after a month.",
    "One team found fewer nerve endings in the skin.",
    "Several recent studies have linked sleep and pain.",
    "Studies suggest that rest helps.",
    "It is common, and studies indicate that it lasts.",
    "Research has shown that rest helps.",
    "Some research points to the immune system.",
    "Researchers found that rest helps.",
    "Researchers in Norway have discovered a protein.",
    "In one trial, half of the people slept better.",
    "In a study of 20 people, pain fell.",
    "In a large survey it was among the three worst symptoms.",
    "“Rest is hard,” she says. Two trials compared it with walking.",
]
TELLS_NOT = [
    "A small study can show a lead.",
    "A study is small if few people were tested.",
    "If a trial finds nothing, it may still be published.",
    "When a study shows a link, ask how many people took part.",
    "What do recent studies show?",
    "Each study showed to us is kept in the library.",
    "A trial would cost a million.",
    "Ask your doctor whether a trial was reported nearby.",
    "In a trial, people are selected by lot.",
    "Taking part in a clinical trial is a choice.",
    "The study of sleep is old.",
    "She studied medicine and reviewed her notes in 1999.",
    "Our team answers within a week.",
    "No study has shown that.",
    "We have known it since 1999. Studies cost money.",
    "More research is needed.",
    "The researchers must be paid.",
    "He was tried twice and found the test hard.",
]


@pytest.mark.parametrize("words", TELLS)
def test_a_paragraph_that_tells_of_research_needs_a_mark(words: str):
    assert len(problems_in(claims, words)) == 1
    assert problems_in(claims, f"{words}{mark('gentile-2019')}") == []


@pytest.mark.parametrize("words", TELLS_NOT)
def test_what_only_speaks_of_studies_needs_none(words: str):
    assert problems_in(claims, words) == []


def test_the_words_are_quoted():
    [problem] = problems_in(claims, "It is old. A 1999 study found it, and so on.")
    assert "“1999 study”" in problem


def test_studies_told_apart_by_their_years_need_a_mark_each():
    words = "<p>A 1999 study found one thing.{} A 2001 study found another.{}</p>"
    assert problems_in(claims, words.format(mark("a"), ""))
    assert problems_in(claims, words.format(mark("a"), mark("b"))) == []
    assert problems_in(claims, words.format("", mark("a", "b"))) == []


def test_a_study_named_twice_in_a_sentence_is_one_study():
    words = "A study published in 2003 (Haugen et al. 2003) compared two teas."
    assert len(problems_in(claims, words)) == 1
    assert problems_in(claims, f"{words}{mark('a')}") == []


def test_a_mark_in_the_next_paragraph_will_do():
    assert (
        problems_in(claims, f"<p>A trial compared two teas.</p><p>It was large.{mark('a')}</p>")
        == []
    )


def test_a_mark_two_paragraphs_on_will_not_do():
    html = f"<p>A trial compared two teas.</p><p>It was large.</p><p>It was long.{mark('a')}</p>"
    assert problems_in(claims, html)


def test_a_mark_in_the_next_paragraph_belongs_to_the_study_told_there():
    html = f"<p>A trial compared two teas.</p><p>Another trial compared soups.{mark('a')}</p>"
    [problem] = problems_in(claims, html)
    assert "A trial" in problem
    assert "Another" not in problem


def test_a_study_card_beside_it_will_do():
    study = Study(pk=1, slug="haugen-2015", title="Tea")
    card, words = ArticleStudyCard(study=study), text("A trial compared two teas.")
    assert problems(claims, card, words) == []
    assert problems(claims, words, card) == []


def test_a_study_card_is_one_study():
    study = Study(pk=1, slug="haugen-2015", title="Tea")
    words = text("A 2001 study compared two teas. A 2003 study compared soups.")
    assert problems(claims, ArticleStudyCard(study=study), words)


def test_a_quote_from_a_study_beside_it_will_do():
    study = Study(pk=1, slug="haugen-2015", title="Tea")
    quote = ArticleQuote(text="Tea was drunk.", study=study)
    assert problems(claims, quote, text("A trial compared two teas.")) == []


def test_a_study_card_further_up_will_not_do_for_another_study():
    study = Study(pk=1, slug="haugen-2015", title="Tea")
    card, tea = ArticleStudyCard(study=study), text("<p>Tea is warm.</p>")
    assert problems(claims, card, tea, text("A trial compared soups."))


@pytest.mark.parametrize(
    "words", ["The researchers found less pain.", "Haugen et al report less pain."]
)
def test_more_of_a_study_needs_no_further_mark(words: str):
    assert problems_in(claims, f"<p>They slept.{mark('a')}</p><p>Well.</p><p>{words}</p>") == []
    assert problems_in(claims, f"<p>They slept.</p><p>Well.</p><p>{words}</p>")


def test_headings_tell_nothing():
    assert problems_in(claims, "<h2>A 1999 study found it</h2><p>Tea is warm.</p>") == []


def test_list_items_are_paragraphs():
    assert problems_in(claims, "<ul><li><p>A 1999 study found it.</p></li></ul>")


def test_many_claims_in_one_block_are_one_finding():
    html = "".join(f"<p>A {year} study found it.</p>" for year in range(1990, 2010))
    [problem] = problems_in(claims, html)
    assert problem.endswith("“1990 study”, “1991 study”, “1992 study” and 17 more.")
