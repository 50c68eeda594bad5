"""Building a digest: what is new, once, with its readers, in one transaction."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article
from newsletter import building
from newsletter.inspecting import HTML_LIMIT
from newsletter.models import Cadence, Delivery, Digest, Rhythm, Subscriber
from tests.factories import NOON, ArticleFactory, DigestFactory, SubscriberFactory
from tests.newsletter.scenes import race, states

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bea")]

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


def titles(digest: Digest | None) -> list[str]:
    assert digest is not None
    return [item.article.title for item in digest.items.select_related("article")]


def test_it_holds_the_new_summaries_newest_first() -> None:
    ArticleFactory.create(title="Older", published_at=NOON - 3 * DAY)
    ArticleFactory.create(title="Newer", published_at=NOON - DAY)
    digest = building.build_digest(now=NOON)
    assert titles(digest) == ["Newer", "Older"]
    assert digest
    assert digest.subject == "Newer and 1 more"


def test_its_words_are_frozen(bea: Subscriber) -> None:
    article = ArticleFactory.create(title="As it was", published_at=NOON - DAY)
    digest = building.build_digest(now=NOON)
    Article.objects.filter(pk=article.pk).update(title="As it is")
    assert digest
    digest.refresh_from_db()
    assert "As it was" in digest.variants.get().html
    assert "AS IT WAS" in digest.variants.get().text


def test_it_has_a_queued_copy_for_each_active_reader(bea: Subscriber) -> None:
    SubscriberFactory.create_batch(3)
    SubscriberFactory.create(state="left")
    ArticleFactory.create(published_at=NOON - DAY)
    digest = building.build_digest(now=NOON)
    assert digest
    assert digest.audience == 4
    assert states(digest) == ["queued"] * 4


def test_the_copies_may_go_out_at_once(bea: Subscriber) -> None:
    ArticleFactory.create(published_at=NOON - DAY)
    digest = building.build_digest(now=NOON)
    assert digest
    assert digest.deliveries.waiting(NOON).count() == 1
    assert digest.deliveries.get().not_before_at == NOON


def test_nothing_new_makes_no_digest(bea: Subscriber) -> None:
    assert building.build_digest(now=NOON) is None
    assert not Digest.objects.exists()


def test_no_article_comes_twice(bea: Subscriber) -> None:
    ArticleFactory.create(title="First", published_at=NOON - DAY)
    building.build_digest(now=NOON)
    assert building.build_digest(now=NOON + timedelta(minutes=1)) is None
    ArticleFactory.create(title="Second", published_at=NOON + DAY)
    assert titles(building.build_digest(now=NOON + WEEK)) == ["Second"]


def test_the_first_digest_looks_back_one_period() -> None:
    ArticleFactory.create(title="Too old", published_at=NOON - 8 * DAY)
    ArticleFactory.create(title="New", published_at=NOON - 6 * DAY)
    assert titles(building.build_digest(now=NOON)) == ["New"]


def test_the_period_follows_the_rhythm(rhythm: Rhythm) -> None:
    Rhythm.objects.update(cadence=Cadence.FORTNIGHTLY)
    ArticleFactory.create(title="Ten days old", published_at=NOON - 10 * DAY)
    digest = building.build_digest(now=NOON)
    assert titles(digest) == ["Ten days old"]


def test_an_article_saved_while_the_last_one_was_built_gets_its_turn() -> None:
    ArticleFactory.create(published_at=NOON - DAY)
    building.build_digest(now=NOON)
    ArticleFactory.create(title="In between", published_at=NOON - timedelta(seconds=1))
    assert titles(building.build_digest(now=NOON + WEEK)) == ["In between"]


def test_a_back_dated_article_gets_its_turn() -> None:
    ArticleFactory.create(published_at=NOON - DAY)
    building.build_digest(now=NOON)
    ArticleFactory.create(title="Back-dated", published_at=NOON - 2 * DAY)
    ArticleFactory.create(title="From last year", published_at=NOON - 300 * DAY)
    assert titles(building.build_digest(now=NOON + WEEK)) == ["Back-dated"]


def test_after_quiet_weeks_all_that_is_new_comes() -> None:
    ArticleFactory.create(published_at=NOON - DAY)
    building.build_digest(now=NOON)
    ArticleFactory.create(title="Five weeks later", published_at=NOON + 5 * WEEK)
    assert building.build_digest(now=NOON + 4 * WEEK) is None
    assert titles(building.build_digest(now=NOON + 6 * WEEK)) == ["Five weeks later"]


def test_a_flood_of_articles_is_spread_over_digests_and_none_is_lost() -> None:
    ArticleFactory.create_batch(2 * building.MAX_ARTICLES + 5, published_at=NOON - DAY)
    newest = ArticleFactory.create(published_at=NOON - timedelta(hours=1))
    editions = [building.build_digest(now=NOON + week * WEEK) for week in range(4)]
    assert [len(titles(digest)) for digest in editions if digest] == [20, 20, 6]
    assert editions[3] is None
    assert titles(editions[0])[0] == newest.title


def test_a_full_digest_of_long_articles_is_not_cut_off_by_mail_programs() -> None:
    gist = ["A point of the gist in simple words. " * 6] * 5
    for number in range(25):
        ArticleFactory.create(
            title=f"{number} " + "A long title " * 10,
            slug=f"{number}-" + "long-" * 15,
            standfirst="What this is about, and why it matters. " * 7,
            gist=gist,
            published_at=NOON - DAY,
        )
    digest = building.build_digest(now=NOON)
    assert digest
    assert len(digest.variants.get().html.encode()) < HTML_LIMIT


def test_an_article_scheduled_for_later_waits_for_its_time() -> None:
    ArticleFactory.create(title="Tomorrow", state="scheduled", published_at=NOON + DAY)
    assert building.build_digest(now=NOON) is None
    assert titles(building.build_digest(now=NOON + 2 * DAY)) == ["Tomorrow"]


@pytest.mark.parametrize("state", ["draft", "in-review", "withdrawn"])
def test_what_readers_may_not_see_stays_out(state: str) -> None:
    ArticleFactory.create(state=state, published_at=NOON - DAY)
    assert building.build_digest(now=NOON) is None


@pytest.mark.parametrize("kind", ["explainer", "lived-experience", "site-news"])
def test_other_kinds_stay_out(kind: str) -> None:
    ArticleFactory.create(kind=kind, published_at=NOON - DAY)
    assert building.build_digest(now=NOON) is None


def test_each_edition_starts_where_the_last_one_ended() -> None:
    for week in range(3):
        ArticleFactory.create(published_at=NOON + week * WEEK - DAY)
        building.build_digest(now=NOON + week * WEEK)
    third, second, first = Digest.objects.all()
    assert first.covers_from_at == NOON - WEEK
    assert (second.covers_from_at, third.covers_from_at) == (NOON, NOON + WEEK)


def test_all_or_nothing_is_written(bea: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*args: Any, **kwargs: Any) -> int:
        raise OperationalError("disk full")

    ArticleFactory.create(published_at=NOON - DAY)
    with monkeypatch.context() as patch:
        patch.setattr(building, "queue", crash)
        with pytest.raises(OperationalError):
            building.build_digest(now=NOON)
    assert not Digest.objects.exists()
    assert building.build_digest(now=NOON)


def test_the_number_of_queries_does_not_grow_with_readers_or_articles() -> None:
    counts = []
    for week, size in enumerate((1, 15)):
        SubscriberFactory.create_batch(size)
        ArticleFactory.create_batch(size, published_at=NOON + week * WEEK - DAY)
        with CaptureQueriesContext(connection) as asked:
            assert building.build_digest(now=NOON + week * WEEK)
        counts.append(len(asked))
    assert counts[1] <= counts[0] + 2
    assert max(counts) <= 40


def test_the_database_takes_one_copy_for_each_reader(bea: Subscriber) -> None:
    digest = DigestFactory.create()
    Delivery.objects.create(digest=digest, subscriber=bea, not_before_at=NOON)
    with pytest.raises(IntegrityError):
        Delivery.objects.create(digest=digest, subscriber=bea, not_before_at=NOON)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.usefixtures("shared_database")
def test_two_builders_at_once_make_one_digest(
    rhythm: Rhythm, bea: Subscriber, is_first: bool
) -> None:
    now = timezone.now()
    if not is_first:
        DigestFactory.create(covers_to_at=now - WEEK)
    ArticleFactory.create(published_at=now - DAY)
    built = race(*[lambda: building.build_digest(now=timezone.now())] * 3)
    assert [bool(digest) for digest in built].count(True) == 1
    assert Digest.objects.filter(covers_to_at__gte=now).count() == 1
    assert Delivery.objects.count() == 1
