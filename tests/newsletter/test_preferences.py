"""A reader chooses how often, how much and about what, by a link of their own (R31, R43, R46)."""

from typing import Any

import pytest
from django.test import Client

from articles.models import Article, Tag
from newsletter.choosing import Preferences, preferences_of
from newsletter.letters import preferences_url
from newsletter.models import Cadence, Depth, Rhythm, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.scenes import SITE, everything
from tests.reading import Page

pytestmark = pytest.mark.django_db

PLAIN = {"cadence": "weekly", "depth": "standard", "max_items": "", "hour": "", "zone": ""}


def path_of(subscriber: Subscriber) -> str:
    return preferences_url(subscriber).removeprefix(SITE)


def chosen(subscriber: Subscriber) -> Preferences:
    return preferences_of(Subscriber.objects.get(pk=subscriber.pk))


def save(subscriber: Subscriber, **fields: Any) -> Any:
    return Client().post(path_of(subscriber), {**PLAIN, **fields})


def checked(html: str) -> set[tuple[str, str]]:
    boxes = [box for box in Page(html).all("input") if "checked" in box]
    return {(box["name"], box.get("value", "on")) for box in boxes}


@pytest.fixture
def pain() -> Tag:
    """A topic that a public research summary has."""
    ArticleFactory.create(tags=["pain"])
    return Tag.objects.get(name="pain")


def test_bea_chooses_all_at_once(bea: Subscriber, pain: Tag) -> None:
    answer = save(
        bea,
        cadence="monthly",
        depth="gist",
        max_items="3",
        text_only="on",
        topics=[pain.pk],
        hour="7",
        zone="Europe/Berlin",
    )
    assert answer.status_code == 200
    assert "Saved." in answer.text
    assert chosen(bea) == Preferences(
        Cadence.MONTHLY, Depth.GIST, 3, True, "Europe/Berlin", 7, frozenset({pain.pk})
    )


def test_r43_each_change_is_an_event_and_a_repeat_is_none(bea: Subscriber, pain: Tag) -> None:
    for _ in range(2):
        save(bea, topics=[pain.pk])
    event = bea.consent.get()
    assert (event.kind, event.method) == ("chose", "page")
    assert event.text_version
    assert "pain" not in event.detail


def test_r46_topics_have_their_own_words_and_none_are_ticked(
    bea: Subscriber, cleo: Client, pain: Tag
) -> None:
    page = cleo.get(path_of(bea)).text
    assert "can reveal an illness" in page
    boxes = [box for box in Page(page).all("input") if box.get("name") == "topics"]
    assert [box["value"] for box in boxes] == [str(pain.pk)]
    assert "checked" not in boxes[0]


def test_the_page_shows_what_was_chosen(bea: Subscriber, cleo: Client, pain: Tag) -> None:
    save(bea, cadence="fortnightly", topics=[pain.pk], hour="21", zone="Asia/Kolkata")
    page = cleo.get(path_of(bea)).text
    assert {("cadence", "fortnightly"), ("topics", str(pain.pk))} <= checked(page)
    selected = {option["value"] for option in Page(page).all("option") if "selected" in option}
    assert {"21", "Asia/Kolkata"} <= selected


def test_topics_of_drafts_and_other_kinds_are_not_offered(bea: Subscriber, cleo: Client) -> None:
    ArticleFactory.create(tags=["hidden"], state=Article.State.DRAFT, published_at=None)
    ArticleFactory.create(tags=["diary"], kind=Article.Kind.SITE_NEWS)
    page = cleo.get(path_of(bea)).text
    assert "hidden" not in page
    assert "diary" not in page


def test_a_topic_chosen_before_stays_on_offer(bea: Subscriber, pain: Tag) -> None:
    save(bea, topics=[pain.pk])
    Article.objects.all().update(state=Article.State.WITHDRAWN)
    save(bea, topics=[pain.pk], depth="gist")
    assert chosen(bea).topics == {pain.pk}


