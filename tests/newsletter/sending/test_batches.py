"""Batches: cut once, in one worker's hands at a time, counted as their rows are."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from newsletter import building
from newsletter.models import Batch, Delivery, Digest, Rhythm, Subscriber
from newsletter.sending import batches
from tests.factories import ArticleFactory, DigestFactory, SubscriberFactory
from tests.newsletter.scenes import digest_to, race
from tests.newsletter.sending.workers import counted, only_batch

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one copy each."""
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)


def digest_of(copies: int, **fields: Any) -> Digest:
    return digest_to(*SubscriberFactory.create_batch(copies), **fields)


def lease(digest: Digest, token: str = "worker", now: Any = None) -> Batch | None:
    return batches.lease(digest.pk, token=token, now=now or timezone.now())


@pytest.mark.parametrize(("rows", "most"), [(1, 7), (2, 5), (3, 4), (7, 2), (2000, 2)])
def test_each_copy_lies_in_one_batch(monkeypatch: pytest.MonkeyPatch, rows: int, most: int) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", rows)
    digest = digest_of(7)
    sizes = list(digest.batches.values_list("queued", flat=True))
    assert max(sizes) <= rows
    assert len(sizes) <= most
    held = [copy.pk for batch in digest.batches.all() for copy in batch.copies()]
    assert held == list(digest.deliveries.values_list("pk", flat=True))
    assert counted(digest)


@pytest.mark.usefixtures("small")
def test_copies_of_another_digest_in_between_do_not_matter() -> None:
    mine, other = DigestFactory.create(audience=3), DigestFactory.create(audience=3)
    last, now = batches.last_copy(), timezone.now()
    for reader in SubscriberFactory.create_batch(3):
        for digest in (mine, other):
            Delivery.objects.create(digest=digest, subscriber=reader, not_before_at=now)
    for digest in (mine, other):
        batches.cut(digest, after=last, due_at=now)
        assert counted(digest)
        held = [copy.digest_id for batch in digest.batches.all() for copy in batch.copies()]
        assert held == [digest.pk] * 3


def test_a_digest_without_copies_has_no_batch() -> None:
    digest_of(0)
    assert not Batch.objects.exists()


def test_readers_with_an_hour_of_their_own_do_not_hold_up_the_others(rhythm: Rhythm) -> None:
    now = timezone.now()
    later = (now.hour + 3) % 24
    SubscriberFactory.create_batch(2)
    SubscriberFactory.create_batch(3, hour=later)
    ArticleFactory.create()
    digest = building.build_digest(now=now)
    assert digest
    at_once, at_their_hour = digest.batches.order_by("due_at")
    assert (at_once.queued, at_once.due_at) == (2, now)
    assert (at_their_hour.queued, at_their_hour.due_at.hour) == (3, later)
    assert batches.due_of(digest.pk, now=now).get() == at_once


@pytest.mark.usefixtures("small")
def test_batches_go_in_their_order_each_to_one_worker(settings: Settings) -> None:
    settings.MAIL_SENDERS = 9
    digest = digest_of(3)
    first, second, third = digest.batches.all()
    Batch.objects.filter(pk=first.pk).update(due_at=first.due_at + timedelta(milliseconds=1))
    leased = [lease(digest, token) for token in ("a", "b", "c", "d")]
    assert leased == [second, third, first, None]
    held = Batch.objects.order_by("owner").values_list("owner", "state")
    assert list(held) == [("a", "leased"), ("b", "leased"), ("c", "leased")]


@pytest.mark.usefixtures("small")
def test_no_more_go_at_once_than_mail_senders(settings: Settings) -> None:
    settings.MAIL_SENDERS = 2
    one, other = digest_of(2), digest_of(2)
    assert lease(one)
    assert lease(other)
    assert lease(one) is None
    assert lease(other) is None
    # A worker that never came back holds up nobody.
    assert lease(one, now=timezone.now() + batches.LEASE + MINUTE)


@pytest.mark.usefixtures("shared_database", "small")
def test_no_more_go_at_once_than_mail_senders_even_if_all_ask_at_once(settings: Settings) -> None:
    settings.MAIL_SENDERS = 2
    digest = digest_of(6)
    got = race(*[lambda n=n: lease(digest, f"worker {n}") for n in range(6)])
    assert len([batch for batch in got if batch]) == 2


@pytest.mark.parametrize("state", ["held", "paused", "cancelled", "done"])
def test_only_of_a_digest_on_its_way(state: str) -> None:
    assert lease(digest_of(1, state=state)) is None


def test_not_before_it_is_due_nor_while_its_digest_rests() -> None:
    digest, now = digest_of(1), timezone.now()
    Batch.objects.update(due_at=now + MINUTE)
    assert lease(digest, now=now) is None
    Digest.objects.update(rests_until_at=now + 2 * MINUTE)
    assert lease(digest, now=now + MINUTE) is None
    assert lease(digest, now=now + 2 * MINUTE)


