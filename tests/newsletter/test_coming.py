"""What the coming digest would hold, for whom, and what an editor wishes of it."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article, Tag
from newsletter import building, choosing, coming
from newsletter.coming import Why
from newsletter.models import Cadence, Pin, Rhythm, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.scenes import race

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def article(title: str, days: int = 1, **fields: Any) -> Article:
    published_at = timezone.now() - days * DAY
    return ArticleFactory.create(title=title, published_at=published_at, **fields)


def reader(topics: tuple[str, ...] = (), **fields: Any) -> Subscriber:
    subscriber = SubscriberFactory.create(**fields)
    tags = [Tag.objects.get_or_create(name=name, slug=name)[0].pk for name in topics]
    choosing.set_topics(subscriber, frozenset(tags))
    subscriber.save()
    return subscriber


def ahead() -> coming.Coming:
    return coming.look_ahead(now=timezone.now())


def titles() -> list[str]:
    return [one.title for one, _ in ahead().articles]


@pytest.mark.parametrize(
    ("state", "is_paused", "is_due", "has_news"),
    list(product(Subscriber.State.values, [True, False], [True, False], [True, False])),
)
def test_only_the_active_who_are_due_and_rest_not_get_what_is_new(
    state: str, is_paused: bool, is_due: bool, has_news: bool
) -> None:
    gets = state == "active" and not is_paused and is_due and has_news
    found = coming.why(state, is_paused=is_paused, is_due=is_due, has_news=has_news)
    assert (found == Why.GETS) == gets


def test_each_subscriber_counts_under_one_reason(rhythm: Rhythm) -> None:
    Rhythm.objects.update(number=1)
    article("Sleep", tags=["sleep"])
    reader()
    reader(("sleep",))
    reader(("pain",))
    reader(cadence=Cadence.MONTHLY)
    until = timezone.now() + 14 * DAY
    reader(paused_until_at=until)
    reader(state="left", cadence=Cadence.MONTHLY)
    reader(state="blocked", paused_until_at=until + DAY)
    found = ahead()
    assert found.audience == {
        Why.GETS: 2,
        Why.NOTHING_NEW: 1,
        Why.OTHER_RHYTHM: 1,
        Why.PAUSED: 1,
        Why.LEFT: 1,
        Why.BLOCKED: 1,
    }
    assert found.total == Subscriber.objects.count()
    assert found.pause_ends_at == until
    assert [readers for _, readers in found.articles] == [2]


def test_it_foretells_what_is_built(rhythm: Rhythm) -> None:
    reader(cadence=Cadence.MONTHLY)
    building.build_digest(now=timezone.now())
    article("Sleep", tags=["sleep"])
    building.build_digest(now=timezone.now())
    Rhythm.objects.update(number=2)
    article("Pain", tags=["pain"])
    reader(("pain",))
    reader(("rest",))
    reader(max_items=1)
    foretold = ahead()
    digest = building.build_digest(now=timezone.now())
    assert digest
    assert digest.audience == foretold.readers == 2
    readers = {one.pk: number for one, number in foretold.articles}
    for one, number in readers.items():
        copies = digest.deliveries.filter(variant__items__article=one)
        assert copies.count() == number


def test_it_asks_as_often_for_many_readers_as_for_few(rhythm: Rhythm) -> None:
    article("Sleep", tags=["sleep"])
    for number in range(6):
        reader(("sleep",), max_items=number + 1)
    with CaptureQueriesContext(connection) as few:
        assert ahead().readers == 6
    for number in range(6):
        reader(("sleep",), max_items=number + 11)
    with CaptureQueriesContext(connection) as many:
        assert ahead().readers == 12
    assert len(many) == len(few)


def test_an_article_moves_up_and_down_and_newer_ones_come_after_it(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    old = article("Old", 3)
    article("Middle", 2)
    article("New", 1)
    now = timezone.now()
    assert coming.move(old.pk, by=-1, now=now)
    assert coming.move(old.pk, by=-1, now=now)
    assert titles() == ["Old", "New", "Middle"]
    assert not coming.move(old.pk, by=-1, now=now)
    assert coming.move(old.pk, by=1, now=now)
    assert titles() == ["New", "Old", "Middle"]
    article("Newest", 0)
    assert titles()[:2] == ["New", "Old"]
    digest = building.build_digest(now=timezone.now())
    assert digest
    assert [item.article.title for item in digest.items.all()][:2] == ["New", "Old"]


def test_what_is_left_out_stays_out_until_it_is_let_in(rhythm: Rhythm, bea: Subscriber) -> None:
    one = article("One")
    assert coming.leave_out(one.pk, now=timezone.now())
    assert not coming.leave_out(one.pk, now=timezone.now())
    assert (titles(), ahead().left_out) == ([], [one])
    assert building.build_digest(now=timezone.now()) is None
    assert coming.let_in(one.pk)
    assert not coming.let_in(one.pk)
    assert titles() == ["One"]


def test_what_is_not_in_the_coming_digest_cannot_be_pinned(rhythm: Rhythm) -> None:
    draft = article("Draft", state="draft")
    news = article("News", kind=Article.Kind.SITE_NEWS)
    for one in (draft.pk, news.pk, 999_999):
        assert not coming.move(one, by=1, now=timezone.now())
        assert not coming.leave_out(one, now=timezone.now())
    assert not Pin.objects.exists()


def test_a_readers_letter_holds_what_is_new_to_them_as_they_want_it(rhythm: Rhythm) -> None:
    article("Sleep", tags=["sleep"])
    article("Pain", tags=["pain"])
    wants = reader(("sleep",), depth="gist", text_only=True)
    words = coming.letter_for(wants, now=timezone.now())
    assert words
    assert "SLEEP" in words.text.upper()
    assert "PAIN" not in words.text.upper().replace("PAIN RES", "")
    assert words.html == ""
    assert coming.letter_for(reader(("rest",)), now=timezone.now()) is None


@pytest.mark.usefixtures("shared_database")
def test_two_editors_at_once_leave_one_order() -> None:
    Rhythm.objects.get_or_create(single=1, defaults={"next_due_at": timezone.now() + DAY})
    articles = [article(name, days) for days, name in enumerate("abcd", start=1)]
    now = timezone.now()
    race(*[lambda one=one: coming.move(one.pk, by=-1, now=now) for one in articles])
    assert sorted(titles()) == ["a", "b", "c", "d"]
    places = list(Pin.objects.values_list("position", flat=True))
    assert places == sorted(set(places))
