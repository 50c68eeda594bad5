"""Handing a digest over: each reader's copy at most once, and no copy lost from the sum."""

import smtplib
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from newsletter import delivering, subscribing, ticking
from newsletter.models import Batch, Digest, Rhythm, Subscriber
from newsletter.outcomes import HungUpEarly
from newsletter.sending import batches, journal, load, recovering, settling
from tests.factories import SubscriberFactory
from tests.newsletter.conftest import Mailer, Post, refusal
from tests.newsletter.scenes import built_digest, digest_to, race, states

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def readers(number: int) -> list[Subscriber]:
    return SubscriberFactory.create_batch(number)


def test_a_round_sends_to_all_and_finishes(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(4))
    assert delivering.deliver_round(digest.pk) is False
    digest.refresh_from_db()
    assert states(digest) == ["sent"] * 5
    assert (digest.state, digest.rests_until_at) == ("done", None)
    assert digest.finished_at
    assert mailer.opened == 1


def test_a_finished_digest_is_never_sent_again(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea)
    for _ in range(3):
        delivering.deliver_round(digest.pk)
    assert mailer.recipients == [bea.email]


def test_a_copy_is_noted_before_it_is_handed_over(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(1))
    first, second = digest.deliveries.all()
    seen: list[Any] = []

    def look() -> None:
        [path] = journal.folder().iterdir()
        seen.append((path.stem, journal._read(path), Batch.objects.get()))

    mailer.answers = [look]
    delivering.deliver_round(digest.pk)
    [(token, found, batch)] = seen
    assert found.marks == {first.pk: journal.BEGUN, second.pk: journal.UNTOUCHED}
    assert (batch.state, batch.owner, found.batch) == ("leased", token, batch.pk)


def test_nothing_is_left_of_a_journal_once_its_batch_is_settled(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea)
    delivering.deliver_round(digest.pk)
    row, batch = digest.deliveries.get(), Batch.objects.get()
    assert (row.state, row.attempts) == ("sent", 1)
    assert row.settled_at
    assert (batch.state, batch.owner, batch.leased_until_at) == ("done", "", None)
    assert list(journal.folder().iterdir()) == []


def test_no_transaction_is_open_while_the_server_is_spoken_to(
    transactional_db: None, bea: Subscriber, mailer: Mailer
) -> None:
    seen: list[bool] = []
    mailer.answers = [lambda: seen.append(connection.in_atomic_block)]
    delivering.deliver_round(digest_to(bea).pk)
    assert seen == [False]


def test_who_leaves_between_queue_and_sending_is_skipped(bea: Subscriber, mailer: Mailer) -> None:
    first = SubscriberFactory.create()
    digest = digest_to(first, bea)
    mailer.answers = [lambda: subscribing.leave(bea, method="one-click", now=timezone.now())]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent", "skipped"]
    assert mailer.recipients == [first.email]
    assert Digest.objects.get().state == "done"


def test_who_is_erased_before_it_is_sent_is_skipped(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(1))
    bea.delete()
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["skipped", "sent"]
    assert Digest.objects.get().state == "done"