@pytest.mark.usefixtures("shared_database", "small")
def test_workers_at_once_never_get_the_same_batch(settings: Settings) -> None:
    settings.MAIL_SENDERS = 9
    digest = digest_of(4)
    got = race(*[lambda n=n: lease(digest, f"worker {n}") for n in range(6)])
    keys = [batch.pk for batch in got if batch]
    assert len(keys) == len(set(keys)) == 4
    assert {batch.owner for batch in Batch.objects.all()} == {b.owner for b in got if b}


def test_a_lease_is_renewed_by_its_holder_alone() -> None:
    digest, now = digest_of(1), timezone.now()
    batch = lease(digest)
    assert batch
    assert batches.renew(batch, now=now + MINUTE)
    assert only_batch().leased_until_at == now + MINUTE + batches.LEASE
    Batch.objects.update(owner="another")
    assert not batches.renew(batch, now=now + 2 * MINUTE)
    assert only_batch().leased_until_at == now + MINUTE + batches.LEASE


def test_a_holder_learns_that_its_digest_was_stopped_and_holds_the_batch_all_the_same() -> None:
    digest, now = digest_of(1), timezone.now()
    batch = lease(digest)
    assert batch
    Digest.objects.update(state="paused")
    assert not batches.renew(batch, now=now + MINUTE)
    assert only_batch().leased_until_at == now + MINUTE + batches.LEASE


def set_states(digest: Digest, *states: str) -> None:
    for copy, state in zip(digest.deliveries.all(), states, strict=True):
        Delivery.objects.filter(pk=copy.pk).update(state=state)


def test_counting_tells_what_its_rows_are_and_gives_it_up() -> None:
    digest = digest_of(6)
    batch = lease(digest)
    assert batch
    set_states(digest, "sent", "sent", "skipped", "failed", "unknown", "queued")
    batches.recount(batch)
    now = only_batch()
    assert (now.sent, now.skipped, now.failed, now.unknown, now.queued) == (2, 1, 1, 1, 1)
    assert (now.state, now.owner, now.leased_at, now.leased_until_at) == ("waiting", "", None, None)
    assert now.settled_at
    assert counted(digest)


def test_what_is_left_waits_for_the_soonest_of_its_rows() -> None:
    digest, now = digest_of(3), timezone.now()
    soon, late, sent = digest.deliveries.all()
    for copy, minutes in ((soon, 5), (late, 9), (sent, 1)):
        Delivery.objects.filter(pk=copy.pk).update(not_before_at=now + minutes * MINUTE)
    Delivery.objects.filter(pk=sent.pk).update(state="sent")
    batches.recount(only_batch())
    assert only_batch().due_at == now + 5 * MINUTE
    batches.recount(only_batch(), due_at=now + 7 * MINUTE)
    assert only_batch().due_at == now + 7 * MINUTE
    batches.recount(only_batch(), due_at=now + 3 * MINUTE)
    assert only_batch().due_at == now + 5 * MINUTE


def test_a_batch_without_rows_that_wait_is_done() -> None:
    digest = digest_of(2)
    set_states(digest, "failed", "unknown")
    batches.recount(only_batch())
    assert only_batch().state == "done"
    assert digest.counts() == {"failed": 1, "unknown": 1}


def test_what_changes_outside_of_sending_is_counted_but_not_in_a_workers_hands() -> None:
    digest = digest_of(2)
    keys = list(digest.deliveries.values_list("pk", flat=True))
    assert lease(digest)
    set_states(digest, "sent", "queued")
    batches.count_again(keys)
    assert digest.counts() == {"queued": 2}
    assert only_batch().state == "leased"
    batches.recount(only_batch())
    set_states(digest, "sent", "sent")
    batches.count_again([*keys, 999_999])
    assert digest.counts() == {"sent": 2}
    assert only_batch().state == "done"


@pytest.mark.usefixtures("small")
def test_many_digests_are_counted_in_one_query_without_a_look_at_their_rows() -> None:
    digests = [digest_of(number) for number in (0, 1, 5)]
    with CaptureQueriesContext(connection) as asked:
        counts = Digest.counts_of([digest.pk for digest in digests])
    assert list(counts.values()) == [{}, {"queued": 1}, {"queued": 5}]
    assert len(asked) == 1
    assert "newsletter_delivery" not in asked[0]["sql"]


def test_an_erased_reader_stays_in_the_sum(bea: Subscriber) -> None:
    digest = digest_to(bea, *SubscriberFactory.create_batch(1))
    bea.delete()
    batches.recount(only_batch())
    assert counted(digest)


@pytest.mark.usefixtures("shared_database")
def test_a_report_in_the_midst_of_settling_is_counted() -> None:
    digest = digest_of(2)
    first = digest.deliveries.first()
    assert first
    told, settling = threading.Event(), threading.Event()
    held = lease(digest)
    assert held

    def report() -> None:
        with transaction.atomic():
            Delivery.objects.filter(pk=first.pk).update(state="sent")
            batches.count_again([first.pk])
            told.set()
            # SQLite lets nobody write meanwhile, so nobody comes.
            settling.wait(timeout=0.5)

    def count() -> None:
        told.wait(timeout=5)
        with transaction.atomic():
            batch = Batch.objects.select_for_update().get(pk=held.pk)
            batches.recount(batch)
            settling.set()

    race(report, count)
    assert counted(digest)
