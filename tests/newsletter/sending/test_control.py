"""While a batch is on its way: whoever stops it, leaves or moves is heeded within one look-up."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from newsletter import delivering, steering, subscribing
from newsletter.models import Batch, Correction, Delivery, Digest, Rhythm, Subscriber
from newsletter.sending import load
from newsletter.sending.load import Load
from newsletter.sending.settling import settle
from tests.factories import NOON, SubscriberFactory
from tests.newsletter.conftest import Mailer, Post
from tests.newsletter.scenes import digest_to, states
from tests.newsletter.sending.workers import (
    counted,
    hands_over,
    journals,
    only_batch,
    worker_of,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def digest(rhythm: Rhythm) -> Digest:
    """A digest on its way to four readers."""
    return digest_to(*SubscriberFactory.create_batch(4))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look-up is one."""
    monkeypatch.setattr(load, "LOOK_UP", -1.0)


def ends(worker: Load) -> None:
    """The worker settles and is gone."""
    worker.close()
    settle(worker, now=timezone.now())
    worker.notes.close(keep=False)


def reader_of(digest: Digest, place: int) -> Subscriber:
    reader = digest.deliveries.all()[place].subscriber
    assert reader
    return reader


def brake(digest: Digest) -> None:
    Digest.objects.filter(pk=digest.pk).update(state="paused", reason="Stopped by itself")


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(
    "stop",
    [
        lambda digest: steering.pause(digest, by="ada"),
        lambda digest: steering.cancel(digest, by="ada"),
        brake,
        lambda digest: Batch.objects.update(owner="another"),
        lambda digest: Batch.objects.update(state="waiting", owner=""),
    ],
    ids=["pause", "cancel", "brake", "another holds it", "given up"],
)
def test_who_stops_it_stops_it(digest: Digest, stop: Callable[[Digest], Any]) -> None:
    worker = worker_of(digest)
    hands_over(worker, accepted=1)
    stop(digest)
    assert not worker.is_over
    worker.look_up()
    assert worker.is_over
    assert worker.take() is None
    ends(worker)
    assert sorted(states(digest)) == ["queued", "queued", "queued", "sent"]


@pytest.mark.usefixtures("looks")
def test_quiet_hours_begin_on_time(digest: Digest, settings: Settings) -> None:
    with time_machine.travel(NOON + timedelta(days=365), tick=False) as clock:
        worker = worker_of(digest)
        settings.MAIL_QUIET_HOURS = "13-14"
        worker.look_up()
        assert worker.take()
        clock.shift(timedelta(hours=1))
        worker.look_up()
        assert worker.take() is None
        assert delivering.deliver_round(digest.pk) is False
        worker.notes.close(keep=False)


def test_a_look_up_comes_once_a_second_and_asks_nothing_in_between(
    digest: Digest, django_assert_num_queries: Any
) -> None:
    assert load.LOOK_UP <= 1.0
    worker = worker_of(digest)
    with django_assert_num_queries(0):
        for _ in range(1000):
            worker.look_up()
    worker._looked = time.monotonic() - load.LOOK_UP - 0.01
    steering.pause(digest, by="ada")
    worker.look_up()
    assert worker.is_over
    worker.notes.close(keep=False)


@pytest.mark.usefixtures("looks")
def test_a_look_up_holds_the_batch_for_longer(digest: Digest) -> None:
    worker = worker_of(digest)
    before = only_batch().leased_until_at
    worker.look_up()
    after = only_batch().leased_until_at
    assert before
    assert after
    assert after > before
    worker.notes.close(keep=False)


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(
    "goes",
    [
        lambda reader: subscribing.leave(reader, method="one-click", now=timezone.now()),
        lambda reader: subscribing.pause(reader, weeks=2, now=timezone.now()),
        lambda reader: Subscriber.objects.filter(pk=reader.pk).update(state="blocked"),
        lambda reader: reader.delete(),
    ],
    ids=["leaves", "pauses", "is blocked", "is erased"],
)
def test_who_goes_while_a_batch_is_on_its_way_gets_nothing(
    digest: Digest, goes: Callable[[Subscriber], Any]
) -> None:
    reader = reader_of(digest, 2)
    worker = worker_of(digest)
    hands_over(worker, accepted=1)
    goes(reader)
    worker.look_up()
    assert len(hands_over(worker, accepted=2)) == 2
    assert worker.is_over
    ends(worker)
    assert states(digest) == ["sent", "sent", "skipped", "sent"]
    assert counted(digest)
    assert delivering.finish_if_done(digest.pk, now=timezone.now())


@pytest.mark.usefixtures("looks")
def test_who_went_before_it_was_taken_up_gets_nothing_either(
    digest: Digest, mailer: Mailer
) -> None:
    reader_of(digest, 0).delete()
    subscribing.leave(reader_of(digest, 1), method="page", now=timezone.now())
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["skipped", "skipped", "sent", "sent"]
    assert Digest.objects.get().state == "done"


@pytest.mark.usefixtures("looks")
def test_a_changed_address_is_used(digest: Digest) -> None:
    worker = worker_of(digest)
    Subscriber.objects.filter(pk=reader_of(digest, 1).pk).update(email="moved@new.example")
    worker.look_up()
    copies = hands_over(worker, accepted=4)
    assert copies[1].email == "moved@new.example"
    assert copies[1].domain == "new.example"
    worker.notes.close(keep=False)


