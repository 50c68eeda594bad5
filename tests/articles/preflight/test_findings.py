"""Findings are few, in order, and lead to their place on the form."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from articles.models import Article, ArticleFigure, ArticleText
from articles.preflight import Finding, check
from articles.preflight.findings import Cause, Place, Trouble, joined, quoted
from articles.preflight.headings import EMPTY_PARAGRAPH
from tests.articles.newsroom import picture
from tests.articles.preflight.writing import article, found, mark
from tests.factories import add_block

WARNS = Cause("It is long: {words}.", "Cut it.")
STOPS = Cause("It is empty.", "Fill it.", stops=True)


def place(number: int) -> Place:
    return Place(f"Text, block {number}, “Tea”", f"block {number}", f"text-{number}")


def test_a_finding_is_one_sentence_after_the_other():
    [finding] = joined([Trouble(WARNS, place(3), "much tea")])
    assert finding == Finding(
        "Text, block 3, “Tea”", "It is long: “much tea”.", "Cut it.", anchor="text-3"
    )
    assert str(finding) == "Text, block 3, “Tea”: It is long: “much tea”. Cut it."


def test_one_cause_in_one_place_is_one_finding():
    [finding] = joined(Trouble(WARNS, place(1), word) for word in ["tea", "soup", "tea"])
    assert finding.problem == "It is long: “tea”, “soup”."


def test_one_cause_in_three_places_is_three_and_in_four_is_one():
    assert len(joined(Trouble(STOPS, place(n)) for n in (1, 2, 3))) == 3
    [finding] = joined(Trouble(STOPS, place(n)) for n in (1, 2, 4, 7))
    assert finding.block == "Text, block 1, “Tea” and blocks 2, 4, 7"
    assert finding.anchor == "text-1"


def test_places_of_several_kinds_are_told_apart():
    others = [place(2), Place("Reference “A”", "reference 5"), Place("The title", "the title")]
    [finding] = joined(Trouble(STOPS, one) for one in [place(1), *others])
    assert finding.block == "Text, block 1, “Tea” and block 2; reference 5; the title"


def test_what_stops_comes_first():
    troubles = [Trouble(WARNS, place(1), "tea"), Trouble(STOPS, place(2))]
    assert [finding.stops for finding in joined(troubles)] == [True, False]


def test_long_words_are_cut_between_words():
    assert quoted(["tea " * 40]) == f"“{('tea ' * 17).strip()}…”"
    assert quoted(["t" * 200]) == f"“{'t' * 70}…”"


@pytest.mark.django_db
def test_braces_in_the_words_of_a_text_are_left_alone():
    [finding] = check(article("<p>See {{ words }} and {0}.</p>"))
    assert "“{{ words }}”" in finding.problem


@pytest.mark.django_db
def test_a_short_honest_article_is_in_order():
    assert check(article("<h2>Tea</h2><p>Tea is warm.</p>")) == []


@pytest.mark.django_db
def test_a_document_without_blocks_is_in_order():
    assert check(article()) == []


@pytest.mark.django_db
def test_the_anchor_is_the_block_on_the_form(ada_browses: Client):
    written = article("<p>Tea.</p>", "<p>Soup.</p><p></p>")
    add_block(written, ArticleFigure, picture=picture(), alt="motor cortex")
    last = add_block(written, ArticleText, html="<p>Broth.</p><p></p>")
    # Written last, moved to the top.
    ArticleText.objects.filter(pk=last.pk).update(ordering=1)
    page = ada_browses.get(reverse("admin:articles_article_change", args=[written.pk]))
    shown = page.content.decode()
    for finding, words in zip(found(written, EMPTY_PARAGRAPH), ["Broth", "Soup"], strict=True):
        assert f'id="{finding.anchor}"' in shown
        [field] = re.findall(rf'<textarea name="{finding.anchor}-html".*?</textarea>', shown, re.S)
        assert words in field


@pytest.mark.django_db
@pytest.mark.parametrize("anchor", ["id_title", "id_standfirst", "references-0", "gist-1"])
def test_the_other_anchors_are_on_the_form_too(ada_browses: Client, anchor: str):
    written = article(
        f"<p>Tea.{mark('x')}</p>",
        title="Tea%s",
        standfirst="Tea %s soup",
        gist=["One.", "Two %s things.", "Three."],
    )
    written.references.create(source="Cook, at al. Tea.", key="x")
    assert anchor in {finding.anchor for finding in check(written)}
    page = ada_browses.get(reverse("admin:articles_article_change", args=[written.pk]))
    assert f'id="{anchor}"' in page.content.decode()


@pytest.mark.django_db
def test_a_finding_about_the_whole_leads_nowhere(ada_browses: Client):
    written = article("<p>Tea.</p>", kind=Article.Kind.RESEARCH_SUMMARY)
    [finding] = [finding for finding in check(written) if not finding.anchor]
    page = ada_browses.get(reverse("admin:articles_article_change", args=[written.pk]))
    shown = page.content.decode()
    assert f"<li>{finding.block}: {finding.problem}" in shown
    assert 'href="#"' not in shown
