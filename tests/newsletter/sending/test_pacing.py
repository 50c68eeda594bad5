"""No more letters a second than the operator says, however many workers there are."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from newsletter.models import Bucket, DomainRest
from newsletter.sending.limits import check_limits
from newsletter.sending.pacing import Pace, why_letters_wait
from tests.newsletter.sending.clocks import Clock, queries, send_as_fast_as_it_goes

pytestmark = pytest.mark.django_db

GMAIL = "gmail.com"
NEXT_DOOR = "readers.example"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def most_within(gone: list[float], seconds: float) -> int:
    """The most letters that left within any stretch of so many seconds."""
    return max(sum(start <= at < start + seconds for at in gone) for start in gone)


def refuse(pace: Pace, times: int, domain: str = GMAIL) -> None:
    for _ in range(times):
        pace.refused(domain, "421 4.7.28 too fast")


def test_nothing_is_asked_while_nothing_is_limited(clock: Clock) -> None:
    pace = clock.pace()
    pace.wait(NEXT_DOOR)
    with queries() as asked:
        for _ in range(1000):
            assert pace.wait(NEXT_DOOR) == 0.0
            pace.accepted(NEXT_DOOR)
    assert len(asked) == 0


@pytest.mark.parametrize("rate", ["0.5", "1", "5.5", "40"])
@pytest.mark.parametrize("workers", [1, 4])
def test_the_site_sends_at_its_rate(
    clock: Clock, settings: Settings, rate: str, workers: int
) -> None:
    settings.MAIL_RATE = rate
    paces = [clock.pace() for _ in range(workers)]
    gone = send_as_fast_as_it_goes(clock, paces, NEXT_DOOR, seconds=30)
    # A bucket that was full at the beginning lets a second and a half of its rate go at once.
    assert 30 * float(rate) * 0.95 - 1 <= len(gone) <= 31.5 * float(rate) + 1
    later = [at for at in gone if at > 10]
    assert most_within(later, 10) <= 12.5 * float(rate) + 1


@pytest.mark.parametrize("workers", [1, 3])
def test_a_rate_costs_about_one_query_a_second(
    clock: Clock, settings: Settings, workers: int
) -> None:
    settings.MAIL_RATE = "50"
    paces = [clock.pace() for _ in range(workers)]
    send_as_fast_as_it_goes(clock, paces, NEXT_DOOR, seconds=10)
    with queries() as asked:
        send_as_fast_as_it_goes(clock, paces, NEXT_DOOR, seconds=60)
    # Each second one worker gets a portion; the others ask, fail, and read when to ask again.
    assert len(asked) <= 60 * (2 * workers - 1) * 1.1 + 6 * workers


def test_a_destination_has_a_rate_of_its_own(clock: Clock, settings: Settings) -> None:
    settings.MAIL_DOMAIN_RATES = "gmail.com=2, yahoo.com=5.5"
    pace = clock.pace()
    gone = send_as_fast_as_it_goes(clock, [pace], "Gmail.com", seconds=30)
    assert 57 <= len(gone) <= 63
    send_as_fast_as_it_goes(clock, [pace], GMAIL, seconds=0.01)
    assert pace.reason == "gmail.com gets 2 letters a second"
    assert [pace.wait(NEXT_DOOR) for _ in range(1000)] == [0.0] * 1000


def test_the_wait_is_as_long_as_it_has_to_be(clock: Clock, settings: Settings) -> None:
    settings.MAIL_RATE = "0.1"
    pace = clock.pace()
    assert pace.wait(NEXT_DOOR) == 0.0
    assert pace.wait(NEXT_DOOR) == pytest.approx(10)
    assert pace.reason == "goes out at 0.1 letters a second"
    clock.move(9)
    assert pace.wait(NEXT_DOOR) == pytest.approx(1)
    clock.move(1.001)
    assert pace.wait(NEXT_DOOR) == 0.0
    assert pace.reason == ""


def test_a_letter_that_waits_for_one_bucket_uses_up_no_other(
    clock: Clock, settings: Settings
) -> None:
    settings.MAIL_RATE, settings.MAIL_DOMAIN_RATES = "1", "gmail.com=0.01"
    pace = clock.pace()
    assert pace.wait(GMAIL) == 0.0
    clock.move(5)
    assert pace.wait(GMAIL) > 0
    assert pace.wait(NEXT_DOOR) == 0.0


def test_what_is_given_back_may_go_again(clock: Clock, settings: Settings) -> None:
    settings.MAIL_RATE = "1"
    pace = clock.pace()
    assert pace.wait(NEXT_DOOR) == 0.0
    pace.give_back(NEXT_DOOR)
    assert pace.wait(NEXT_DOOR) == 0.0
    assert pace.wait(NEXT_DOOR) > 0


@pytest.mark.parametrize("ends", [True, False])
def test_a_worker_that_ends_leaves_its_tokens_to_the_others(
    clock: Clock, settings: Settings, ends: bool
) -> None:
    settings.MAIL_RATE = "80"
    one, other = clock.pace(), clock.pace()
    for _ in range(11):
        assert one.wait(NEXT_DOOR) == 0.0
    if ends:
        one.close()
    used_until = Bucket.objects.get().used_until
    assert round(80 * (used_until - clock.at.timestamp() + 1.5)) == (11 if ends else 30)
    assert other.wait(NEXT_DOOR) == 0.0


def test_tokens_that_lie_about_lapse(clock: Clock, settings: Settings) -> None:
    settings.MAIL_RATE = "80"
    one, other = clock.pace(), clock.pace()
    assert one.wait(NEXT_DOOR) == 0.0
    clock.move(3600)
    gone = send_as_fast_as_it_goes(clock, [one, other], NEXT_DOOR, seconds=0.01)
    assert 60 <= len(gone) <= 80 * 1.5


def test_a_clock_set_back_by_an_hour_stops_nothing(clock: Clock, settings: Settings) -> None:
    settings.MAIL_RATE = "2"
    send_as_fast_as_it_goes(clock, [clock.pace()], NEXT_DOOR, seconds=10)
    clock.at -= timedelta(hours=1)
    gone = send_as_fast_as_it_goes(clock, [clock.pace()], NEXT_DOOR, seconds=10)
    assert 17 <= len(gone) <= 23


def test_five_refusals_in_a_row_let_a_destination_rest(clock: Clock) -> None:
    pace = clock.pace()
    refuse(pace, 4)
    assert pace.wait(GMAIL) == 0.0
    refuse(pace, 1)
    assert pace.wait(GMAIL) == pytest.approx(300)
    assert pace.reason == "gmail.com rests until 12:05 after 5 temporary refusals in a row"
    assert pace.wait(NEXT_DOOR) == 0.0


def test_a_letter_accepted_between_means_no_rest(clock: Clock) -> None:
    pace = clock.pace()
    for _ in range(10):
        refuse(pace, 4)
        pace.accepted(GMAIL)
    assert pace.wait(GMAIL) == 0.0
    assert not DomainRest.objects.exists()


def test_refusals_of_several_workers_add_up(clock: Clock) -> None:
    for _ in range(2):
        pace = clock.pace()
        refuse(pace, 2)
        pace.close()
    pace = clock.pace()
    assert pace.wait(GMAIL) == 0.0
    refuse(pace, 1)
    assert pace.wait(GMAIL) > 0


def test_single_refusals_of_many_destinations_cost_nothing(clock: Clock) -> None:
    pace = clock.pace()
    pace.wait(NEXT_DOOR)
    with queries() as asked:
        for number in range(500):
            refuse(pace, 1, f"greylisting-{number}.example")
        pace.close()
    assert len(asked) == 0


def test_the_other_workers_learn_of_a_rest(clock: Clock) -> None:
    one, other = clock.pace(), clock.pace()
    assert other.wait(GMAIL) == 0.0
    refuse(one, 5)
    clock.move(10)
    assert other.wait(GMAIL) == pytest.approx(290)


def test_letters_under_way_when_a_rest_begins_do_not_make_it_longer(clock: Clock) -> None:
    one, other = clock.pace(), clock.pace()
    refuse(one, 20)
    refuse(other, 20)
    assert clock.pace().wait(GMAIL) == pytest.approx(300)
    assert DomainRest.objects.get().rests == 1


def test_rests_double_up_to_two_hours(clock: Clock) -> None:
    pace = clock.pace()
    minutes = []
    for _ in range(7):
        refuse(pace, 5)
        wait = pace.wait(GMAIL)
        minutes.append(round(wait / 60))
        clock.move(wait + 1)
        assert pace.wait(GMAIL) == 0.0
    assert minutes == [5, 10, 20, 40, 80, 120, 120]


def test_an_acceptance_after_a_rest_forgets_the_rests(clock: Clock) -> None:
    refuse(clock.pace(), 5)
    clock.move(301)
    pace = clock.pace()
    assert pace.wait(GMAIL) == 0.0
    pace.accepted(GMAIL)
    assert not DomainRest.objects.exists()
    refuse(pace, 5)
    assert pace.wait(GMAIL) == pytest.approx(300)


def test_yesterdays_rests_count_no_more(clock: Clock) -> None:
    pace = clock.pace()
    for _ in range(3):
        refuse(pace, 5)
        clock.move(pace.wait(GMAIL) + 1)
    clock.move(86_400)
    pace = clock.pace()
    refuse(pace, 5)
    assert pace.wait(GMAIL) == pytest.approx(300)


def test_editors_read_what_holds_letters_up(clock: Clock, settings: Settings) -> None:
    assert why_letters_wait(now=clock.at) == []
    settings.MAIL_RATE, settings.TIME_ZONE = "20", "Europe/Berlin"
    refuse(clock.pace(), 5)
    assert why_letters_wait(now=clock.at) == [
        "gmail.com rests until 13:05 after 5 temporary refusals in a row: “421 4.7.28 too fast”",
        "goes out at 20 letters a second",
    ]


def test_what_a_server_said_is_kept_short(clock: Clock) -> None:
    pace = clock.pace()
    for _ in range(5):
        pace.refused(GMAIL, "421 " + "x" * 1000)
    assert len(DomainRest.objects.get().words) == 200


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MAIL_RATE", "fast", "'fast' is not a number"),
        ("MAIL_RATE", "-1", "-1 is below zero"),
        ("MAIL_RATE", "nan", "'nan' is not a number"),
        ("MAIL_RATE", "inf", "'inf' is not a number"),
        ("MAIL_DOMAIN_RATES", "gmail.com", "'gmail.com' does not begin with a domain and ="),
        ("MAIL_DOMAIN_RATES", "gmail=2", "'gmail=2' does not begin with a domain and ="),
        ("MAIL_DOMAIN_RATES", "me@gmail.com=2", "does not begin with a domain"),
        ("MAIL_DOMAIN_RATES", "gmail.com=", "'' is not a number"),
        ("MAIL_DOMAIN_RATES", "gmail.com=0", "'gmail.com=0' lets no letter through"),
        ("MAIL_DOMAIN_RATES", "gmail.com=1,GMAIL.com=2", "gmail.com stands there twice"),
        ("MAIL_QUIET_HOURS", "22", "'22' is not two hours"),
        ("MAIL_QUIET_HOURS", "22-24", "'22-24' is not two hours"),
        ("MAIL_QUIET_HOURS", "7-7", "begins and ends at the same hour"),
        ("MAIL_WARM_UP_FROM", "22.11.2026", "'22.11.2026' is not a day"),
        ("MAIL_WARM_UP_FROM", "2026-02-30", "'2026-02-30' is not a day"),
    ],
)
def test_nonsense_in_a_setting_is_told_and_nothing_is_sent(
    settings: Settings, name: str, value: str, said: str
) -> None:
    setattr(settings, name, value)
    found = [one for one in run_checks() if one.id and one.id.startswith("newsletter.E00")]
    assert [one.msg.startswith(name) for one in found] == [True]
    assert said in found[0].msg
    assert found[0].hint
    with pytest.raises(ImproperlyConfigured, match=name):
        Pace()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_RATE", " 12.5 "),
        ("MAIL_RATE", ""),
        ("MAIL_DOMAIN_RATES", " gmail.com = 20 , yahoo.co.uk=0.5,"),
        ("MAIL_QUIET_HOURS", " 22-7 "),
        ("MAIL_QUIET_HOURS", "0-07"),
        ("MAIL_WARM_UP_FROM", "2026-11-22"),
    ],
)
def test_what_makes_sense_is_taken(settings: Settings, name: str, value: str) -> None:
    setattr(settings, name, value)
    assert check_limits(None) == []


def test_a_bucket_is_one_row_for_all(clock: Clock, settings: Settings) -> None:
    settings.MAIL_RATE = "5"
    for _ in range(3):
        clock.pace().wait(NEXT_DOOR)
    assert Bucket.objects.count() == 1


def test_waits_end_when_they_said(clock: Clock, settings: Settings) -> None:
    settings.MAIL_RATE = "7"
    pace = clock.pace()
    gone = []
    for _ in range(100):
        wait = pace.wait(NEXT_DOOR)
        if wait:
            clock.move(wait + 0.001)
        else:
            gone.append(clock.seconds)
    assert len(gone) >= 80
    assert all(later >= earlier for earlier, later in pairwise(gone))
