"""Each reader gets what is new on their topics, as deep and as often as they chose."""

from datetime import timedelta

import pytest
from django.utils import timezone

from articles.models import Tag
from newsletter import building, choosing, delivering
from newsletter.choosing import Preferences
from newsletter.models import Cadence, ConsentEvent, Depth, Digest, Pin, Rhythm, Subscriber
from tests.factories import NOON, ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


def chooses(reader: Subscriber, *topics: str, **wanted: object) -> None:
    """Have a reader choose, as the button on the preferences page does."""
    keys = frozenset(Tag.objects.get_or_create(name=name)[0].pk for name in topics)
    preferences = Preferences(topics=keys, **wanted)  # type: ignore[arg-type]
    choosing.choose(reader, preferences, method="page", text_version="1", now=timezone.now())


def got(digest: Digest | None, reader: Subscriber) -> list[str]:
    """The titles in a reader's copy, in order; none if there is no copy."""
    if digest is None:
        return []
    copy = digest.deliveries.filter(subscriber=reader).first()
    items = copy.variant.items.select_related("article") if copy and copy.variant else []
    return [item.article.title for item in items]


def published(title: str, at: object = NOON - DAY, **fields: object) -> None:
    ArticleFactory.create(title=title, published_at=at, **fields)


def test_a_reader_gets_the_chosen_topics_alone(bea: Subscriber) -> None:
    everything = SubscriberFactory.create()
    chooses(bea, "sleep", "pain")
    published("On sleep", tags=["sleep"])
    published("On food", tags=["food"])
    published("On both", tags=["food", "pain"])
    digest = building.build_digest(now=NOON)
    assert sorted(got(digest, bea)) == ["On both", "On sleep"]
    assert len(got(digest, everything)) == 3


def test_nothing_new_on_the_topics_means_no_mail(bea: Subscriber) -> None:
    SubscriberFactory.create()
    chooses(bea, "sleep")
    published("On food", tags=["food"])
    digest = building.build_digest(now=NOON)
    assert digest
    assert not digest.deliveries.filter(subscriber=bea).exists()


def test_a_topic_that_was_deleted_does_not_open_all_others(bea: Subscriber) -> None:
    SubscriberFactory.create()
    chooses(bea, "sleep")
    Tag.objects.get(name="sleep").delete()
    published("On food", tags=["food"])
    assert got(building.build_digest(now=NOON), bea) == []


def test_a_topic_chosen_later_brings_nothing_old(bea: Subscriber) -> None:
    SubscriberFactory.create()
    chooses(bea, "sleep")
    published("On food", tags=["food"])
    building.build_digest(now=NOON)
    chooses(bea, "sleep", "food")
    published("On sleep", NOON + DAY, tags=["sleep"])
    assert got(building.build_digest(now=NOON + WEEK), bea) == ["On sleep"]


def test_readers_alike_share_one_rendering(bea: Subscriber) -> None:
    others = SubscriberFactory.create_batch(3)
    deep = SubscriberFactory.create()
    chooses(deep, depth=Depth.GIST)
    chooses(others[0], "sleep")
    published("On sleep", tags=["sleep"])
    digest = building.build_digest(now=NOON)
    assert digest
    # Who chose the topic and who gets all of them read the same words.
    assert sorted(variant.audience for variant in digest.variants.all()) == [1, 4]
    assert digest.audience == digest.deliveries.count() == 5


def test_at_most_so_many_come_the_newest_first(bea: Subscriber) -> None:
    chooses(bea, max_items=2)
    for day in (3, 1, 2):
        published(f"{day} days old", NOON - day * DAY)
    assert got(building.build_digest(now=NOON), bea) == ["1 days old", "2 days old"]
    assert building.build_digest(now=NOON + WEEK) is None


def test_the_editors_pins_come_first_and_are_used_up(bea: Subscriber) -> None:
    for day in (1, 2, 3):
        published(f"{day} days old", NOON - day * DAY)
    for place, day in enumerate((3, 2)):
        article = building.new_summaries(now=NOON)[day - 1]
        Pin.objects.create(article=article, position=place)
    digest = building.build_digest(now=NOON)
    assert got(digest, bea) == ["3 days old", "2 days old", "1 days old"]
    assert not Pin.objects.exists()


def test_what_is_left_out_waits_until_it_is_let_in(bea: Subscriber) -> None:
    published("Now")
    published("Later")
    [later] = [one for one in building.new_summaries(now=NOON) if one.title == "Later"]
    Pin.objects.create(article=later, left_out=True)
    assert got(building.build_digest(now=NOON), bea) == ["Now"]
    assert building.build_digest(now=NOON + WEEK) is None
    Pin.objects.all().delete()
    assert got(building.build_digest(now=NOON + WEEK), bea) == ["Later"]


def test_text_alone_has_no_other_part(bea: Subscriber) -> None:
    chooses(bea, text_only=True)
    published("On sleep")
    digest = building.build_digest(now=NOON)
    assert digest
    variant = digest.variants.get()
    assert variant.html == ""
    assert "ON SLEEP" in variant.text.upper()


