"""Whatever happens, an article reaches a person at most once, and never over the limit."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import QuerySet
from pytest_django import Settings

from articles.models import Article, Tag
from newsletter import choosing, delivering, subscribing, ticking
from newsletter.choosing import Preferences
from newsletter.models import Cadence, Delivery, Depth, Digest, Pin, Rhythm, Subscriber
from newsletter.undoing import take_back
from tests.factories import ArticleFactory, SubscriberFactory

pytestmark = pytest.mark.django_db

TOPICS = ["sleep", "pain", "food"]
# Both clock changes of New York, with some weeks on either side.
SEASONS = [
    datetime(2026, 2, 20, 9, 0, tzinfo=UTC),
    datetime(2026, 10, 16, 9, 0, tzinfo=UTC),
]


class History:
    """Some months of a site, as chance has it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = self.chance.choice(SEASONS)
        self.topics = [Tag.objects.get_or_create(name=name)[0].pk for name in TOPICS]
        Rhythm.objects.update(next_due_at=self.now, cadence=self.chance.choice(list(Cadence)))
        self.limits: dict[int, int] = {}
        for _ in range(4):
            self.limits[SubscriberFactory.create(joined_at=self.now).pk] = 20

    def live(self, days: int) -> None:
        for _ in range(days):
            for _ in range(self.chance.randint(0, 3)):
                self.chance.choice(
                    [
                        *[self.publish] * 4,
                        self.choose,
                        self.pause,
                        self.undo,
                        self.pin,
                        self.republish,
                    ]
                )()
            self.tick()
            if self.chance.random() < 0.5:
                self.approve()
            self.now += timedelta(hours=self.chance.choice([5, 11, 24, 30]))

    def one_of(self, rows: QuerySet[Any]) -> Any:
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        return rows.get(pk=self.chance.choice(keys)) if keys else None

    def reader(self) -> Subscriber:
        return Subscriber.objects.get(pk=self.chance.choice(list(self.limits)))

    def publish(self) -> None:
        back = timedelta(hours=self.chance.choice([0, 0, 1, 30, 200]))
        tags = self.chance.sample(TOPICS, self.chance.randint(0, 2))
        ArticleFactory.create(published_at=self.now - back, tags=tags)

    def republish(self) -> None:
        """An editor withdraws, or gives an old article a new date."""
        article = self.one_of(Article.objects.all())
        if article and self.chance.random() < 0.5:
            Article.objects.filter(pk=article.pk).update(published_at=self.now)
        elif article:
            states = ["published", "withdrawn"]
            Article.objects.filter(pk=article.pk).update(state=self.chance.choice(states))

    def choose(self) -> None:
        reader, limit = self.reader(), self.chance.choice([1, 2, 5, 20])
        wanted = Preferences(
            cadence=self.chance.choice(list(Cadence)),
            depth=self.chance.choice(list(Depth)),
            max_items=limit,
            topics=frozenset(self.chance.sample(self.topics, self.chance.randint(0, 3))),
        )
        choosing.choose(reader, wanted, method="page", text_version="1", now=self.now)
        self.limits[reader.pk] = limit

    def pause(self) -> None:
        reader = self.reader()
        if reader.is_paused(self.now):
            subscribing.resume(reader, now=self.now)
        else:
            subscribing.pause(reader, weeks=self.chance.choice([2, 4]), now=self.now)

    def approve(self) -> None:
        """Ticks are so far apart here that many digests are late and wait for an editor."""
        Digest.objects.filter(state="held").update(state="sending")

    def undo(self) -> None:
        """An editor takes back a digest of which some copies are out already."""
        digest = self.one_of(Digest.objects.filter(state__in=["held", "sending"]))
        if digest:
            queued = digest.deliveries.filter(state="queued")
            take_back(queued, digest)
            queued.update(state="skipped", reason="cancelled")
            Digest.objects.filter(pk=digest.pk).update(state="cancelled")

    def pin(self) -> None:
        article = self.one_of(Article.objects.all())
        if article:
            left_out = self.chance.random() < 0.3
            Pin.objects.update_or_create(article=article, defaults={"left_out": left_out})

    def tick(self) -> None:
        with time_machine.travel(self.now, tick=False):
            due = ticking.work_to_do(now=self.now)
            for digest in due:
                if self.chance.random() < 0.8:
                    delivering.deliver_round(digest)


@pytest.mark.parametrize("seed", range(12))
def test_an_article_reaches_a_person_at_most_once(
    rhythm: Rhythm, settings: Settings, seed: int
) -> None:
    settings.TIME_ZONE = ["America/New_York", "Europe/Berlin", "UTC"][seed % 3]
    history = History(seed)
    history.live(days=60)
    sent = Delivery.objects.filter(state__in=["sent", "unknown"])
    pairs = Counter(sent.values_list("subscriber", "variant__items__article"))
    assert [pair for pair, times in pairs.items() if times > 1] == []


@pytest.mark.parametrize("seed", range(12, 16))
def test_no_letter_is_empty_or_over_its_limit(rhythm: Rhythm, seed: int) -> None:
    history = History(seed)
    history.live(days=40)
    for digest in Digest.objects.all():
        sizes = [variant.items.count() for variant in digest.variants.all()]
        assert all(1 <= size <= 20 for size in sizes)
        assert digest.deliveries.count() == digest.audience


def test_the_histories_hold_what_they_are_about(rhythm: Rhythm) -> None:
    """A month in which nothing was sent would prove nothing."""
    for seed in range(4):
        History(seed).live(days=30)
    assert Delivery.objects.filter(state="sent").count() > 10
    assert Digest.objects.filter(state="cancelled").exists()
    assert Delivery.objects.filter(state="skipped").exists()