@pytest.mark.usefixtures("looks")
def test_a_look_up_gives_no_copy_twice(digest: Digest) -> None:
    worker = worker_of(digest)
    taken = []
    for _ in range(4):
        copy = worker.take()
        assert copy
        worker.look_up()
        taken.append(copy.pk)
    worker.look_up()
    assert worker.take() is None
    assert sorted(taken) == sorted(digest.deliveries.values_list("pk", flat=True))
    worker.notes.close(keep=False)


@pytest.mark.usefixtures("looks")
def test_what_was_put_back_comes_again_also_after_a_look_up(digest: Digest) -> None:
    worker = worker_of(digest)
    copy = worker.take()
    assert copy
    worker.put_back(copy)
    worker.look_up()
    assert len(hands_over(worker, accepted=4)) == 4
    ends(worker)
    assert states(digest) == ["sent"] * 4


def test_corrections_come_with_their_copies_alone(digest: Digest) -> None:
    about = {"study_key": 1, "found_at": NOON, "is_grave": False, "text": "Corrected."}
    lines = [
        Correction.objects.create(digest=digest, notice_key=key, html="<p>Corrected.</p>", **about)
        for key in (1, 2)
    ]
    first, second, *_ = digest.deliveries.all()
    first.corrections.set(lines)
    second.corrections.set(lines[1:])
    worker = worker_of(digest)
    found = [copy.corrections for copy in hands_over(worker, accepted=4)]
    one, two = (line.pk for line in lines)
    assert found == [(one, two), (two,), (), ()]
    assert worker.corrections == {one: lines[0], two: lines[1]}
    worker.notes.close(keep=False)


def test_a_round_ends_in_time_and_what_is_left_goes_next(
    digest: Digest, monkeypatch: pytest.MonkeyPatch, mailer: Mailer
) -> None:
    monkeypatch.setattr(load, "ROUND_SECONDS", -1)
    worker = worker_of(digest)
    # Time runs from the first letter: a server that greets slowly still gets some.
    assert not worker.is_over
    assert len(hands_over(worker, accepted=1)) == 1
    assert worker.is_over
    ends(worker)
    assert sorted(states(digest)) == ["queued", "queued", "queued", "sent"]
    assert only_batch().state == "waiting"


def test_a_lease_that_nobody_could_renew_ends_the_load(digest: Digest) -> None:
    worker = worker_of(digest)
    worker._lease_ends = time.monotonic() - 1
    assert worker.is_over
    assert worker.take() is None
    worker.notes.close(keep=False)


@pytest.mark.usefixtures("looks")
def test_paused_and_resumed_it_goes_on_where_it_stopped(digest: Digest, mailer: Mailer) -> None:
    mailer.answers = [None, lambda: steering.pause(digest, by="ada")]
    assert delivering.deliver_round(digest.pk) is False
    assert len(mailer.letters) == 2
    assert delivering.deliver_round(digest.pk) is False
    assert len(mailer.letters) == 2
    steering.resume(digest)
    delivering.deliver_round(digest.pk)
    assert len(set(mailer.recipients)) == len(mailer.recipients) == 4
    assert Digest.objects.get().state == "done"


class Meanwhile:
    """Something that happens once the first letters are out, right before a look-up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, what: Callable[[], Any]) -> None:
        real, self.happened = Load._look, False

        def look(worker: Load) -> None:
            if worker.sent and not self.happened:
                self.happened = True
                what()
            real(worker)

        monkeypatch.setattr(load, "LOOK_UP", -1.0)
        monkeypatch.setattr(Load, "_look", look)


def test_by_smtp_who_leaves_meanwhile_gets_nothing(
    rhythm: Rhythm, post: Post, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_CONNECTIONS = 1
    *others, last = SubscriberFactory.create_batch(8)
    digest = digest_to(*others, last)
    leaves = Meanwhile(
        monkeypatch, lambda: subscribing.leave(last, method="page", now=timezone.now())
    )
    delivering.deliver_round(digest.pk)
    assert leaves.happened
    assert states(digest) == ["sent"] * 7 + ["skipped"]
    assert last.email not in post.recipients
    assert Digest.objects.get().state == "done"


@pytest.mark.parametrize("verb", [steering.pause, steering.cancel])
def test_by_smtp_an_editor_stops_it_and_what_was_handed_over_is_settled(
    rhythm: Rhythm, post: Post, settings: Settings, monkeypatch: pytest.MonkeyPatch, verb: Any
) -> None:
    settings.MAIL_CONNECTIONS = 1
    digest = digest_to(*SubscriberFactory.create_batch(30))
    stops = Meanwhile(monkeypatch, lambda: verb(digest, by="ada"))
    assert delivering.deliver_round(digest.pk) is False
    assert stops.happened
    sent = Delivery.objects.filter(state="sent")
    assert 0 < sent.count() == len(post.recipients) < 30
    assert {copy.subscriber.email for copy in sent if copy.subscriber} == set(post.recipients)
    assert counted(digest)
    assert journals() == []
