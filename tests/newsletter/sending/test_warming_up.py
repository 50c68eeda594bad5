"""A new domain sends few letters at first, and twice as many each day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from newsletter.models import WarmUpDay
from newsletter.sending.limits import warm_up_limit
from newsletter.sending.pacing import Pace, why_letters_wait
from tests.newsletter.sending.clocks import Clock, queries

START = date(2026, 11, 22)


def send_all(*paces: Pace) -> int:
    """How many letters leave until none may any more."""
    sent = 0
    while True:
        gone = sum(pace.wait("gmail.com") == 0.0 for pace in paces)
        if not gone:
            return sent
        sent += gone


@pytest.fixture
def clock(settings: Settings) -> Clock:
    """Noon of the first day."""
    settings.MAIL_WARM_UP_FROM = START.isoformat()
    return Clock(datetime(2026, 11, 22, 12, tzinfo=UTC))


def test_the_days_of_a_warm_up() -> None:
    limits = [warm_up_limit(START + timedelta(days=number), START) for number in range(-1, 12)]
    assert limits == [
        *[None, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 100_000],
        *[None, None],
    ]
    assert warm_up_limit(date.max, START) is None


@pytest.mark.django_db
@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_day_has_200_letters_for_all_workers(clock: Clock, workers: int) -> None:
    paces = [clock.pace() for _ in range(workers)]
    assert send_all(*paces) == 200
    assert send_all(clock.pace()) == 0


@pytest.mark.django_db
def test_what_is_over_waits_for_the_next_day_and_says_so(clock: Clock) -> None:
    pace = clock.pace()
    send_all(pace)
    assert pace.wait("gmail.com") == pytest.approx(12 * 3600)
    assert pace.reason == "warming up: 200 letters today, the others from tomorrow on"
    clock.move(12 * 3600)
    assert send_all(pace) == 400


@pytest.mark.django_db
def test_a_day_begins_in_the_sites_zone_and_may_have_25_hours(settings: Settings) -> None:
    settings.MAIL_WARM_UP_FROM, settings.TIME_ZONE = "2026-10-25", "Europe/Berlin"
    clock = Clock(datetime(2026, 10, 24, 22, tzinfo=UTC))
    pace = clock.pace()
    assert send_all(pace) == 200
    assert pace.wait("gmail.com") == pytest.approx(25 * 3600)


@pytest.mark.django_db
def test_a_worker_that_ends_gives_back_what_it_held(clock: Clock) -> None:
    pace = clock.pace()
    assert pace.wait("gmail.com") == 0.0
    pace.close()
    assert WarmUpDay.objects.get().letters == 1
    assert send_all(clock.pace()) == 199


@pytest.mark.django_db
def test_a_letter_that_did_not_go_does_not_count(clock: Clock) -> None:
    pace = clock.pace()
    for _ in range(3):
        assert pace.wait("gmail.com") == 0.0
        pace.give_back("gmail.com")
    pace.close()
    assert WarmUpDay.objects.get().letters == 0


@pytest.mark.django_db
def test_few_queries_are_made_for_it(clock: Clock) -> None:
    clock.move(8 * 86_400)
    pace = clock.pace()
    with queries() as asked:
        assert send_all(pace) == 51_200
    assert len(asked) < 51_200 / 100


@pytest.mark.django_db
def test_editors_read_how_far_the_day_is(clock: Clock) -> None:
    pace = clock.pace()
    for _ in range(10):
        pace.wait("gmail.com")
    assert why_letters_wait(now=clock.at) == [
        "warming up: 200 letters today, of which 10 are gone or on their way"
    ]
    assert why_letters_wait(now=clock.at + timedelta(days=60)) == []


@pytest.mark.django_db
def test_before_the_first_day_and_after_the_last_nothing_is_counted(clock: Clock) -> None:
    for days in (-1, 20):
        clock.at = datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(days=days)
        pace = clock.pace()
        assert [pace.wait("gmail.com") for _ in range(500)] == [0.0] * 500
    assert not WarmUpDay.objects.exists()
