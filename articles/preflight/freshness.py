"""What went stale: facts nobody checked in time, pages nobody reviewed for years."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from articles.models import Page, body
from articles.preflight.findings import Cause, Place, Trouble
from articles.preflight.reading import Reading

REVIEW_HOLDS_FOR = timedelta(days=2 * 365)

OVERDUE = Cause(
    "Nobody checked this fact in time.", "Look it up again and write down the day you did."
)
NO_REFERENCES = Cause(
    "It has no references, so nobody can tell where it comes from.",
    "Cite at least one study or source in the text.",
    stops=True,
)
OLD_REVIEW = Cause(
    "It was last reviewed more than two years ago.",
    "Have it reviewed again and change the day.",
)


def freshness(reading: Reading) -> Iterator[Trouble]:
    """Overdue facts; pages without references or with an old review."""
    today = timezone.localdate()
    for part in reading.parts:
        if isinstance(part.block, body.FactBlock) and part.block.is_overdue(today):
            yield Trouble(OVERDUE, part.place)
    page = reading.document
    if not isinstance(page, Page):
        return
    if not reading.references:
        yield Trouble(NO_REFERENCES, reading.whole)
    if page.reviewed_on and today - page.reviewed_on > REVIEW_HOLDS_FOR:
        yield Trouble(OLD_REVIEW, Place("The page", "the page", "id_reviewed_on"))