@pytest.mark.parametrize(
    ("site", "number", "due"),
    [
        ("weekly", 0, {"each", "weekly", "fortnightly", "monthly"}),
        ("weekly", 1, {"each", "weekly"}),
        ("weekly", 2, {"each", "weekly", "fortnightly"}),
        ("weekly", 4, {"each", "weekly", "fortnightly", "monthly"}),
        ("each", 1, {"each", "weekly"}),
        ("fortnightly", 1, {"each", "weekly", "fortnightly"}),
        ("fortnightly", 2, {"each", "weekly", "fortnightly", "monthly"}),
        ("monthly", 1, {"each", "weekly", "fortnightly", "monthly"}),
    ],
)
def test_nobody_gets_it_more_often_than_the_site_sends(
    rhythm: Rhythm, site: str, number: int, due: set[str]
) -> None:
    rhythm.cadence, rhythm.number = site, number
    assert set(building.due_cadences(rhythm)) == due


def test_who_wants_it_monthly_gets_four_weeks_at_once(rhythm: Rhythm, bea: Subscriber) -> None:
    weekly = SubscriberFactory.create()
    chooses(bea, cadence=Cadence.MONTHLY)
    monthly, each_week = [], []
    for week in range(5):
        Rhythm.objects.update(number=week)
        published(f"Week {week}", NOON + week * WEEK - DAY)
        digest = building.build_digest(now=NOON + week * WEEK)
        monthly.append(got(digest, bea))
        each_week.append(got(digest, weekly))
    assert [len(titles) for titles in monthly] == [1, 0, 0, 0, 4]
    assert [len(titles) for titles in each_week] == [1] * 5


def test_each_article_comes_at_once_if_the_site_allows_it(rhythm: Rhythm, bea: Subscriber) -> None:
    weekly = SubscriberFactory.create()
    chooses(bea, cadence=Cadence.EACH)
    published("At once", timezone.now() - DAY)
    assert building.build_each(now=timezone.now()) is None
    Rhythm.objects.update(cadence=Cadence.EACH)
    digest = building.build_each(now=timezone.now())
    assert digest
    assert digest.kind == Digest.Kind.EACH
    assert (got(digest, bea), got(digest, weekly)) == (["At once"], [])
    later = timezone.now() + DAY
    assert building.build_each(now=later) is None
    assert got(building.build_digest(now=later), weekly) == ["At once"]
    assert Digest.objects.latest("pk").deliveries.count() == 1


def test_a_pause_ends_with_one_letter_of_what_was_missed(bea: Subscriber) -> None:
    other = SubscriberFactory.create()
    chooses(bea, max_items=3)
    Subscriber.objects.filter(pk=bea.pk).update(paused_until_at=NOON + 4 * WEEK)
    for week in range(5):
        published(f"Week {week}", NOON + week * WEEK - DAY)
        digest = building.build_digest(now=NOON + week * WEEK)
        assert len(got(digest, other)) == 1
    assert got(digest, bea) == ["Week 4", "Week 3", "Week 2"]
    published("Week 5", NOON + 5 * WEEK - DAY)
    assert got(building.build_digest(now=NOON + 5 * WEEK), bea) == ["Week 5"]


@pytest.mark.parametrize(
    ("zone", "hour", "at"),
    [
        ("", None, "2026-03-05T12:00+00:00"),
        ("", 12, "2026-03-05T12:00+00:00"),
        ("", 18, "2026-03-05T18:00+00:00"),
        ("", 9, "2026-03-06T09:00+00:00"),
        ("America/New_York", 9, "2026-03-05T14:00+00:00"),
        ("Europe/Berlin", 9, "2026-03-06T08:00+00:00"),
        ("Asia/Kolkata", 20, "2026-03-05T14:30+00:00"),
    ],
)
def test_it_comes_at_the_readers_own_hour(
    bea: Subscriber, zone: str, hour: int | None, at: str
) -> None:
    chooses(bea, zone=zone, hour=hour)
    published("On sleep")
    digest = building.build_digest(now=NOON)
    assert digest
    assert digest.deliveries.get().not_before_at.isoformat(timespec="minutes") == at


def test_a_choice_leaves_an_event_that_names_no_topic(bea: Subscriber) -> None:
    chooses(bea, "sleep", cadence=Cadence.MONTHLY)
    event = ConsentEvent.objects.get(subscriber=bea, kind="chose")
    assert (event.detail, event.method) == ("monthly, standard, 1 topics", "page")


def test_the_same_choice_twice_changes_nothing(bea: Subscriber) -> None:
    for _ in range(2):
        chooses(bea, "sleep")
    assert ConsentEvent.objects.filter(subscriber=bea).count() == 1
    assert bea.chosen.count() == 1


def test_a_subject_names_no_article_that_the_reader_does_not_get(
    bea: Subscriber, mailer: Mailer
) -> None:
    SubscriberFactory.create(email="all@readers.example")
    chooses(bea, "pain")
    published("About the brain", NOON - DAY, tags=["brain"])
    published("About pain", NOON - 2 * DAY, tags=["pain"])
    digest = building.build_digest(now=NOON)
    assert digest
    assert digest.subject == "About the brain and 1 more"
    delivering.deliver_round(digest.pk)
    subjects = {letter.to[0]: letter.subject for letter in mailer.letters}
    assert subjects == {
        "bea@readers.example": "About pain",
        "all@readers.example": "About the brain and 1 more",
    }


def test_an_editors_subject_is_everybodys(rhythm: Rhythm, bea: Subscriber, mailer: Mailer) -> None:
    Rhythm.objects.update(subject="Three things on rest")
    published("About pain")
    digest = building.build_digest(now=NOON)
    assert digest
    delivering.deliver_round(digest.pk)
    assert mailer.letters[0].subject == "Three things on rest"
