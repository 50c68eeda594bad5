"""What the demo shows obeys the rules of the site."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from articles import preflight
from articles.bodies import Document, blocks_of, keys_cited
from articles.models import (
    MAX_GIST,
    MIN_GIST,
    Article,
    ArticleFact,
    Author,
    Page,
    PageFact,
    Series,
    Term,
    body,
)
from articles.prose import headings, term_slugs
from articles.rendering import EN_DASH, render_body
from fibrosite.demo.documents import ARTICLE_BLOCKS, PAGE_BLOCKS
from fibrosite.demo.loading import load
from research.models import Study

POSITION_WORDS = re.compile(
    r"click here|read more here|on the (left|right)|\b(see|table|figure|image) (above|below)",
    re.IGNORECASE,
)
OVERDUE_ON_PURPOSE = 2


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo's content once for all tests here, each of which undoes what it writes."""
    with django_db_blocker.unblock(), transaction.atomic():
        load()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded: None, db: None) -> list[Document]:
    """All articles and pages of the demo."""
    return [*Article.objects.all(), *Page.objects.all()]


def html_of(document: Document) -> str:
    texts = (getattr(block, "html", "") for block in blocks_of(document))
    return "\n".join(texts)


def test_it_holds_sixteen_articles_three_pages_and_a_glossary(demo: list[Document]) -> None:
    assert Article.objects.count() == 16
    assert Page.objects.published().count() == 3
    assert Term.objects.count() >= 25


def test_each_mark_has_its_reference(demo: list[Document]) -> None:
    for document in demo:
        keys = set(document.references.values_list("key", flat=True))
        assert set(keys_cited(blocks_of(document))) <= keys, document.slug


def test_each_reference_is_marked_somewhere(demo: list[Document]) -> None:
    for document in demo:
        cited = keys_cited(blocks_of(document))
        assert set(document.references.values_list("key", flat=True)) <= set(cited), document.slug


def test_every_summary_and_explainer_leans_on_studies(demo: list[Document]) -> None:
    kinds = [Article.Kind.RESEARCH_SUMMARY, Article.Kind.EXPLAINER]
    for article in Article.objects.filter(kind__in=kinds):
        assert article.studies.exists(), article.slug
    assert Study.objects.filter(references__isnull=False).distinct().count() >= 30


def test_each_glossary_mark_has_its_term_and_each_term_its_mark(demo: list[Document]) -> None:
    marked = {slug for document in demo for slug in term_slugs(html_of(document))}
    assert marked == set(Term.objects.values_list("slug", flat=True))


def test_a_term_is_marked_once_in_a_document(demo: list[Document]) -> None:
    for document in demo:
        counts = Counter(term_slugs(html_of(document)))
        assert not [slug for slug, times in counts.items() if times > 1], document.slug


def test_headings_never_jump(demo: list[Document]) -> None:
    for document in demo:
        levels = [level for level, _, _ in headings(html_of(document))]
        assert not levels or levels[0] == 2, document.slug


def test_each_picture_is_told_in_words(demo: list[Document]) -> None:
    assert all(article.picture_alt for article in Article.objects.all())
    blocks = [block for document in demo for block in blocks_of(document)]
    pictures = [block for block in blocks if isinstance(block, body.FigureBlock | body.VideoBlock)]
    # A word or two name a picture; they do not tell what it shows.
    assert all(len(picture.alt.split()) > 5 for picture in pictures)


def test_no_text_points_at_a_place_on_the_screen(demo: list[Document]) -> None:
    for document in demo:
        assert not POSITION_WORDS.search(html_of(document)), document.slug


def test_a_gist_has_three_to_seven_points(demo: list[Document]) -> None:
    for article in Article.objects.all():
        assert MIN_GIST <= article.gist.count() <= MAX_GIST, article.slug


def test_every_kind_of_block_is_shown_at_least_twice(demo: list[Document]) -> None:
    kinds: Counter[type[Any]] = Counter(
        type(block) for document in demo for block in blocks_of(document)
    )
    for kind, model in ARTICLE_BLOCKS.items():
        shown = kinds[model] + kinds[PAGE_BLOCKS.get(kind, Page)]
        assert shown >= 2, kind


def test_two_facts_are_overdue_and_the_others_are_not(demo: list[Document]) -> None:
    today = timezone.localdate()
    facts = [*ArticleFact.objects.all(), *PageFact.objects.all()]
    overdue = [fact for fact in facts if fact.is_overdue(today)]
    assert len(overdue) == OVERDUE_ON_PURPOSE < len(facts)


def test_the_series_has_its_three_parts_in_order(demo: list[Document]) -> None:
    parts = list(Series.objects.get().articles.order_by("part"))
    assert [part.part for part in parts] == [1, 2, 3]
    assert parts == sorted(parts, key=lambda part: part.published_at or timezone.now())


def test_pages_name_a_reviewer_and_a_day(demo: list[Document]) -> None:
    for page in Page.objects.all():
        assert page.reviewer in Author.objects.all()
        assert page.reviewed_on
        assert page.references.exists()


def test_neighbouring_marks_are_drawn_together_somewhere(demo: list[Document]) -> None:
    html = "".join(piece.html for document in demo for piece in render_body(document).pieces)
    assert re.search(rf">\d+{EN_DASH}\d+</a>", html)


def test_notes_with_a_sign_stand_outside_the_numbers(demo: list[Document]) -> None:
    notes = [note for document in demo for note in render_body(document).notes]
    assert {note.label for note in notes} == {"*"}


def test_internal_links_lead_somewhere(demo: list[Document]) -> None:
    linked = {
        slug for document in demo for slug in re.findall(r'"/articles/([-\w]+)/', html_of(document))
    }
    assert linked <= set(Article.objects.values_list("slug", flat=True))


def test_preflight_finds_the_overdue_facts_and_nothing_else(demo: list[Document]) -> None:
    found = [str(finding) for document in demo for finding in preflight.check(document)]
    others = [words for words in found if not words.startswith("Fact that goes stale")]
    assert others == []
    assert len(found) == OVERDUE_ON_PURPOSE
