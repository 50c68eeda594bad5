"""The tick: what is due is done once per period, whatever the clocks and the broker do."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerDown
from pytest_django import Settings

from fibrosite.schedule import SCHEDULE
from newsletter import building, tasks, ticking
from newsletter.models import Cadence, Digest, Rhythm, Subscriber
from newsletter.sending import batches
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import digest_to, race, sign_up, states

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 12, 9, 0)),  # noqa: DTZ001
    ("Europe/Berlin", datetime(2026, 10, 8, 9, 0)),  # noqa: DTZ001
    ("America/New_York", datetime(2026, 2, 22, 9, 0)),  # noqa: DTZ001
    ("America/New_York", datetime(2026, 10, 18, 9, 0)),  # noqa: DTZ001
    # Nights of a change: half past two comes twice in autumn.
    ("Europe/Berlin", datetime(2026, 10, 11, 2, 30)),  # noqa: DTZ001
    ("America/New_York", datetime(2026, 10, 18, 1, 30)),  # noqa: DTZ001
    ("Europe/Berlin", datetime(2026, 3, 15, 0, 0)),  # noqa: DTZ001
]


@pytest.fixture
def due(rhythm: Rhythm) -> Rhythm:
    """A digest that has just fallen due, and something new to put in it."""
    rhythm.next_due_at = timezone.now()
    rhythm.save()
    ArticleFactory.create()
    return rhythm


@pytest.mark.parametrize(("zone", "wall"), CHANGES)
def test_one_digest_a_week_at_the_same_local_hour_through_clock_changes(
    rhythm: Rhythm, bea: Subscriber, settings: Settings, zone: str, wall: datetime
) -> None:
    settings.TIME_ZONE = zone
    first = wall.replace(tzinfo=ZoneInfo(zone))
    Rhythm.objects.update(next_due_at=first)
    for day in range(-1, 50):
        ArticleFactory.create(published_at=first.astimezone(UTC) + day * DAY)
    built = []
    now = first.astimezone(UTC) - timedelta(hours=3)
    while now < first.astimezone(UTC) + 6 * WEEK - DAY:
        if digest := ticking.build_if_due(now=now):
            built.append(digest.covers_to_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None))
        now += timedelta(minutes=30)
    assert built == [wall + week * WEEK for week in range(6)]


def test_an_hour_that_a_night_leaves_out_comes_an_hour_later() -> None:
    # There is no 2:30 in Berlin on 29 March 2026.
    before = datetime(2026, 3, 22, 1, 30, tzinfo=UTC)
    due = ticking.next_due(before, Cadence.WEEKLY, now=before)
    assert due == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("cadence", [Cadence.WEEKLY, Cadence.FORTNIGHTLY, Cadence.MONTHLY])
def test_the_next_one_is_a_period_later(cadence: Cadence) -> None:
    now = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    assert ticking.next_due(now, cadence, now=now) == now + cadence.period


def test_after_a_long_silence_one_digest_comes_and_the_day_is_kept(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    thursday = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    Rhythm.objects.update(next_due_at=thursday)
    now = thursday + timedelta(days=17, hours=3)
    ArticleFactory.create(published_at=now - DAY)
    assert ticking.build_if_due(now=now)
    assert ticking.build_if_due(now=now) is None
    assert Rhythm.objects.get().next_due_at == thursday + 3 * WEEK


def test_nothing_is_built_before_its_time(rhythm: Rhythm) -> None:
    ArticleFactory.create()
    assert ticking.work_to_do(now=timezone.now()) == []
    assert not Digest.objects.exists()


def test_a_period_with_nothing_new_passes_quietly(rhythm: Rhythm, bea: Subscriber) -> None:
    now = timezone.now()
    Rhythm.objects.update(next_due_at=now)
    assert ticking.work_to_do(now=now) == []
    assert Rhythm.objects.get().next_due_at > now


def test_a_failed_build_uses_up_no_period_and_holds_nothing_up(
    due: Rhythm, bea: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*args: Any, **kwargs: Any) -> int:
        raise OperationalError("disk full")

    now = timezone.now()
    on_its_way = digest_to(bea, covers_to_at=now - WEEK)
    with monkeypatch.context() as patch:
        patch.setattr(building, "queue", crash)
        assert ticking.work_to_do(now=now) == [on_its_way.pk]
    assert Rhythm.objects.get().next_due_at == due.next_due_at
    assert len(ticking.work_to_do(now=now)) == 2


def test_the_tick_leaves_its_mark(rhythm: Rhythm) -> None:
    now = timezone.now()
    ticking.work_to_do(now=now)
    assert Rhythm.objects.get().ticked_at == now


def test_a_tick_builds_and_queues_the_digest(
    due: Rhythm,
    bea: Subscriber,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", queued.append)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.tick()
    assert queued == [Digest.objects.get().pk]


def test_a_tick_answers_sign_ups_whose_worker_never_came(
    rhythm: Rhythm, cleo: Any, mailoutbox: list[Any]
) -> None:
    sign_up(cleo, "cleo@readers.example")
    assert mailoutbox == []
    tasks.tick()
    assert len(mailoutbox) == 1


def test_with_the_broker_down_nothing_is_lost_and_the_next_tick_finds_it(
    due: Rhythm,
    bea: Subscriber,
    mailer: Mailer,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def down(*args: Any) -> None:
        raise BrokerDown("connection refused")

    with monkeypatch.context() as patch:
        patch.setattr(tasks.deliver, "delay", down)
        with django_capture_on_commit_callbacks(execute=True):
            tasks.tick()
    digest = Digest.objects.get()
    assert states(digest) == ["queued"]
    monkeypatch.setattr(tasks.deliver, "delay", tasks.deliver)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.tick()
    assert states(digest) == ["sent"]
    assert Digest.objects.count() == 1


def test_with_the_broker_down_a_sign_up_is_thanked_all_the_same(
    cleo: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def down() -> None:
        raise BrokerDown("connection refused")

    monkeypatch.setattr(tasks.answer_sign_ups, "delay", down)
    with django_capture_on_commit_callbacks(execute=True):
        assert sign_up(cleo, "cleo@readers.example").status_code == 303


def test_a_worker_queues_the_next_round_while_more_waits(
    bea: Subscriber,
    mailer: Mailer,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    digest = digest_to(bea, Subscriber.objects.create(email="d@x.example", joined_at=bea.joined_at))
    queued: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", queued.append)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.deliver(digest.pk)
    assert queued == [digest.pk]
    with django_capture_on_commit_callbacks(execute=True):
        tasks.deliver(digest.pk)
    assert queued == [digest.pk]


def test_as_many_workers_are_asked_for_as_may_send_side_by_side(
    rhythm: Rhythm,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.MAIL_SENDERS = 3
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    digest = digest_to(*SubscriberFactory.create_batch(5))
    now = timezone.now()
    assert ticking.work_to_do(now=now) == [digest.pk] * 3
    assert batches.lease(digest.pk, token="worker", now=now)
    queued: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", queued.append)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.keep_sending()
    assert queued == [digest.pk] * 2


def test_a_digest_that_somebody_sends_or_that_rests_is_left_alone(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    digest = digest_to(bea)
    now = timezone.now()
    assert ticking.work_to_do(now=now) == [digest.pk]
    Digest.objects.update(rests_until_at=now + timedelta(minutes=1))
    assert ticking.work_to_do(now=now) == []
    assert ticking.work_to_do(now=now + timedelta(minutes=2)) == [digest.pk]
    Digest.objects.update(rests_until_at=None)
    assert batches.lease(digest.pk, token="worker", now=now)
    assert ticking.work_to_do(now=now) == []


def test_a_tick_settles_what_a_dead_worker_left_and_closes_the_digest(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    digest = digest_to(bea)
    now = timezone.now()
    assert batches.lease(digest.pk, token="worker", now=now)
    assert ticking.work_to_do(now=now + timedelta(hours=1)) == []
    assert states(digest) == ["unknown"]
    assert Digest.objects.get().state == "done"


@pytest.mark.usefixtures("shared_database")
def test_two_ticks_at_once_build_one_digest(due: Rhythm, bea: Subscriber) -> None:
    now = timezone.now()
    found = race(*[lambda: ticking.work_to_do(now=now)] * 3)
    digest = Digest.objects.get()
    assert digest.audience == 1
    assert {tuple(ids) for ids in found} <= {(digest.pk,), ()}
    assert Rhythm.objects.get().next_due_at > now


@pytest.mark.usefixtures("shared_database")
def test_a_tick_and_an_editor_at_once_build_one_digest(due: Rhythm, bea: Subscriber) -> None:
    now = timezone.now()
    race(lambda: ticking.work_to_do(now=now), lambda: building.build_digest(now=timezone.now()))
    assert Digest.objects.count() == 1


def test_a_short_letter_does_not_wait_for_the_end_of_a_long_list(
    bea: Subscriber,
    mailer: Mailer,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    now = timezone.now()
    long = digest_to(bea, *SubscriberFactory.create_batch(2), covers_to_at=now)
    short = digest_to(bea, covers_to_at=now + timedelta(minutes=1))
    queued: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", queued.append)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.deliver(long.pk)
    assert queued == [short.pk]


def test_words_to_send_do_not_pile_up_before_the_ticks() -> None:
    assert tasks.deliver.expires < SCHEDULE["send what is due"]["options"]["expires"]
