"""The editors are told once when a digest ends or stands still, and when a program is silent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from pytest_django import Settings

from newsletter import home, steering, tasks, watching
from newsletter.events import alarming
from newsletter.models import Alarm, Batch, Delivery, Digest, Rhythm, Subscriber
from newsletter.sending.batches import recount
from tests.factories import SubscriberFactory
from tests.newsletter.scenes import digest_to, race

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
State = Delivery.State


@pytest.fixture(autouse=True)
def ada_reads_mail(ada: User) -> User:
    ada.email = "ada@fibrosite.example"
    ada.save()
    return ada


@pytest.fixture
def noon(rhythm: Rhythm) -> datetime:
    """Noon on a site whose scheduler ticks."""
    Rhythm.objects.update(ticked_at=NOON)
    return NOON


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def edition(*fates: str, at: datetime = NOON, **fields: Any) -> Digest:
    """A digest of whose copies this became, the last of them at `at`."""
    with time_machine.travel(at, tick=False):
        digest = digest_to(*SubscriberFactory.create_batch(len(fates)), **fields)
        for copy, fate in zip(digest.deliveries.order_by("pk"), fates, strict=True):
            set_fate(copy, fate, at=at)
        for batch in digest.batches.all():
            recount(batch)
    return digest


def set_fate(copy: Delivery, fate: str, *, at: datetime) -> None:
    state, _, reason = fate.partition(": ")
    copy.state, copy.reason = state, reason
    copy.settled_at = None if state == State.QUEUED else at
    if reason and state == State.QUEUED:
        copy.not_before_at = at + timedelta(hours=2)
    copy.save()


def looked_each_minute(start: datetime, *, during: timedelta) -> list[str]:
    """The subjects of the mails that come of a look each minute, the scheduler ticking."""
    before = len(mail.outbox)
    at = start
    while at <= start + during:
        Rhythm.objects.update(ticked_at=at)
        watching.look(now=at)
        at += minutes(1)
    return [str(letter.subject) for letter in mail.outbox[before:]]


def test_a_digest_that_ended_is_told_of_once(noon: datetime) -> None:
    digest = edition("sent", "sent", "skipped", at=noon)
    took = digest.deliveries.order_by("pk")[0]
    Delivery.objects.filter(pk=took.pk).update(settled_at=noon - minutes(3))
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=noon)
    assert looked_each_minute(noon, during=minutes(30)) == [
        "Fibrosite: “What slow tapping shows” has gone out"
    ]
    words = mail.outbox[-1].body
    assert "Of 3 readers: sent 2, skipped 1. It took 3 minutes." in words
    assert mail.outbox[-1].to == ["ada@fibrosite.example"]


def test_what_is_left_to_do_with_an_ended_digest_is_said(noon: datetime) -> None:
    digest = edition("sent", "failed", "unknown", at=noon)
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=noon)
    watching.look(now=noon)
    assert "sent 1, failed 1, unknown 1" in mail.outbox[0].body
    assert "may have arrived" in mail.outbox[0].body
    assert "can be sent again" in mail.outbox[0].body


def test_a_digest_that_ends_again_after_its_rest_was_sent_is_told_of_again(
    noon: datetime,
) -> None:
    digest = edition("sent", "failed", at=noon)
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=noon)
    watching.look(now=noon)
    Digest.objects.filter(pk=digest.pk).update(finished_at=noon + minutes(2))
    watching.look(now=noon + minutes(3))
    assert len(mail.outbox) == 2


def test_an_old_end_is_no_news(noon: datetime) -> None:
    digest = edition("sent", at=noon)
    old = noon - timedelta(days=2)
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=old)
    watching.look(now=noon)
    assert mail.outbox == []


def test_of_two_workers_who_look_at_once_one_tells(shared_database: None, rhythm: Rhythm) -> None:
    watcher = User.objects.get(username="ada")
    assert watcher.email
    Rhythm.objects.update(ticked_at=NOON - timedelta(hours=1))
    race(*[lambda: watching.tell_of_silent_scheduler(NOON)] * 4)
    assert len(mail.outbox) == 1


def test_a_digest_that_stands_still_is_told_of_once(noon: datetime) -> None:
    edition("sent", "queued", "queued", at=noon)
    assert looked_each_minute(noon, during=minutes(14)) == []
    assert looked_each_minute(noon + minutes(15), during=minutes(60)) == [
        "Fibrosite: “What slow tapping shows” stands still"
    ]
    words = mail.outbox[-1].body
    assert "2 of 3 copies wait" in words
    assert "look whether workers run" in words


def test_a_digest_that_moves_on_is_not_told_of(noon: datetime) -> None:
    digest = edition(*["queued"] * 4, at=noon)
    for number, copy in enumerate(digest.deliveries.order_by("pk")[:3]):
        at = noon + minutes(12 * number)
        assert looked_each_minute(at, during=minutes(11)) == []
        set_fate(copy, "sent", at=at)
        recount(digest.batches.get())
    assert not Alarm.objects.filter(told_at__isnull=False).exists()


def test_a_digest_that_stands_still_again_is_told_of_again(noon: datetime) -> None:
    digest = edition("queued", "queued", at=noon)
    assert len(looked_each_minute(noon, during=minutes(30))) == 1
    set_fate(digest.deliveries.order_by("pk")[0], "sent", at=noon + minutes(31))
    recount(digest.batches.get())
    assert len(looked_each_minute(noon + minutes(31), during=minutes(30))) == 1


def test_the_servers_words_are_said(noon: datetime) -> None:
    fates = ["sent", *["queued: 451 4.7.1 come back later"] * 3]
    edition(*fates, at=noon)
    assert len(looked_each_minute(noon, during=minutes(20))) == 1
    assert "What keeps it: 451 4.7.1 come back" in mail.outbox[-1].body


def test_the_words_of_a_digest_that_rests_are_said(noon: datetime) -> None:
    digest = edition("queued", "queued", at=noon)
    Digest.objects.filter(pk=digest.pk).update(
        rests_until_at=noon + minutes(16), rests_because="sender refused: 550 who are you"
    )
    assert len(looked_each_minute(noon, during=minutes(20))) == 1
    assert "sender refused: 550 who are you" in mail.outbox[-1].body


def test_a_few_stragglers_are_no_alarm(noon: datetime) -> None:
    edition(*["sent"] * 9, "queued: 451 greylisted", at=noon)
    assert looked_each_minute(noon, during=minutes(60)) == []


def test_copies_that_wait_for_their_readers_hour_are_no_alarm(noon: datetime) -> None:
    digest = edition("queued", "queued", at=noon)
    digest.deliveries.update(not_before_at=noon + timedelta(hours=5))
    Batch.objects.update(due_at=noon + timedelta(hours=5))
    assert looked_each_minute(noon, during=minutes(60)) == []


def test_the_night_is_no_alarm(noon: datetime, settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS = "12-13"
    edition("queued", at=noon)
    assert looked_each_minute(noon, during=minutes(74)) == []


def test_the_day_that_a_warm_up_allows_is_no_alarm(noon: datetime, settings: Settings) -> None:
    settings.MAIL_WARM_UP_FROM = "2026-11-22"
    edition("sent", *["queued: 451 slow down"] * 3, at=noon)
    assert looked_each_minute(noon, during=minutes(60)) == []


@pytest.mark.parametrize("state", ["held", "paused", "cancelled", "done"])
def test_only_what_is_on_its_way_can_stand_still(noon: datetime, state: str) -> None:
    edition("queued", at=noon, state=state)
    assert looked_each_minute(noon, during=minutes(30)) == []


def test_a_digest_that_goes_on_after_a_pause_has_its_quarter_of_an_hour(
    noon: datetime,
) -> None:
    digest = edition("sent", "queued", at=noon)
    looked_each_minute(noon, during=minutes(10))
    steering.pause(digest, by="Ada")
    looked_each_minute(noon + minutes(11), during=minutes(120))
    steering.resume(digest)
    assert looked_each_minute(noon + minutes(132), during=minutes(14)) == []
    assert len(looked_each_minute(noon + minutes(147), during=minutes(2))) == 1


def test_a_worker_tells_of_a_silent_scheduler_once(noon: datetime) -> None:
    for number in range(60):
        watching.look(now=noon + minutes(number))
    assert [letter.subject for letter in mail.outbox] == ["Fibrosite: the scheduler is silent"]
    assert "did not tick since 12:00" in mail.outbox[0].body


def test_the_scheduler_tells_of_silent_workers_once(noon: datetime) -> None:
    for number in range(60):
        watching.look_from_scheduler(now=noon + minutes(number))
    assert [letter.subject for letter in mail.outbox] == ["Fibrosite: no worker runs"]
    assert "since 12:00" in mail.outbox[0].body


def test_a_second_silence_is_told_of_again(noon: datetime) -> None:
    watching.look(now=noon + minutes(6))
    Rhythm.objects.update(ticked_at=noon + minutes(7))
    watching.look(now=noon + minutes(8))
    watching.look(now=noon + minutes(13))
    assert len(mail.outbox) == 2


def test_five_minutes_are_no_silence(noon: datetime) -> None:
    watching.look(now=noon + minutes(5))
    assert mail.outbox == []


def test_a_site_that_never_ticked_is_not_silent_but_new(rhythm: Rhythm) -> None:
    watching.look(now=NOON)
    assert mail.outbox == []


def test_a_copy_of_the_site_tells_nobody(noon: datetime, settings: Settings) -> None:
    settings.HOLD_COPIES = True
    Rhythm.objects.update(home="https://elsewhere.example")
    digest = edition("sent", at=noon)
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=noon)
    watching.look(now=noon + minutes(10))
    assert home.why_held()
    assert mail.outbox == []


def test_a_look_that_fails_stops_no_other_look(
    noon: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(digest: Digest) -> str:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(watching, "_sums", fail)
    digest = edition("sent", at=noon)
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=noon)
    watching.look(now=noon + minutes(10))
    assert "a fault of ours" in caplog.text
    assert [letter.subject for letter in mail.outbox] == ["Fibrosite: the scheduler is silent"]


def test_a_mail_server_that_is_away_stops_nothing(
    noon: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(alarming.EmailMessage, "send", away)
    watching.look(now=noon + minutes(10))
    assert "was not sent" in caplog.text


def test_the_task_looks_at_the_clock(bea: Subscriber, rhythm: Rhythm) -> None:
    Rhythm.objects.update(ticked_at=NOON)
    with time_machine.travel(NOON + minutes(6), tick=False):
        tasks.watch()
    assert len(mail.outbox) == 1


def test_alarms_are_forgotten_in_the_end(noon: datetime) -> None:
    long_ago = noon - timedelta(days=91)
    Alarm.objects.create(occurrence="long ago", noted_at=long_ago, told_at=long_ago)
    watching.look(now=noon + minutes(6))
    assert not Alarm.objects.filter(occurrence="long ago").exists()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (28, "28 seconds"),
        (120, "2 minutes"),
        (7199, "2 hours"),
        (7260, "2 hours 1 minute"),
        (20_000, "5 hours 33 minutes"),
    ],
)
def test_how_long_it_took_in_words(seconds: int, words: str) -> None:
    assert watching.in_time(timedelta(seconds=seconds)) == words


def test_a_digest_whose_sums_do_not_agree_is_told_of(noon: datetime) -> None:
    digest = edition("sent", "sent", state=Digest.State.SENDING)
    Digest.objects.filter(pk=digest.pk).update(audience=3)
    watching.tell_of_standstills(NOON)
    watching.tell_of_standstills(NOON + minutes(16))
    [letter] = mail.outbox
    assert "stands still" in letter.subject


def test_no_readers_address_is_in_what_the_server_says(noon: datetime) -> None:
    refused = [f"queued: 450 4.2.0 <reader{n}@x.example>: come back later" for n in range(3)]
    digest = edition(*refused, "queued: 451 your turn is later", state=Digest.State.SENDING)
    assert watching.usual_refusal(digest) == "450 4.2.0 <(address)>: come back later"
