"""After a crash: accepted is sent, what was on its way is unknown, the rest goes again."""

import errno
import os
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from newsletter import building, delivering, steering, ticking
from newsletter.models import Batch, Digest, Rhythm, Subscriber
from newsletter.sending import batches, journal, load, recovering
from newsletter.sending.recovering import give_up_lost, recover
from newsletter.sending.settling import MAX_ATTEMPTS, settle
from tests.factories import SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import built_digest, digest_to, race, states
from tests.newsletter.sending.workers import (
    come_back,
    counted,
    dies,
    hands_over,
    journals,
    leave_the_machine,
    only_batch,
    worker_of,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
OVER = batches.LEASE + MINUTE


@pytest.fixture
def digest(db: None) -> Digest:
    """A digest on its way to four readers."""
    return digest_to(*SubscriberFactory.create_batch(4))


def addresses(digest: Digest) -> list[str]:
    return [str(copy.subscriber) for copy in digest.deliveries.select_related("subscriber")]


def died(digest: Digest) -> Path:
    """A worker that died: two copies were accepted, one was on its way, one was not begun."""
    worker = worker_of(digest)
    hands_over(worker, accepted=2, begun=1)
    return dies(worker)


def test_the_journal_settles_what_a_dead_worker_left(digest: Digest) -> None:
    died(digest)
    assert states(digest) == ["queued"] * 4
    recover(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", "queued"]
    rows = digest.deliveries.values_list("attempts", flat=True)
    assert list(rows) == [1, 1, 1, 0]
    unknown = digest.deliveries.get(state="unknown")
    assert "may have arrived" in unknown.reason
    assert unknown.settled_at
    batch = only_batch()
    assert (batch.state, batch.owner) == ("waiting", "")
    assert counted(digest)
    assert journals() == []


def test_recovering_twice_changes_nothing(digest: Digest) -> None:
    died(digest)
    recover(now=timezone.now())
    before = list(digest.deliveries.values())
    recover(now=timezone.now() + MINUTE)
    assert list(digest.deliveries.values()) == before


def test_the_next_worker_sends_what_was_not_begun_and_nothing_else(
    digest: Digest, mailer: Mailer
) -> None:
    last = addresses(digest)[-1]
    died(digest)
    assert delivering.deliver_round(digest.pk) is False
    assert mailer.recipients == [last]
    assert states(digest) == ["sent", "sent", "unknown", "sent"]
    assert Digest.objects.get().state == "done"


def test_a_tick_recovers_too_and_says_that_more_is_due(rhythm: Rhythm, digest: Digest) -> None:
    died(digest)
    assert ticking.work_to_do(now=timezone.now()) == [digest.pk]
    assert states(digest) == ["sent", "sent", "unknown", "queued"]


def test_a_living_workers_journal_and_batch_are_left_alone(digest: Digest) -> None:
    worker = worker_of(digest)
    hands_over(worker, accepted=1)
    recover(now=timezone.now())
    assert give_up_lost(now=timezone.now()) == 0
    assert states(digest) == ["queued"] * 4
    assert only_batch().owner == worker.notes.token
    worker.notes.close(keep=False)


def test_who_died_before_it_took_a_batch_leaves_nothing(digest: Digest) -> None:
    journal.Journal("a" * 32, 10).close(keep=True)
    recover(now=timezone.now())
    assert journals() == []
    assert states(digest) == ["queued"] * 4


def test_who_died_before_it_knew_its_copies_gives_all_back(digest: Digest) -> None:
    notes = journal.Journal("a" * 32, 10)
    batches.lease(digest.pk, token=notes.token, now=timezone.now())
    notes.close(keep=True)
    recover(now=timezone.now())
    assert states(digest) == ["queued"] * 4
    assert only_batch().state == "waiting"


def test_without_a_journal_all_is_unknown_once_the_lease_ran_out(digest: Digest) -> None:
    later = digest.deliveries.last()
    assert later
    digest.deliveries.filter(pk=later.pk).update(not_before_at=timezone.now() + 30 * MINUTE)
    dies(worker_of(digest)).unlink()
    now = timezone.now()
    recover(now=now)
    assert give_up_lost(now=now) == 0
    assert give_up_lost(now=now + OVER) == 1
    assert give_up_lost(now=now + OVER) == 0
    # What was not to be tried yet was in nobody's hands.
    assert states(digest) == ["unknown", "unknown", "unknown", "queued"]
    assert only_batch().state == "waiting"
    assert counted(digest)


def test_nobody_sends_again_what_was_lost(digest: Digest, mailer: Mailer) -> None:
    dies(worker_of(digest)).unlink()
    give_up_lost(now=timezone.now() + OVER)
    delivering.deliver_round(digest.pk)
    assert mailer.letters == []
    assert delivering.finish_if_done(digest.pk, now=timezone.now())


def test_a_journal_that_comes_back_still_settles_what_it_knows(digest: Digest) -> None:
    away = leave_the_machine(died(digest))
    recover(now=timezone.now())
    give_up_lost(now=timezone.now() + OVER)
    assert states(digest) == ["unknown"] * 4
    come_back(away)
    recover(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", "queued"]
    assert counted(digest)
    assert batches.due_of(digest.pk, now=timezone.now()).exists()


@pytest.mark.parametrize(("state", "rest"), [("done", "failed"), ("cancelled", "skipped")])
def test_of_a_digest_that_is_over_nothing_goes_again_by_itself(
    digest: Digest, state: str, rest: str
) -> None:
    away = leave_the_machine(died(digest))
    give_up_lost(now=timezone.now() + OVER)
    Digest.objects.update(state=state, finished_at=timezone.now())
    come_back(away)
    recover(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", rest]
    assert counted(digest)
    assert only_batch().state == "done"


def test_what_a_person_decided_meanwhile_stands(digest: Digest) -> None:
    away = leave_the_machine(died(digest))
    give_up_lost(now=timezone.now() + OVER)
    digest.deliveries.update(state="sent", reason="settled by a report: it arrived")
    come_back(away)
    recover(now=timezone.now())
    assert states(digest) == ["sent"] * 4
    assert set(digest.deliveries.values_list("attempts", flat=True)) == {1}


def test_what_is_unknown_for_another_reason_is_not_given_back(digest: Digest) -> None:
    away = leave_the_machine(died(digest))
    give_up_lost(now=timezone.now() + OVER)
    fourth = digest.deliveries.last()
    assert fourth
    # An editor let it go again, and a second worker lost its connection over it.
    digest.deliveries.filter(pk=fourth.pk).update(reason="connection lost: no answer")
    come_back(away)
    recover(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", "unknown"]


def test_a_batch_that_another_worker_holds_by_now_stays_in_its_hands(digest: Digest) -> None:
    away = leave_the_machine(died(digest))
    give_up_lost(now=timezone.now() + OVER)
    fourth = digest.deliveries.last()
    assert fourth
    # An editor let this one go again, and another worker has it.
    digest.deliveries.filter(pk=fourth.pk).update(state="queued", reason="")
    batches.recount(only_batch())
    other = worker_of(digest)
    come_back(away)
    recover(now=timezone.now())
    batch = only_batch()
    assert (batch.state, batch.owner) == ("leased", other.notes.token)
    assert states(digest) == ["sent", "sent", "unknown", "queued"]
    hands_over(other, accepted=1)
    settle(other, now=timezone.now())
    other.notes.close(keep=False)
    assert states(digest) == ["sent", "sent", "unknown", "sent"]
    assert counted(digest)


def test_where_it_is_set_what_may_have_arrived_goes_again(
    digest: Digest, settings: Settings, mailer: Mailer
) -> None:
    settings.MAIL_RESEND_UNKNOWN = True
    third, fourth = addresses(digest)[2:]
    died(digest)
    delivering.deliver_round(digest.pk)
    assert mailer.recipients == [third, fourth]
    assert states(digest) == ["sent"] * 4
    assert list(digest.deliveries.values_list("attempts", flat=True)) == [1, 1, 2, 1]
    ids = [letter.extra_headers["Message-ID"] for letter in mailer.letters]
    assert ids[0] == f"<digest.{digest.pk}.{digest.deliveries.all()[2].pk}@fibrosite.example>"


def test_where_it_is_set_a_lost_lease_lets_all_go_again(digest: Digest, settings: Settings) -> None:
    settings.MAIL_RESEND_UNKNOWN = True
    dies(worker_of(digest)).unlink()
    give_up_lost(now=timezone.now() + OVER)
    assert states(digest) == ["queued"] * 4
    assert only_batch().state == "waiting"


def away(*args: Any, **kwargs: Any) -> Any:
    raise OperationalError("the database is away")


def test_with_the_database_away_at_the_end_the_journal_makes_it_good(
    digest: Digest, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "settle", away)
        delivering.deliver_round(digest.pk)
    assert len(mailer.letters) == 4
    assert states(digest) == ["queued"] * 4
    assert len(journals()) == 1
    delivering.deliver_round(digest.pk)
    assert len(mailer.letters) == 4
    assert states(digest) == ["sent"] * 4
    assert journals() == []
    assert counted(digest)


def test_a_failed_settling_leaves_no_half_of_it(
    digest: Digest, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("newsletter.sending.settling.recount", away)
        delivering.deliver_round(digest.pk)
    assert states(digest) == ["queued"] * 4
    recover(now=timezone.now())
    assert states(digest) == ["sent"] * 4
    assert len(mailer.letters) == 4


def test_a_journal_that_cannot_be_settled_now_is_tried_again(
    digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    died(digest)
    with monkeypatch.context() as patch:
        patch.setattr("newsletter.sending.settling.recount", away)
        with pytest.raises(OperationalError):
            recover(now=timezone.now())
    assert states(digest) == ["queued"] * 4
    recover(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", "queued"]


def test_with_the_database_away_in_the_middle_the_worker_stops(
    digest: Digest, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "LOOK_UP", -1.0)
    monkeypatch.setattr(load, "renew", away)
    delivering.deliver_round(digest.pk)
    assert len(mailer.letters) == 1
    assert sorted(states(digest)) == ["queued", "queued", "queued", "sent"]


def test_who_dies_after_settling_leaves_a_journal_that_changes_nothing(digest: Digest) -> None:
    worker = worker_of(digest)
    hands_over(worker, accepted=2, begun=1)
    worker.close()
    settle(worker, now=timezone.now())
    before = list(digest.deliveries.values())
    dies(worker)
    recover(now=timezone.now())
    assert list(digest.deliveries.values()) == before
    assert states(digest) == ["sent", "sent", "unknown", "queued"]
    assert counted(digest)
    assert journals() == []


def test_a_journal_of_a_digest_that_is_no_more_is_removed(digest: Digest) -> None:
    died(digest)
    Digest.objects.all().delete()
    recover(now=timezone.now())
    assert journals() == []


def power_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The machine is started anew."""
    path = tmp_path / "boot_id"
    path.write_text("00000000-0000-4000-8000-000000000000")
    monkeypatch.setattr(journal, "_BOOT", path)


def test_after_a_power_cut_only_what_is_marked_as_accepted_is_known(
    digest: Digest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    died(digest)
    power_cut(monkeypatch, tmp_path)
    recover(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", "unknown"]
    assert counted(digest)


def test_after_a_power_cut_a_journal_that_never_reached_the_disk_proves_nothing(
    digest: Digest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mailer: Mailer
) -> None:
    worker = worker_of(digest)
    size, token = worker.notes.path.stat().st_size, worker.notes.token
    path = dies(worker)
    # Its head as it was made, before any copy was known.
    head = journal._HEAD.pack(b"journal1", 0, 0, token.encode(), journal.boot_id().encode())
    path.write_bytes(head + bytes(size - len(head)))
    power_cut(monkeypatch, tmp_path)
    delivering.deliver_round(digest.pk)
    assert mailer.letters == []
    assert states(digest) == ["unknown"] * 4
    assert journals() == []


def test_a_journal_that_was_cut_off_holds_up_nobody(digest: Digest, mailer: Mailer) -> None:
    os.truncate(died(digest), 100)
    other = digest_to(*SubscriberFactory.create_batch(1))
    delivering.deliver_round(other.pk)
    assert states(other) == ["sent"]
    assert states(digest) == ["unknown"] * 4


def test_a_full_disk_sends_nothing_says_so_and_goes_on_when_there_is_room(
    digest: Digest, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        assert delivering.deliver_round(digest.pk) is False
    assert mailer.letters == []
    digest.refresh_from_db()
    assert "No space left" in digest.rests_because
    assert digest.rests_until_at
    assert only_batch().state == "waiting"
    Digest.objects.update(rests_until_at=timezone.now())
    delivering.deliver_round(digest.pk)
    assert len(mailer.letters) == 4


def test_where_no_journal_can_be_written_ticks_go_on_and_editors_are_told(
    rhythm: Rhythm, digest: Digest, mailer: Mailer, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.JOURNAL_DIR = str(tmp_path / "file" / "journal")
    assert ticking.work_to_do(now=timezone.now()) == [digest.pk]
    assert delivering.deliver_round(digest.pk) is False
    assert mailer.letters == []
    digest.refresh_from_db()
    assert "Not a directory" in digest.rests_because


def test_a_lease_of_which_nobody_heard_back_is_given_back_at_once(
    digest: Digest, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = batches.lease

    def no_answer(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise OperationalError("the connection broke")

    with monkeypatch.context() as patch:
        patch.setattr(batches, "lease", no_answer)
        with pytest.raises(OperationalError):
            delivering.deliver_round(digest.pk)
    assert only_batch().state == "leased"
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"] * 4
    assert journals() == []


def test_of_a_cancelled_digest_what_a_dead_worker_had_not_begun_is_skipped(
    rhythm: Rhythm, digest: Digest
) -> None:
    path = died(digest)
    steering.cancel(digest, by="ada")
    assert path.exists()
    recover(now=timezone.now())
    steering.finish_cancelled(now=timezone.now())
    assert states(digest) == ["sent", "sent", "unknown", "skipped"]
    digest.refresh_from_db()
    assert digest.finished_at
    assert counted(digest)


@pytest.mark.usefixtures("shared_database")
def test_two_who_recover_at_once_settle_once() -> None:
    digest = digest_to(*SubscriberFactory.create_batch(4))
    died(digest)
    race(*[lambda: recover(now=timezone.now())] * 3)
    assert states(digest) == ["sent", "sent", "unknown", "queued"]
    assert list(digest.deliveries.values_list("attempts", flat=True)) == [1, 1, 1, 0]


@pytest.mark.usefixtures("shared_database")
def test_giving_up_and_coming_back_at_once_loses_nothing() -> None:
    digest = digest_to(*SubscriberFactory.create_batch(4))
    worker = worker_of(digest)
    hands_over(worker, accepted=2, begun=1)
    worker.close()
    race(
        lambda: give_up_lost(now=timezone.now() + OVER),
        lambda: settle(worker, now=timezone.now()),
    )
    worker.notes.close(keep=False)
    assert states(digest) == ["sent", "sent", "unknown", "queued"]
    assert counted(digest)
    assert Batch.objects.get().owner == ""


def test_what_comes_back_while_another_worker_sends_is_not_called_sent_with_the_others(
    digest: Digest, mailer: Mailer
) -> None:
    first, second, third, fourth = digest.deliveries.all()
    digest.deliveries.filter(pk__in=[first.pk, third.pk]).update(
        not_before_at=timezone.now() + OVER
    )
    slow = worker_of(digest)
    now = timezone.now()
    assert give_up_lost(now=now + OVER) == 1
    digest.deliveries.filter(state="queued").update(not_before_at=now)
    batches.recount(only_batch())
    other = worker_of(digest)
    # The clock of the slow one's machine is a minute late.
    settle(slow, now=now - MINUTE)
    slow.notes.close(keep=False)
    assert states(digest) == ["queued"] * 4
    hands_over(other, accepted=2)
    settle(other, now=timezone.now())
    other.notes.close(keep=False)
    assert states(digest) == ["sent", "queued", "sent", "queued"]
    assert counted(digest)
    Batch.objects.update(due_at=now)
    digest.deliveries.filter(state="queued").update(not_before_at=now)
    delivering.deliver_round(digest.pk)
    assert mailer.recipients == [str(second.subscriber), str(fourth.subscriber)]


def test_who_was_never_sent_a_cancelled_digest_gets_its_articles_with_the_next(
    bea: Subscriber, rhythm: Rhythm
) -> None:
    digest = built_digest()
    away = leave_the_machine(dies(worker_of(digest)))
    give_up_lost(now=timezone.now() + OVER)
    assert states(digest) == ["unknown"]
    steering.cancel(digest, by="ada")
    come_back(away)
    recover(now=timezone.now())
    assert states(digest) == ["skipped"]
    again = building.build_digest(now=timezone.now())
    assert again
    assert [copy.subscriber for copy in again.deliveries.all()] == [bea]


def test_a_journal_that_makes_no_sense_holds_up_nobody(digest: Digest, mailer: Mailer) -> None:
    for number, head in enumerate((b"\xff" * 200, b"\0" * 200)):
        strange = journal.folder() / f"strange{number}.journal"
        strange.write_bytes(b"journal1" + head)
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"] * 4
    assert journals() == []


def test_where_it_is_set_even_so_nobody_gets_it_without_end(
    digest: Digest, settings: Settings
) -> None:
    settings.MAIL_RESEND_UNKNOWN = True
    for _ in range(MAX_ATTEMPTS + 1):
        worker = worker_of(digest)
        hands_over(worker, begun=1)
        dies(worker)
        recover(now=timezone.now())
    first, second = digest.deliveries.all()[:2]
    assert (first.state, first.attempts) == ("unknown", MAX_ATTEMPTS)
    assert (second.state, second.attempts) == ("queued", 1)
    assert counted(digest)


def test_one_journal_that_cannot_be_settled_holds_up_no_other(
    digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def settle(found: journal.Found, *, now: datetime) -> None:
        if not refused:
            refused.append(found.token)
            raise ValueError("what is this?")

    for _ in range(2):
        journal.Journal(uuid.uuid4().hex, 1).close(keep=True)
    monkeypatch.setattr(recovering, "settle_found", settle)
    recovering.recover(now=timezone.now())
    assert [path.stem for path in journal.folder().glob("*.journal")] == refused


def test_a_batch_that_ends_each_worker_stops_for_a_person(
    digest: Digest, mailer: Mailer, ada: User
) -> None:
    for _ in range(delivering.MOST_DEATHS):
        notes = journal.Journal(uuid.uuid4().hex, 10)
        assert batches.lease(digest.pk, token=notes.token, now=timezone.now())
        notes.close(keep=True)
        recovering.recover(now=timezone.now())
    ada.email = "ada@site.example"
    ada.save()
    assert delivering.deliver_round(digest.pk) is False
    digest.refresh_from_db()
    assert (digest.state, digest.reason) == ("paused", delivering.DEADLY)
    assert not mailer.recipients
    assert [letter.to for letter in mail.outbox] == [["ada@site.example"]]
    steering.resume(digest)
    delivering.deliver_round(digest.pk)
    assert set(states(digest)) == {"sent"}


def test_a_batch_whose_workers_get_on_before_they_die_goes_on(mailer: Mailer) -> None:
    digest = digest_to(*SubscriberFactory.create_batch(delivering.MOST_DEATHS + 2))
    for _ in range(delivering.MOST_DEATHS + 1):
        worker = worker_of(digest)
        hands_over(worker, accepted=1, begun=0)
        dies(worker)
        recover(now=timezone.now())
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"] * (delivering.MOST_DEATHS + 2)
