"""Bodies that hold a block of each kind."""

from datetime import date
from typing import Any

from articles import models
from articles.models import Article, Page, Term
from research.models import Study
from tests.articles.newsroom import picture
from tests.factories import ArticleFactory, PageFactory, StudyFactory, TermFactory, add_blocks


def mark(*studies: Study) -> str:
    """Reference marks as the text editor stores them."""
    return "".join(f'<cite-ref data-key="{study.slug}"></cite-ref>' for study in studies)


def term(word: Term, shown: str) -> str:
    """A marked word as the text editor stores it."""
    return f'<glossary-term data-slug="{word.slug}">{shown}</glossary-term>'


def texts(first: Study, second: Study) -> list[str]:
    """Three texts with headings, marks and a word of the glossary."""
    word = Term.objects.filter(slug="cortex").first() or TermFactory.create(slug="cortex")
    return [
        f"<p>Tapping is planned in the {term(word, 'motor cortex')}.{mark(first)}</p>",
        f"<h2>What they did</h2><p>They tapped.{mark(second, first)}</p>",
        "<h2>What they found</h2><p>Little.</p><h2>What it cannot show</h2><p>Cause.</p>",
    ]


def shared_blocks(
    prefix: str, first: Study, second: Study
) -> list[tuple[type[Any], dict[str, Any]]]:
    """Each kind that articles and pages share, in the order of the page."""
    before, between, after = ({"html": html} for html in texts(first, second))
    kinds = {name: getattr(models, f"{prefix}{name}") for name in SHARED}
    return [
        (kinds["Text"], before),
        (kinds["Figure"], {"picture": picture(), "alt": "A hand that taps", "caption": "Tapping"}),
        (kinds["Quote"], {"text": "It faded.", "study": first}),
        (kinds["Text"], between),
        (kinds["Table"], {"caption": "Taps a minute", "cells": "Group | Taps\nPatients | 40"}),
        (kinds["StudyCard"], {"study": second}),
        (kinds["Text"], after),
        (
            kinds["Box"],
            {
                "kind": "dose",
                "title": "What was given",
                "html": "<p>Nothing.</p>",
                "checked_on": date(2026, 1, 5),
            },
        ),
        (
            kinds["Fact"],
            {
                "label": "Price",
                "value": "10 dollars",
                "source": "The maker",
                "checked_on": date(2026, 1, 5),
                "check_by_on": date(2026, 7, 5),
            },
        ),
    ]


SHARED = ["Text", "Figure", "Quote", "Table", "StudyCard", "Box", "Fact"]


def full_article(**fields: Any) -> Article:
    """A public article with a block of each kind; two studies, one word of the glossary."""
    article = ArticleFactory.create(body="", **fields)
    other = ArticleFactory.create(author=article.author)
    video = {"title": "A talk", "url": "https://video.example/1", "alt": "A speaker", "minutes": 9}
    add_blocks(
        article,
        *shared_blocks("Article", StudyFactory.create(), StudyFactory.create()),
        (models.ArticleRelated, {"related": other}),
        (models.ArticleCallout, {}),
        (models.ArticleVideo, {"still": picture(), **video}),
    )
    return article


def full_page(**fields: Any) -> Page:
    """A public page with a block of each kind that pages have."""
    page = PageFactory.create(**fields)
    add_blocks(page, *shared_blocks("Page", StudyFactory.create(), StudyFactory.create()))
    return page
