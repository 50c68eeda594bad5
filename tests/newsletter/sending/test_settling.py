"""Settling: what became of a batch's copies is written in a few statements, and adds up."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import building, delivering
from newsletter.models import Delivery, Digest, MailEvent, Rhythm, Subscriber
from newsletter.outcomes import Outcome
from newsletter.sending import batches, settling
from newsletter.sending.load import Load
from newsletter.sending.settling import settle
from tests.factories import DigestFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import built_digest, digest_to, states
from tests.newsletter.sending.workers import SENT, counted, only_batch, worker_of

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
State = Delivery.State
LATER = Outcome(State.QUEUED, "451 later")
NOBODY = Outcome(State.FAILED, "550 5.1.1 no such user")
BROKEN = Outcome(State.UNKNOWN, "connection lost")


def digest_of(copies: int) -> Digest:
    return digest_to(*SubscriberFactory.create_batch(copies))


def carry(load: Load, *outcomes: Outcome | None) -> None:
    """Settle the copies one after the other so; None: it is taken, and put back."""
    for outcome in outcomes:
        copy = load.take()
        assert copy is not None
        load.begin(copy)
        if outcome is None:
            load.put_back(copy)
        else:
            load.settle(copy, outcome)


def settled(digest: Digest, *outcomes: Outcome | None) -> Load:
    """The batch of a digest in which these became of the first copies."""
    load = worker_of(digest)
    carry(load, *outcomes)
    load.close()
    settle(load, now=timezone.now())
    load.notes.close(keep=False)
    return load


def test_each_copy_becomes_what_became_of_it() -> None:
    digest = digest_of(6)
    settled(digest, SENT, LATER, NOBODY, SENT, BROKEN)
    assert states(digest) == ["sent", "queued", "failed", "sent", "unknown", "queued"]
    rows = digest.deliveries.values_list("reason", "attempts")
    assert list(rows) == [
        ("", 1),
        ("451 later", 1),
        ("550 5.1.1 no such user", 1),
        ("", 1),
        ("connection lost", 1),
        ("", 0),
    ]
    final = digest.deliveries.exclude(state="queued")
    assert not final.filter(settled_at=None).exists()
    assert not digest.deliveries.filter(state="queued", settled_at__isnull=False).exists()
    assert counted(digest)


MIXED = [SENT, SENT, LATER, SENT, NOBODY, SENT, BROKEN, SENT, SENT, SENT]


def asked_while_settling(copies: int) -> int:
    digest = digest_of(copies)
    load = worker_of(digest)
    carry(load, *(MIXED * (copies // len(MIXED))))
    load.close()
    with CaptureQueriesContext(connection) as asked:
        settle(load, now=timezone.now())
    load.notes.close(keep=False)
    assert counted(digest)
    return len(asked)


def test_a_batch_is_a_few_statements_however_many_copies_it_has() -> None:
    few, many = asked_while_settling(10), asked_while_settling(200)
    # Two more savepoints at most, for the parts of the exceptions.
    assert few <= many <= few + 2
    assert many <= 16


def test_a_batch_in_which_all_went_well_is_fewer_still() -> None:
    digest = digest_of(50)
    load = worker_of(digest)
    carry(load, *[SENT] * 50)
    load.close()
    with CaptureQueriesContext(connection) as asked:
        settle(load, now=timezone.now())
    load.notes.close(keep=False)
    assert len(asked) <= 7
    assert states(digest) == ["sent"] * 50


def interleaved() -> tuple[Digest, Digest]:
    """Two digests whose copies lie among each other."""
    mine, other = DigestFactory.create(audience=6), DigestFactory.create(audience=6)
    last, now = batches.last_copy(), timezone.now()
    for reader in SubscriberFactory.create_batch(6):
        for digest in (mine, other):
            variant = digest.variants.get()
            Delivery.objects.create(
                digest=digest, subscriber=reader, variant=variant, not_before_at=now
            )
    for digest in (mine, other):
        batches.cut(digest, after=last, due_at=now)
    return mine, other


@pytest.mark.parametrize("few", [200, 0])
def test_copies_of_others_in_between_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(settling, "FEW", few)
    mine, other = interleaved()
    early = mine.deliveries.all()[1]
    # Nor is one of its own that was settled before, or that is not due yet.
    Delivery.objects.filter(pk=early.pk).update(state="failed", reason="before")
    later = mine.deliveries.all()[3]
    Delivery.objects.filter(pk=later.pk).update(not_before_at=timezone.now() + MINUTE)
    settled(mine, SENT, SENT, None, SENT, SENT)
    assert states(mine) == ["sent", "failed", "sent", "queued", "sent", "sent"]
    assert states(other) == ["queued"] * 6
    assert counted(mine)
    assert counted(other)


@pytest.mark.parametrize("few", [200, 0])
def test_both_ways_of_marking_what_was_sent_say_the_same(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(settling, "FEW", few)
    digest = digest_of(10)
    settled(digest, *MIXED)
    short = {SENT: "sent", LATER: "queued", NOBODY: "failed", BROKEN: "unknown"}
    assert states(digest) == [short[outcome] for outcome in MIXED]
    assert set(digest.deliveries.values_list("attempts", flat=True)) == {1}


def test_a_copy_that_was_put_back_goes_again_with_all_its_attempts() -> None:
    digest = digest_of(2)
    load = worker_of(digest)
    carry(load, None, SENT, SENT)
    load.close()
    settle(load, now=timezone.now())
    load.notes.close(keep=False)
    assert states(digest) == ["sent", "sent"]
    assert set(digest.deliveries.values_list("attempts", flat=True)) == {1}


def test_what_was_put_back_at_the_end_is_not_called_sent_with_its_neighbours() -> None:
    digest = digest_of(4)
    load = worker_of(digest)
    copies = [load.take() for _ in range(3)]
    first, second, third = [copy for copy in copies if copy]
    load.begin(second)
    load.settle(first, SENT)
    load.settle(third, SENT)
    load.put_back(second)
    load.close()
    settle(load, now=timezone.now())
    load.notes.close(keep=False)
    assert states(digest) == ["sent", "queued", "sent", "queued"]
    assert list(digest.deliveries.values_list("attempts", flat=True)) == [1, 0, 1, 0]
    assert counted(digest)


def test_what_the_carrier_never_settled_is_unknown_only_if_it_was_begun() -> None:
    digest = digest_of(3)
    load = worker_of(digest)
    begun, taken = load.take(), load.take()
    assert begun
    assert taken
    load.begin(begun)
    load.close()
    settle(load, now=timezone.now())
    load.notes.close(keep=False)
    assert states(digest) == ["unknown", "queued", "queued"]


def test_a_copy_for_later_waits_and_its_batch_with_it() -> None:
    digest = digest_of(2)
    now = timezone.now()
    settled(digest, SENT, LATER)
    row, batch = digest.deliveries.get(state="queued"), only_batch()
    assert now + 5 * MINUTE <= row.not_before_at < now + 6 * MINUTE
    assert (batch.state, batch.due_at) == ("waiting", row.not_before_at)
    assert (batch.sent, batch.queued) == (1, 1)
    assert not batches.due_of(digest.pk, now=now + 4 * MINUTE).exists()
    assert batches.due_of(digest.pk, now=now + 6 * MINUTE).exists()


def test_after_the_last_attempt_it_has_failed() -> None:
    digest = digest_of(1)
    digest.deliveries.update(attempts=settling.MAX_ATTEMPTS - 1)
    settled(digest, LATER)
    row = digest.deliveries.get()
    assert (row.state, row.reason) == ("failed", "given up after 10 attempts: 451 later")
    assert only_batch().state == "done"


def test_a_long_reason_still_fits_after_the_last_attempt() -> None:
    digest = digest_of(1)
    digest.deliveries.update(attempts=settling.MAX_ATTEMPTS - 1)
    settled(digest, Outcome(State.QUEUED, "4" * 300))
    assert len(digest.deliveries.get().reason) == 300


def test_what_the_server_refused_becomes_a_report_on_the_mailbox() -> None:
    digest = digest_of(3)
    settled(digest, NOBODY, Outcome(State.FAILED, "MAIL_ONLY_TO keeps letters away"), SENT)
    event = MailEvent.objects.get()
    assert (event.kind, event.delivery) == ("hard-bounce", digest.deliveries.first())


def test_the_providers_names_are_kept_of_all_that_have_one() -> None:
    digest = digest_of(4)
    load = worker_of(digest)
    for number, outcome in enumerate((SENT, BROKEN, NOBODY, SENT)):
        copy = load.take()
        assert copy
        copy.provider_id = f"call-{number}" if number < 3 else ""
        load.settle(copy, outcome)
    load.close()
    settle(load, now=timezone.now())
    load.notes.close(keep=False)
    names = digest.deliveries.values_list("provider_id", flat=True)
    assert list(names) == ["call-0", "call-1", "call-2", ""]


def test_who_rests_gets_the_articles_once_the_pause_is_over(
    bea: Subscriber, rhythm: Rhythm, mailer: Mailer
) -> None:
    digest = built_digest()
    Subscriber.objects.update(paused_until_at=timezone.now() + timedelta(weeks=2))
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["skipped"]
    assert mailer.letters == []
    Subscriber.objects.update(paused_until_at=None)
    again = building.build_digest(now=timezone.now())
    assert again
    assert [copy.subscriber for copy in again.deliveries.all()] == [bea]


def test_an_outcome_that_stops_lets_the_digest_rest_and_says_why() -> None:
    digest, now = digest_of(3), timezone.now()
    settled(digest, SENT, Outcome(State.QUEUED, "sender refused", stop=True, rest=7 * MINUTE))
    digest.refresh_from_db()
    assert digest.rests_because == "sender refused"
    assert digest.rests_until_at
    assert now + 7 * MINUTE <= digest.rests_until_at < now + 8 * MINUTE


def test_a_rest_that_another_worker_began_is_not_ended() -> None:
    digest, now = digest_of(2), timezone.now()
    Digest.objects.update(rests_until_at=now, rests_because="sender refused")
    load = worker_of(digest)
    until = now + 5 * MINUTE
    Digest.objects.update(rests_until_at=until, rests_because="sender refused again")
    carry(load, SENT, SENT)
    load.close()
    settle(load, now=timezone.now())
    load.notes.close(keep=False)
    digest.refresh_from_db()
    assert (digest.rests_until_at, digest.rests_because) == (until, "sender refused again")


def test_a_rest_that_is_over_is_forgotten_once_letters_go_again() -> None:
    digest = digest_of(1)
    Digest.objects.update(rests_until_at=timezone.now(), rests_because="sender refused")
    settled(digest, SENT)
    digest.refresh_from_db()
    assert (digest.rests_until_at, digest.rests_because) == (None, "")


def test_settling_twice_is_no_harm() -> None:
    digest = digest_of(10)
    load = worker_of(digest)
    carry(load, *MIXED)
    load.close()
    settle(load, now=timezone.now())
    before = list(digest.deliveries.values("state", "reason", "attempts"))
    settle(load, now=timezone.now() + MINUTE)
    load.notes.close(keep=False)
    assert list(digest.deliveries.values("state", "reason", "attempts")) == before
    assert counted(digest)