def test_who_is_erased_in_the_middle_leaves_the_sum_whole(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(*readers(1), bea)
    mailer.answers = [bea.delete]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent", "skipped"]
    assert Digest.objects.get().state == "done"


def test_a_letter_goes_to_the_address_as_it_is_now(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(*readers(1), bea)
    mailer.answers = [lambda: Subscriber.objects.filter(pk=bea.pk).update(email="b@new.example")]
    delivering.deliver_round(digest.pk)
    assert mailer.recipients[1] == "b@new.example"


def test_a_temporary_refusal_is_tried_later_with_growing_pauses_and_an_end(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea)
    mailer.answers = [refusal(451, "busy")] * 50
    start = now = timezone.now()
    pauses = []
    with time_machine.travel(now, tick=False) as clock:
        for _ in range(settling.MAX_ATTEMPTS):
            assert states(digest) == ["queued"]
            delivering.deliver_round(digest.pk)
            row = digest.deliveries.get()
            pauses.append(row.not_before_at - now)
            now = row.not_before_at
            clock.move_to(now - timedelta(seconds=1))
            assert delivering.deliver_round(digest.pk) is False
            clock.move_to(now)
    assert pauses[:4] == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE]
    assert len(mailer.answers) == 50 - settling.MAX_ATTEMPTS
    assert timedelta(hours=24) < now - start < timedelta(days=3)
    row.refresh_from_db()
    assert row.state == "failed"
    assert row.reason.startswith("given up after 10 attempts: 451 busy")
    assert Digest.objects.get().state == "done"


def test_a_digest_with_a_copy_for_later_is_not_done(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(1))
    mailer.answers = [refusal(451)]
    assert delivering.deliver_round(digest.pk) is False
    assert states(digest) == ["queued", "sent"]
    assert Digest.objects.get().state == "sending"


def test_a_final_refusal_is_final(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(1))
    mailer.answers = [refusal(550, "no such user")]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["failed", "sent"]
    assert digest.deliveries.first().reason == "550 no such user"  # type: ignore[union-attr]


def test_a_lost_connection_leaves_one_copy_unknown_and_the_rest_queued(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea, *readers(2))
    mailer.answers = [smtplib.SMTPServerDisconnected("gone")]
    assert delivering.deliver_round(digest.pk) is False
    assert states(digest) == ["unknown", "queued", "queued"]
    # A server that always breaks off must not make a long list unknown within moments.
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["unknown", "queued", "queued"]
    with time_machine.travel(timezone.now() + 3 * MINUTE):
        delivering.deliver_round(digest.pk)
    assert states(digest) == ["unknown", "sent", "sent"]
    assert bea.email not in mailer.recipients


def test_a_silent_server_is_no_attempt_and_is_asked_again_soon(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea)
    mailer.is_silent = True
    assert delivering.deliver_round(digest.pk) is False
    assert digest.deliveries.values_list("state", "attempts").get() == ("queued", 0)
    assert Batch.objects.get().state == "waiting"
    assert "nobody listens" in Digest.objects.get().rests_because
    mailer.is_silent = False
    assert delivering.deliver_round(digest.pk) is False
    assert mailer.letters == []
    with time_machine.travel(timezone.now() + MINUTE / 2):
        delivering.deliver_round(digest.pk)
    assert mailer.recipients == [bea.email]


def test_a_refused_sender_stops_the_round_and_rests(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(2))
    mailer.answers = [smtplib.SMTPSenderRefused(550, b"who are you", "digest@x")]
    assert delivering.deliver_round(digest.pk) is False
    assert states(digest) == ["queued"] * 3
    assert mailer.letters == []
    assert delivering.deliver_round(digest.pk) is False
    assert mailer.opened == 1
    with time_machine.travel(timezone.now() + 10 * MINUTE):
        delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"] * 3


def test_a_day_with_a_wrong_password_fails_no_copy(rhythm: Rhythm, mailer: Mailer) -> None:
    digest = digest_to(*readers(20))
    mailer.answers = [smtplib.SMTPSenderRefused(530, b"log in first", "digest@x")] * 5000
    start = timezone.now()
    for minute in range(0, 24 * 60, 5):
        with time_machine.travel(start + minute * MINUTE, tick=False):
            delivering.deliver_round(digest.pk)
    assert set(states(digest)) == {"queued"}


def test_our_own_mistake_does_not_send_twice(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea)
    mailer.answers = [KeyError("a bug")]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["unknown"]
    assert digest.deliveries.get().reason == "KeyError: 'a bug'"


def test_a_lease_keeps_a_second_worker_away(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(1))
    second: list[bool] = []
    mailer.answers = [lambda: second.append(delivering.deliver_round(digest.pk))]
    delivering.deliver_round(digest.pk)
    assert second == [False]
    assert mailer.opened == 1
    assert len(mailer.letters) == 2


def test_a_worker_that_was_overtaken_leaves_the_lease_of_the_other(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea)
    theirs = {"owner": "another", "leased_until_at": timezone.now() + timedelta(hours=1)}
    mailer.answers = [lambda: Batch.objects.update(**theirs)]
    delivering.deliver_round(digest.pk)
    assert Batch.objects.values(*theirs).get() == theirs
    assert Batch.objects.get().state == "leased"
    assert states(digest) == ["sent"]


def test_a_crash_while_handing_over_is_unknown_and_never_sent_again(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea, *readers(1))
    mailer.answers = [SystemExit()]
    with pytest.raises(SystemExit):
        delivering.deliver_round(digest.pk)
    assert states(digest) == ["queued", "queued"]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["unknown", "sent"]
    assert digest.deliveries.filter(state="unknown").get().attempts == 1
    with time_machine.travel(timezone.now() + 30 * MINUTE):
        ticking.work_to_do(now=timezone.now())
        delivering.deliver_round(digest.pk)
    assert bea.email not in mailer.recipients
    assert Digest.objects.get().state == "done"


def test_a_worker_that_comes_back_late_tells_what_it_knows(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea, *readers(2))
    later = timezone.now() + batches.LEASE + MINUTE

    def take_very_long() -> None:
        recovering.give_up_lost(now=later)
        assert states(digest) == ["unknown"] * 3
        raise refusal(550)

    mailer.answers = [None, take_very_long]
    delivering.deliver_round(digest.pk)
    assert states(digest)[:2] == ["sent", "failed"]


def test_a_worker_that_comes_back_late_does_not_reopen_what_was_settled(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea)
    later = timezone.now() + batches.LEASE + MINUTE

    def take_very_long() -> None:
        recovering.give_up_lost(now=later)
        digest.deliveries.update(state="sent", reason="settled by a report: it arrived")
        raise refusal(451)

    mailer.answers = [take_very_long]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"]


def test_a_digest_is_done_only_when_the_counts_add_up(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea)
    Digest.objects.update(audience=2)
    delivering.deliver_round(digest.pk)
    assert Digest.objects.get().state == "sending"
    assert delivering.finish_if_done(digest.pk, now=timezone.now()) is False
    Digest.objects.update(audience=1)
    assert delivering.finish_if_done(digest.pk, now=timezone.now()) is True
    assert delivering.finish_if_done(digest.pk, now=timezone.now()) is False
    assert digest.counts() == {"sent": 1}


def test_a_digest_without_readers_is_done_at_once(rhythm: Rhythm, mailer: Mailer) -> None:
    digest_to()
    assert ticking.work_to_do(now=timezone.now()) == []
    assert Digest.objects.get().state == "done"
    assert mailer.opened == 0


def test_a_round_is_bounded_in_rows(
    bea: Subscriber, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    digest = digest_to(bea, *readers(4))
    assert [delivering.deliver_round(digest.pk) for _ in range(3)] == [True, True, False]
    assert len(mailer.letters) == 5


def test_a_round_is_bounded_in_time_and_still_gets_on(
    bea: Subscriber, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "ROUND_SECONDS", -1)
    digest = digest_to(bea, *readers(2))
    assert [delivering.deliver_round(digest.pk) for _ in range(3)] == [True, True, False]


def test_a_lease_outlives_the_message_after_its_renewal(settings: Settings) -> None:
    steps = 5  # MAIL, RCPT, DATA, the message, and its answer
    longest = load.LOOK_UP + steps * settings.EMAIL_TIMEOUT
    assert timedelta(seconds=longest) < batches.LEASE


def test_what_is_in_flight_has_its_time_before_the_lease_ends(settings: Settings) -> None:
    assert timedelta(seconds=settings.EMAIL_TIMEOUT) < load.MARGIN < batches.LEASE


@pytest.mark.usefixtures("shared_database")
def test_two_workers_on_one_copy_send_one_letter(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(bea)
    race(*[lambda: delivering.deliver_round(digest.pk)] * 3)
    assert mailer.recipients == [bea.email]
    assert states(digest) == ["sent"]


@pytest.mark.usefixtures("shared_database")
def test_workers_at_once_on_one_digest_send_each_copy_once(
    mailer: Mailer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_SENDERS = 3
    monkeypatch.setattr(batches, "BATCH_ROWS", 3)
    people = readers(12)
    digest = digest_to(*people)

    def work() -> None:
        while delivering.deliver_round(digest.pk):
            pass

    race(work, work, work)
    while delivering.deliver_round(digest.pk):
        pass
    assert Digest.objects.get().state == "done"
    assert sorted(mailer.recipients) == sorted(reader.email for reader in people)


@pytest.mark.usefixtures("shared_database")
def test_bea_may_leave_while_the_server_takes_its_time(bea: Subscriber, mailer: Mailer) -> None:
    digest = digest_to(*readers(1), bea)
    left = threading.Event()

    def leave() -> None:
        subscribing.leave(bea, method="one-click", now=timezone.now())
        connection.close()
        left.set()

    def wait_for_her() -> None:
        threading.Thread(target=leave).start()
        assert left.wait(5), "a lock is held while the mail server is spoken to"

    mailer.answers = [wait_for_her]
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent", "skipped"]


def test_a_real_server_says_what_becomes_of_each_copy(post: Post, settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 1
    names = ["fine", "later", "nobody", "fine.too"]
    digest = digest_to(*[SubscriberFactory.create(email=f"{x}@readers.example") for x in names])
    post.answers = {
        "later@readers.example": "451 4.7.1 Greylisted",
        "nobody@readers.example": "550 5.1.1 No such user",
    }
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent", "queued", "failed", "sent"]
    assert post.recipients == ["fine@readers.example", "fine.too@readers.example"]
    assert len(post.sessions) == 1


@pytest.mark.parametrize(
    ("where", "answer", "state"),
    [
        ("DATA", "451 4.3.0 Try later", "queued"),
        ("DATA", "554 5.7.1 Spam", "failed"),
        ("MAIL", "550 5.7.1 Not you", "queued"),
        ("hang up", "", "unknown"),
    ],
)
def test_a_real_server_may_refuse_all(
    bea: Subscriber, post: Post, where: str, answer: str, state: str
) -> None:
    digest = digest_to(bea)
    post.answers = {where: answer}
    delivering.deliver_round(digest.pk)
    assert states(digest) == [state]


@pytest.mark.parametrize("connections", [1, 3])
def test_a_relay_that_hangs_up_after_some_letters_gets_the_rest_in_turn(
    post: Post, settings: Settings, connections: int
) -> None:
    settings.MAIL_CONNECTIONS = connections
    people = readers(12)
    digest = digest_to(*people)
    post.closes_after = 3
    assert delivering.deliver_round(digest.pk) is False
    assert states(digest) == ["sent"] * 12
    assert sorted(post.recipients) == sorted(reader.email for reader in people)
    assert set(digest.deliveries.values_list("attempts", flat=True)) == {1}


def test_a_relay_that_takes_nothing_is_left_alone_for_a_while(bea: Subscriber, post: Post) -> None:
    digest = digest_to(bea)
    post.closes_after = 0
    assert delivering.deliver_round(digest.pk) is False
    row = digest.deliveries.get()
    assert (row.state, row.attempts) == ("queued", 1)
    assert row.not_before_at > timezone.now()
    assert Digest.objects.get().rests_until_at


def test_who_makes_the_relay_hang_up_does_not_hold_up_the_others(
    bea: Subscriber, mailer: Mailer
) -> None:
    digest = digest_to(bea, *readers(2))
    mailer.answers = [HungUpEarly("at RCPT")]
    delivering.deliver_round(digest.pk)
    with time_machine.travel(timezone.now() + 3 * MINUTE):
        delivering.deliver_round(digest.pk)
    assert states(digest) == ["queued", "sent", "sent"]


def test_a_withdrawn_article_goes_to_nobody_else(
    bea: Subscriber, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    SubscriberFactory.create_batch(2)
    digest = built_digest()
    assert delivering.deliver_round(digest.pk) is True
    digest.articles.update(state="withdrawn")
    assert delivering.deliver_round(digest.pk) is True
    assert delivering.deliver_round(digest.pk) is False
    assert states(digest) == ["sent", "skipped", "skipped"]
    assert digest.deliveries.last().reason == "an article in it was withdrawn"  # type: ignore[union-attr]
    assert len(mailer.letters) == 1
    assert Digest.objects.get().state == "done"


def test_a_closed_port_claims_nothing(bea: Subscriber, post: Post, settings: Settings) -> None:
    settings.EMAIL_PORT = 9
    digest = digest_to(bea)
    assert delivering.deliver_round(digest.pk) is False
    assert digest.deliveries.get().attempts == 0


def test_a_provider_by_http_gets_the_same_headers_and_one_recipient(
    bea: Subscriber, settings: Settings, mailoutbox: list[Any]
) -> None:
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    digest = digest_to(bea, *readers(1))
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent", "sent"]
    first, second = (letter.anymail_test_params for letter in mailoutbox)
    assert [to.addr_spec for to in first["to"]] == [bea.email]
    assert first["extra_headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    links = {params["extra_headers"]["List-Unsubscribe"] for params in (first, second)}
    assert len(links) == 2


def test_the_memory_backend_of_other_tests_works_too(
    bea: Subscriber, mailoutbox: list[Any]
) -> None:
    delivering.deliver_round(digest_to(bea).pk)
    assert [letter.to for letter in mailoutbox] == [[bea.email]]


def test_the_providers_name_for_a_letter_is_kept(bea: Subscriber, mailer: Mailer) -> None:
    def take(letters: list[Any]) -> int:
        for letter in letters:
            letter.anymail_status = SimpleNamespace(message_id="provider-7")
        return len(letters)

    mailer.send_messages = take  # type: ignore[method-assign]
    digest = digest_to(bea)
    delivering.deliver_round(digest.pk)
    assert digest.deliveries.get().provider_id == "provider-7"
