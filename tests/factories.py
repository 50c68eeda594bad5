"""Rows for tests, each valid by itself; name only what the test is about."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from articles import bodies
from articles.models import (
    Article,
    ArticleText,
    Author,
    GistPoint,
    Page,
    Reference,
    Series,
    Term,
)
from donations import giving
from donations.models import Donation, Donor, Drive, LedgerEntry
from newsletter.models import Digest, Subscriber, Variant, last_news
from research.models import Study

# A Thursday noon; tests that need a clock start here.
NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


class StudyFactory(DjangoModelFactory[Study]):
    class Meta:
        model = Study

    doi = factory.Sequence(lambda n: f"10.5555/study.{n}")
    title = factory.Sequence(lambda n: f"Rest and effort in forty people, part {n}")
    authors = "Gentile, E\nRicci, K"
    journal = "Pain Res Treat"
    year = 2019


class AuthorFactory(DjangoModelFactory[Author]):
    class Meta:
        model = Author

    name = "Iris Calder"
    slug = factory.Sequence(lambda n: f"iris-calder-{n}")
    bio = "Iris reads studies so that you need not."


# Each block comes after all others.
_places = count(10, 10)


def add_blocks(owner: Article | Page, *blocks: tuple[type[Any], dict[str, Any]]) -> list[Any]:
    """Blocks at the end of a body; words counted and references made, as on a save."""
    made = [
        kind.objects.create(parent=owner, region="body", ordering=next(_places), **fields)
        for kind, fields in blocks
    ]
    bodies.settle(owner)
    return made


def add_block(owner: Article | Page, model: type[Any], **fields: Any) -> Any:
    """One block at the end of a body."""
    [block] = add_blocks(owner, (model, fields))
    return block


class ArticleFactory(DjangoModelFactory[Article]):
    """A published research summary with a text and three gist points.

    `body` (HTML of its one text block), `gist`, `tags` and `studies` may be given.
    """

    class Meta:
        model = Article
        skip_postgeneration_save = True

    title = factory.Sequence(lambda n: f"What slow tapping shows, part {n}")
    slug = factory.Sequence(lambda n: f"slow-tapping-{n}")
    standfirst = "A small study looked at movement."
    kind = Article.Kind.RESEARCH_SUMMARY
    author = factory.SubFactory(AuthorFactory)
    state = Article.State.PUBLISHED
    published_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))

    @factory.post_generation
    def body(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        html = "<p>Twenty people tapped a finger.</p>" if extracted is None else extracted
        if html:
            add_block(self, ArticleText, html=html)

    @factory.post_generation
    def gist(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        points = extracted or ["It was small.", "It was slow.", "It hints."]
        for position, text in enumerate(points):
            GistPoint.objects.create(article=self, text=text, position=position)

    @factory.post_generation
    def tags(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        self.tags.add(*(extracted or []))

    @factory.post_generation
    def studies(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        for position, study in enumerate(extracted or []):
            Reference.objects.create(article=self, study=study, position=position)


class PageFactory(DjangoModelFactory[Page]):
    """A public page, reviewed yesterday, without blocks."""

    class Meta:
        model = Page

    title = factory.Sequence(lambda n: f"What fibromyalgia is, part {n}")
    slug = factory.Sequence(lambda n: f"what-it-is-{n}")
    standfirst = "What is known, in plain words."
    reviewer = factory.SubFactory(AuthorFactory)
    reviewed_on = factory.LazyFunction(lambda: timezone.localdate() - timedelta(days=1))
    state = Page.State.PUBLISHED


class TermFactory(DjangoModelFactory[Term]):
    class Meta:
        model = Term

    name = factory.Sequence(lambda n: f"word {n}")
    slug = factory.Sequence(lambda n: f"word-{n}")
    definition = "What the word means, in one sentence."


class SeriesFactory(DjangoModelFactory[Series]):
    class Meta:
        model = Series

    title = factory.Sequence(lambda n: f"Movement, series {n}")
    slug = factory.Sequence(lambda n: f"movement-{n}")


class SubscriberFactory(DjangoModelFactory[Subscriber]):
    class Meta:
        model = Subscriber

    email = factory.Sequence(lambda n: f"reader{n}@readers.example")
    joined_at = factory.LazyFunction(timezone.now)
    # As for whoever confirms: what went out before is not sent to a newcomer.
    served_news = factory.LazyFunction(last_news)


class DigestFactory(DjangoModelFactory[Digest]):
    """A digest of no articles with one variant, whose deliveries the test adds."""

    class Meta:
        model = Digest
        skip_postgeneration_save = True

    covers_from_at = factory.LazyAttribute(lambda digest: digest.covers_to_at - timedelta(weeks=1))
    covers_to_at = factory.Sequence(lambda n: NOON + timedelta(weeks=n))
    subject = "What slow tapping shows"

    @factory.post_generation
    def variant(self: Any, create: bool, extracted: Any, **kwargs: Any) -> None:
        html = "<p>Hello <a href='\ue000leave\ue001'>leave</a></p>"
        words = {"html": html, "text": "Hello\n\ue000leave\ue001\n", **(extracted or {})}
        Variant.objects.create(digest=self, signature="all", **words)


class DriveFactory(DjangoModelFactory[Drive]):
    """A drive of 1,000 dollars that runs today."""

    class Meta:
        model = Drive

    name = "Keep it readable"
    slug = factory.Sequence(lambda n: f"drive-{n}")
    goal_minor = 100_000
    currency = "USD"
    starts_on = factory.LazyFunction(lambda: timezone.localdate() - timedelta(days=10))
    ends_on = factory.LazyFunction(lambda: timezone.localdate() + timedelta(days=10))
    story = "<p>For a year of articles.</p>"
    how_to_give = "<p>By cheque.</p>"


def gift(drive: Drive | None, minor: int, *, donor_name: str = "", **fields: Any) -> LedgerEntry:
    """A gift of so many minor units that reached the ledger."""
    if donor_name:
        fields["donor"] = Donor.objects.get_or_create(name=donor_name)[0]
    return giving.receive(Donation(drive=drive, **fields), amount_minor=minor, now=timezone.now())


def given(drive: Drive, minor: int, **fields: Any) -> Donation:
    """The gift itself, where `gift` tells of its money."""
    donation = gift(drive, minor, **fields).donation
    assert donation
    return donation
