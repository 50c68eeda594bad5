"""Figures: sums that agree, in which nobody can be found."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from articles.models import Tag
from newsletter import choosing, figures
from newsletter.models import ConsentEvent, MailEvent, Subscriber
from tests.factories import SubscriberFactory
from tests.newsletter.scenes import digest_to, everything

pytestmark = pytest.mark.django_db

PAGE = "/admin/newsletter/digest/figures/"
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def test_the_list_over_time_by_state() -> None:
    january, february = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 2, 10, tzinfo=UTC)
    SubscriberFactory.create(joined_at=january)
    SubscriberFactory.create(joined_at=january, left_at=february, state="left")
    SubscriberFactory.create(joined_at=february, left_at=NOW, state="blocked")
    moments = figures.over_time(now=NOW, months=3)
    assert [(m.at.month, m.active, m.left, m.blocked) for m in moments] == [
        (1, 0, 0, 0),
        (2, 2, 0, 0),
        (3, 2, 1, 0),
        (3, 1, 1, 1),
    ]


def test_who_came_back_counts_as_active() -> None:
    past = NOW - timedelta(days=40)
    SubscriberFactory.create(joined_at=past, left_at=past)
    assert figures.over_time(now=NOW)[-1].active == 1


def test_the_states_add_up_to_all_subscribers() -> None:
    for state in Subscriber.State.values:
        SubscriberFactory.create(joined_at=NOW, left_at=None, state=state)
        SubscriberFactory.create(joined_at=NOW, left_at=NOW, state=state)
    last = figures.over_time(now=NOW)[-1]
    assert last.active + last.left + last.blocked == Subscriber.objects.count()


def test_sign_ups_are_counted_by_their_form(bea: Subscriber) -> None:
    for form in ("foot", "foot", "page", ""):
        ConsentEvent.objects.create(
            subscriber=bea, kind="confirmed", method="page", form=form, happened_at=NOW
        )
    ConsentEvent.objects.create(
        subscriber=bea, kind="left", method="page", form="foot", happened_at=NOW
    )
    assert figures.sign_ups_by_form()[0] == ("foot", 2)
    assert sorted(figures.sign_ups_by_form()[1:]) == [("page", 1), ("unknown", 1)]


def test_what_became_of_a_digest() -> None:
    readers = SubscriberFactory.create_batch(4)
    digest = digest_to(*readers)
    digest.deliveries.update(state="sent", settled_at=NOW)
    failed, *sent = digest.deliveries.all()
    digest.deliveries.filter(pk=failed.pk).update(state="failed")
    kinds = ["delivered", "delivered", "complaint", "hard-bounce"]
    copies = [sent[0], sent[0], sent[0], sent[1]]
    for n, (kind, copy) in enumerate(zip(kinds, copies, strict=True)):
        MailEvent.objects.create(
            provider="p",
            event_id=str(n),
            kind=kind,
            delivery=copy,
            happened_at=NOW,
            received_at=NOW,
        )
    left = Subscriber.objects.filter(deliveries=sent[2])
    left.update(state="left", left_at=NOW + timedelta(days=2))
    [row] = figures.of_digests()
    names = ("audience", "sent", "delivered", "bounced", "complained", "left")
    assert [row[name] for name in names] == [4, 3, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "fewer than 5"), (4, "fewer than 5"), (5, "5"), (1234, "1,234")],
)
def test_small_numbers_are_not_told(number: int, shown: str) -> None:
    assert figures.at_least(number) == shown


def test_topics_count_active_readers_alone() -> None:
    tag = Tag.objects.create(name="sleep", slug="sleep")
    for state in ["active"] * 4 + ["left"]:
        reader = SubscriberFactory.create(state=state)
        choosing.set_topics(reader, frozenset([tag.pk]))
    assert figures.by_topic() == [("sleep", "fewer than 5")]
    choosing.set_topics(SubscriberFactory.create(), frozenset([tag.pk]))
    assert figures.by_topic() == [("sleep", "5")]


@pytest.mark.parametrize("number", [0, 1, 3, 99, 100, 101, 200_000])
def test_the_chart_stays_in_its_frame(number: int) -> None:
    moments = [figures.Moment(NOW, n, n // 2, 0) for n in (0, number, number)]
    drawn = figures.chart(moments)
    for line in drawn["lines"]:
        for point in line.points.split():
            x, y = map(float, point.split(","))
            assert figures.LEFT <= x <= figures.WIDTH - figures.RIGHT
            assert figures.TOP <= y <= figures.HEIGHT - figures.BOTTOM
    ends = sorted(line.end for line in drawn["lines"])
    assert min(b - a for a, b in pairwise(ends)) >= 14


def test_the_page_shows_them_and_changes_nothing(
    ada_browses: Client, bea: Subscriber, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        digest_to(bea, subject="What rest does")
    before = everything()
    with django_assert_max_num_queries(14):
        page = ada_browses.get(PAGE).text
    assert "What rest does" in page
    assert "<polyline" in page
    assert bea.email not in page
    assert everything() == before


def test_it_is_not_for_everyone(cleo: Client) -> None:
    assert cleo.get(PAGE).status_code == 302
    cleo.force_login(User.objects.create_user("dara", is_staff=True))
    assert cleo.get(PAGE).status_code == 403
