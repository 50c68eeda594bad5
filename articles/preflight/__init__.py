"""What would trouble readers, found before they see it."""

from collections.abc import Callable, Iterator

from articles.bodies import Document
from articles.preflight import (
    claims,
    freshness,
    headings,
    links,
    names,
    pictures,
    references,
    spacing,
    words,
)
from articles.preflight.findings import Finding, Trouble, joined
from articles.preflight.reading import Reading, read

__all__ = ["Finding", "check"]

CHECKS: tuple[Callable[[Reading], Iterator[Trouble]], ...] = (
    references.marks,
    references.listed,
    references.written,
    claims.claims,
    pictures.pictures,
    words.words,
    links.links,
    headings.headings,
    freshness.freshness,
    names.spelling,
    names.variants,
    spacing.spacing,
)


def check(document: Document) -> list[Finding]:
    """What preflight finds in the saved blocks and references; what stops comes first.

    A fixed number of queries, whatever the length of the document; no network.
    """
    reading = read(document)
    return joined(trouble for look in CHECKS for trouble in look(reading))
