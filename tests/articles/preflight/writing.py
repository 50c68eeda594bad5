"""Documents for preflight: as little around the words in question as can be."""

from typing import Any

from articles.models import Article, ArticleText
from articles.preflight import check
from articles.preflight.findings import Cause, Finding, joined
from articles.preflight.reading import Reading, parts_of
from tests.factories import ArticleFactory, add_block


def text(html: str) -> ArticleText:
    """A text block; words without a tag become its paragraph."""
    return ArticleText(html=html if html.startswith("<") else f"<p>{html}</p>")


def reading(*blocks: Any) -> Reading:
    """An article of these blocks as the checks see it, without a database."""
    parts = tuple(parts_of(list(blocks)))
    studies = {part.study.slug: part.study for part in parts if part.study}
    return Reading(Article(title="Sleep and pain"), parts, (), (), studies)


def problems(look: Any, *blocks: Any) -> list[str]:
    """What one check says of an article of these blocks."""
    return [finding.problem for finding in joined(look(reading(*blocks)))]


def problems_in(look: Any, html: str) -> list[str]:
    """What one check says of one text."""
    return problems(look, text(html))


def mark(*keys: str) -> str:
    """Reference marks."""
    return "".join(f'<cite-ref data-key="{key}"></cite-ref>' for key in keys)


def article(*html: str, **fields: Any) -> Article:
    """A saved explainer with a text block for each HTML."""
    made = ArticleFactory.create(**{"kind": Article.Kind.EXPLAINER, "body": "", **fields})
    for one in html:
        add_block(made, ArticleText, html=one)
    return made


def found(document: Any, cause: Cause) -> list[Finding]:
    """The findings of one cause."""
    return [finding for finding in check(document) if finding.cure == cause.cure]