def test_unticking_all_topics_means_all(bea: Subscriber, pain: Tag) -> None:
    save(bea, topics=[pain.pk])
    save(bea)
    bea.refresh_from_db()
    assert (chosen(bea).topics, bea.topics_key) == (frozenset(), "")


def test_nothing_more_often_than_the_sites_limit_is_offered(
    bea: Subscriber, cleo: Client, rhythm: Rhythm
) -> None:
    Rhythm.objects.update(cadence=Cadence.FORTNIGHTLY)
    page = cleo.get(path_of(bea)).text
    offered = {box["value"] for box in Page(page).all("input") if box.get("name") == "cadence"}
    assert offered == {"fortnightly", "monthly"}
    assert "no more often than this: every two weeks" in page
    assert save(bea, cadence="weekly").status_code == 400
    assert chosen(bea).cadence == Cadence.WEEKLY


def test_each_article_is_offered_where_the_site_writes_so_often(
    bea: Subscriber, rhythm: Rhythm
) -> None:
    Rhythm.objects.update(cadence=Cadence.EACH)
    assert save(bea, cadence="each").status_code == 200
    assert chosen(bea).cadence == Cadence.EACH


def test_a_wish_outlives_the_sites_lower_limit(bea: Subscriber, rhythm: Rhythm) -> None:
    Rhythm.objects.update(cadence=Cadence.MONTHLY)
    save(bea, cadence="monthly", depth="full")
    assert (chosen(bea).cadence, chosen(bea).depth) == (Cadence.WEEKLY, Depth.FULL)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cadence", ""),
        ("cadence", "hourly"),
        ("depth", ""),
        ("depth", "\x00"),
        ("max_items", "0"),
        ("max_items", "21"),
        ("max_items", "-1"),
        ("max_items", "many"),
        ("topics", "99999999999999999999"),
        ("topics", "pain"),
        ("topics", "\x00"),
        ("hour", "24"),
        ("hour", "7.5"),
        ("zone", "Mars/Olympus"),
        ("zone", "../../etc/passwd"),
        ("zone", "x" * 10_000),
    ],
)
def test_what_is_not_offered_gets_a_sentence_and_changes_nothing(
    bea: Subscriber, field: str, value: str
) -> None:
    ArticleFactory.create(tags=["pain"])
    before = everything()
    answer = save(bea, **{field: value})
    assert answer.status_code == 400
    assert "Nothing was saved yet" in answer.text
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert answer.text.count('class="error"') == 1
    assert everything() == before


def test_nothing_chosen_is_lost_when_one_field_is_wrong(bea: Subscriber, pain: Tag) -> None:
    answer = save(bea, cadence="hourly", depth="full", topics=[pain.pk], text_only="on")
    ticked = {("depth", "full"), ("topics", str(pain.pk)), ("text_only", "on")}
    assert ticked <= checked(answer.text)


def test_a_zone_that_came_with_a_list_stays(bea: Subscriber) -> None:
    Subscriber.objects.update(zone="US/Eastern")
    assert save(bea, zone="US/Eastern", depth="gist").status_code == 200
    assert chosen(bea).zone == "US/Eastern"


def test_every_field_has_its_label(bea: Subscriber, cleo: Client, pain: Tag) -> None:
    page = Page(cleo.get(path_of(bea)).text)
    labels = {label.get("for") for label in page.all("label")}
    fields = [*page.all("input"), *page.all("select")]
    seen = [field for field in fields if field.get("type") != "hidden"]
    assert seen
    assert [field["id"] for field in seen if field["id"] not in labels] == []


def test_one_reader_never_changes_another(bea: Subscriber) -> None:
    other = SubscriberFactory.create()
    save(bea, depth="gist")
    assert chosen(other) == Preferences()


def test_the_page_asks_the_database_as_often_for_many_topics(
    bea: Subscriber, cleo: Client, django_assert_max_num_queries: Any
) -> None:
    ArticleFactory.create(tags=[f"topic {n}" for n in range(30)])
    with django_assert_max_num_queries(8):
        cleo.get(path_of(bea))
