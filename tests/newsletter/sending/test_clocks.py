"""Nights in which clocks change, and a machine whose clock is set right in the middle of it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from newsletter import delivering, ticking
from newsletter.models import Digest, Rhythm, Subscriber
from newsletter.sending import batches
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import digest_to, states

pytestmark = pytest.mark.django_db

NIGHTS = [
    # Half past two comes twice, and not at all.
    datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
    datetime(2026, 3, 28, 22, 0, tzinfo=UTC),
]
HOUR = timedelta(hours=1)


def tick() -> None:
    """A tick, and the rounds that it asks for."""
    for digest in ticking.work_to_do(now=timezone.now()):
        while delivering.deliver_round(digest):
            pass


@pytest.mark.parametrize("night", NIGHTS)
def test_a_digest_due_in_the_hour_of_the_change_goes_out_once(
    night: datetime, rhythm: Rhythm, bea: Subscriber, mailer: Mailer, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    with time_machine.travel(night - 2 * HOUR, tick=False):
        ArticleFactory.create()
    Rhythm.objects.update(next_due_at=night + timedelta(hours=2, minutes=30))
    for step in range(36):
        with time_machine.travel(night + step * timedelta(minutes=10), tick=False):
            tick()
    assert Digest.objects.count() == 1
    assert mailer.recipients == [bea.email]


@pytest.mark.parametrize("night", NIGHTS)
def test_quiet_hours_last_until_the_wall_clock_says_so(
    night: datetime, rhythm: Rhythm, bea: Subscriber, mailer: Mailer, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    settings.MAIL_QUIET_HOURS = "1-4"
    begin = night + 2 * HOUR
    with time_machine.travel(begin, tick=False):
        digest_to(bea)
    went_at = None
    for step in range(1, 30):
        with time_machine.travel(begin + step * timedelta(minutes=10), tick=False):
            tick()
            if mailer.recipients and went_at is None:
                went_at = timezone.localtime()
    assert went_at
    assert (went_at.hour, went_at.minute) == (4, 0)


@pytest.mark.parametrize("jump", [-HOUR, HOUR, -timedelta(days=1)])
def test_a_clock_that_is_set_right_in_the_middle_sends_nobody_a_second_copy(
    jump: timedelta, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    readers = SubscriberFactory.create_batch(6)
    digest = digest_to(*readers)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        delivering.deliver_round(digest.pk)
    with time_machine.travel(now + jump, tick=False):
        tick()
        assert len(mailer.recipients) == (6 if jump > timedelta() else 2)
    with time_machine.travel(now + 2 * HOUR, tick=False):
        tick()
    assert sorted(mailer.recipients) == sorted(reader.email or "" for reader in readers)
    assert states(digest) == ["sent"] * 6
    digest.refresh_from_db()
    assert digest.state == "done"


def test_a_lease_taken_before_the_clock_was_set_back_ends_all_the_same(mailer: Mailer) -> None:
    digest = digest_to(*SubscriberFactory.create_batch(2))
    now = timezone.now()
    assert batches.lease(digest.pk, token="a worker that is gone", now=now + HOUR)
    with time_machine.travel(now, tick=False):
        tick()
        assert states(digest) == ["queued"] * 2
    with time_machine.travel(now + HOUR + 2 * batches.LEASE, tick=False):
        tick()
    # Nobody knows what that worker handed over.
    assert states(digest) == ["unknown"] * 2
    assert mailer.recipients == []
