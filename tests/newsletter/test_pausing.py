"""A reader pauses the digest by a link of their own; the pause ends by itself."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from newsletter import building, delivering
from newsletter.letters import preferences_url
from newsletter.models import Delivery, Subscriber
from newsletter.subscribing import pause, resume
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.scenes import SITE, digest_to, everything

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def path_of(subscriber: Subscriber) -> str:
    return preferences_url(subscriber).removeprefix(SITE)


def audience() -> int:
    ArticleFactory.create()
    digest = building.build_digest(now=timezone.now())
    assert digest
    return digest.audience


def test_bea_pauses_for_four_weeks(bea: Subscriber, cleo: Client) -> None:
    with time_machine.travel(NOON, tick=False):
        answer = cleo.post(path_of(bea), {"weeks": "4"})
    bea.refresh_from_db()
    assert answer.status_code == 200
    assert bea.paused_until_at == NOON + timedelta(weeks=4)
    assert "Paused until 2 April 2026" in answer.content.decode()


def test_looking_at_the_page_changes_nothing(bea: Subscriber, cleo: Client) -> None:
    before = everything()
    page = cleo.get(path_of(bea))
    cleo.head(path_of(bea))
    assert page.status_code == 200
    assert page["Cache-Control"].count("no-store") == 1
    assert page["Referrer-Policy"] == "no-referrer"
    assert not page.cookies
    assert everything() == before


def test_a_digest_leaves_out_who_is_paused(bea: Subscriber) -> None:
    SubscriberFactory.create()
    pause(bea, weeks=2, now=timezone.now())
    assert audience() == 1


def test_the_pause_ends_by_itself(bea: Subscriber) -> None:
    pause(bea, weeks=2, now=timezone.now() - timedelta(weeks=2))
    assert audience() == 1


def test_who_pauses_before_their_turn_is_skipped(bea: Subscriber, mailoutbox: list) -> None:
    digest = digest_to(bea)
    pause(bea, weeks=2, now=timezone.now())
    delivering.deliver_round(digest.pk)
    assert Delivery.objects.get().state == Delivery.State.SKIPPED
    assert mailoutbox == []


def test_bea_ends_her_pause(bea: Subscriber, cleo: Client) -> None:
    pause(bea, weeks=12, now=timezone.now())
    answer = cleo.post(path_of(bea), {"weeks": "0"})
    bea.refresh_from_db()
    assert bea.paused_until_at is None
    assert "It comes to you as usual" in answer.content.decode()


@pytest.mark.parametrize("weeks", ["", "3", "-2", "99999999999999999999", "four", "2\x00"])
def test_a_pause_that_is_not_offered_is_refused(bea: Subscriber, cleo: Client, weeks: str) -> None:
    answer = cleo.post(path_of(bea), {"weeks": weeks})
    bea.refresh_from_db()
    assert answer.status_code == 400
    assert "Please choose" in answer.content.decode()
    assert bea.paused_until_at is None


def test_the_link_to_leave_does_not_open_the_preferences(bea: Subscriber, cleo: Client) -> None:
    forged = path_of(bea)[:-5] + "xxxx/"
    assert cleo.get(forged).status_code == 400
    page = cleo.get(path_of(bea)).content.decode()
    leave = page.split('href="/unsubscribe/')[1].split('"')[0]
    assert cleo.get(f"/preferences/{leave}").status_code == 400


def test_who_has_left_is_told_so(bea: Subscriber, cleo: Client) -> None:
    Subscriber.objects.update(state=Subscriber.State.LEFT)
    assert "You have unsubscribed" in cleo.post(path_of(bea), {"weeks": "2"}).content.decode()
    bea.refresh_from_db()
    assert bea.paused_until_at is None


def test_ending_a_pause_twice_is_harmless(bea: Subscriber) -> None:
    resume(bea, now=timezone.now())
    resume(bea, now=timezone.now())
    assert Subscriber.objects.reachable(timezone.now()).get() == bea
