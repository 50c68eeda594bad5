"""What an editor does with a digest that is built."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from articles.models import Article
from newsletter import building, delivering, steering, ticking
from newsletter.models import Batch, Delivery, Digest, News, Pin, Rhythm, Subscriber
from newsletter.sending import batches, load
from newsletter.undoing import CANCELLED
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer, refusal
from tests.newsletter.scenes import digest_to, race, recounted, states

pytestmark = pytest.mark.django_db

HOLD = timedelta(minutes=10)


def held_digest(**article: Any) -> Digest:
    """A digest of one new article that an editor may still undo."""
    ArticleFactory.create(**article)
    digest = building.build_digest(now=timezone.now(), hold=HOLD)
    assert digest is not None
    return digest


def leased(digest: Digest) -> Batch:
    """A batch of a digest in a worker's hands."""
    batch = batches.lease(digest.pk, token="worker", now=timezone.now())
    assert batch
    return batch


def titles(digest: Digest | None) -> list[str]:
    assert digest is not None
    return [item.article.title for item in digest.items.select_related("article")]


def state_of(digest: Digest) -> str:
    return Digest.objects.get(pk=digest.pk).state


def test_an_undone_digest_leaves_nothing_to_send_and_mails_nobody(
    bea: Subscriber, rhythm: Rhythm, mailer: Mailer
) -> None:
    digest = held_digest()
    assert steering.undo(digest, by="ada")
    later = timezone.now() + timedelta(hours=1)
    assert ticking.work_to_do(now=later) == []
    delivering.deliver_round(digest.pk)
    assert mailer.letters == []
    copy = digest.deliveries.get()
    assert (copy.state, copy.reason, copy.attempts) == ("skipped", CANCELLED, 0)
    assert Batch.objects.values_list("state", "skipped").get() == ("done", 1)
    digest.refresh_from_db()
    assert (digest.state, digest.reason) == ("cancelled", "Undone by ada.")
    assert digest.finished_at


def test_the_next_digest_has_the_articles_of_an_undone_one(bea: Subscriber, rhythm: Rhythm) -> None:
    steering.undo(held_digest(title="Rest"), by="ada")
    ArticleFactory.create(title="Newer", published_at=timezone.now())
    assert titles(building.build_digest(now=timezone.now())) == ["Newer", "Rest"]


def test_an_article_of_an_undone_digest_can_be_left_out(bea: Subscriber, rhythm: Rhythm) -> None:
    steering.undo(held_digest(title="Rest"), by="ada")
    Pin.objects.create(article=Article.objects.get(title="Rest"), left_out=True)
    assert building.build_digest(now=timezone.now()) is None
    Pin.objects.all().delete()
    assert titles(building.build_digest(now=timezone.now())) == ["Rest"]


def test_who_joined_during_the_hold_gets_it_with_the_next_one(
    bea: Subscriber, rhythm: Rhythm
) -> None:
    digest = held_digest()
    newcomer = SubscriberFactory.create(served_news=digest.news_to)
    steering.undo(digest, by="ada")
    again = building.build_digest(now=timezone.now())
    assert again
    assert again.deliveries.filter(subscriber=newcomer).exists()


def test_what_somebody_got_keeps_its_number(bea: Subscriber, rhythm: Rhythm) -> None:
    first = held_digest(title="Got")
    steering.release(first, by="ada")
    first.deliveries.update(state="sent")
    Digest.objects.update(state="done")
    second = held_digest(title="Not got")
    steering.undo(second, by="ada")
    assert [news.article.title for news in News.objects.all()] == ["Got"]
    assert titles(building.build_digest(now=timezone.now())) == ["Not got"]


def test_the_editors_words_and_order_come_back(bea: Subscriber, rhythm: Rhythm) -> None:
    last, first = ArticleFactory.create_batch(2)
    Pin.objects.create(article=last, position=0)
    Article.objects.filter(pk=first.pk).update(published_at=timezone.now())
    words = {"subject": "Rest", "preview_line": "Two of them", "intro": "Dear all"}
    Rhythm.objects.update(**words)
    digest = building.build_digest(now=timezone.now(), hold=HOLD)
    assert digest
    steering.undo(digest, by="ada")
    assert Rhythm.objects.values(*words).get() == words
    again = building.build_digest(now=timezone.now())
    assert again
    assert [item.article for item in again.items.all()] == [last, first]


def test_a_subject_made_of_titles_is_made_anew(bea: Subscriber, rhythm: Rhythm) -> None:
    steering.undo(held_digest(title="Rest"), by="ada")
    assert Rhythm.objects.get().subject == ""


def test_words_written_since_are_kept(bea: Subscriber, rhythm: Rhythm) -> None:
    Rhythm.objects.update(intro="Old")
    digest = held_digest()
    Rhythm.objects.update(intro="New")
    steering.undo(digest, by="ada")
    assert Rhythm.objects.get().intro == "New"


def test_an_undone_letter_about_an_article_is_not_built_again_by_itself(
    rhythm: Rhythm,
) -> None:
    Rhythm.objects.update(cadence="each")
    SubscriberFactory.create(cadence="each")
    ArticleFactory.create()
    digest = building.build_each(now=timezone.now(), hold=HOLD)
    assert digest
    steering.undo(digest, by="ada")
    assert building.build_each(now=timezone.now(), hold=HOLD) is None
    Pin.objects.all().delete()
    assert building.build_each(now=timezone.now(), hold=HOLD)


@pytest.mark.parametrize("state", ["sending", "paused", "cancelled", "done"])
def test_only_a_held_digest_can_be_undone_or_let_go(bea: Subscriber, state: str) -> None:
    digest = digest_to(bea, state=state)
    assert not steering.undo(digest, by="ada")
    assert not steering.release(digest, by="ada")
    assert not steering.approve(digest, by="ada", hold=HOLD, now=timezone.now())
    assert state_of(digest) == state
    assert states(digest) == ["queued"]


def test_an_approved_digest_waits_for_its_hold(bea: Subscriber, rhythm: Rhythm) -> None:
    ArticleFactory.create()
    now = timezone.now()
    digest = building.build_digest(now=now, hold=None)
    assert digest
    assert ticking.release_held(now=now + timedelta(days=9)) == 0
    assert steering.approve(digest, by="ada", hold=HOLD, now=now)
    assert not steering.approve(digest, by="ada", hold=HOLD, now=now)
    assert ticking.release_held(now=now + HOLD - timedelta(seconds=1)) == 0
    assert ticking.release_held(now=now + HOLD) == 1


def test_without_a_hold_an_approved_digest_goes_at_once(bea: Subscriber, rhythm: Rhythm) -> None:
    ArticleFactory.create()
    digest = building.build_digest(now=timezone.now(), hold=None)
    assert digest
    assert steering.approve(digest, by="ada", hold=timedelta(), now=timezone.now())
    assert state_of(digest) == "sending"


def test_a_held_digest_may_go_at_once(bea: Subscriber, rhythm: Rhythm, mailer: Mailer) -> None:
    digest = held_digest()
    assert steering.release(digest, by="ada")
    assert not steering.release(digest, by="ada")
    delivering.deliver_round(digest.pk)
    assert mailer.recipients == [bea.email]


def test_a_paused_digest_sends_nothing_and_goes_on_where_it_stopped(mailer: Mailer) -> None:
    readers = SubscriberFactory.create_batch(3)
    digest = digest_to(*readers)
    digest.deliveries.filter(subscriber=readers[0]).update(state="sent")
    recounted(digest)
    assert steering.pause(digest, by="ada")
    assert not steering.pause(digest, by="ada")
    delivering.deliver_round(digest.pk)
    assert mailer.letters == []
    assert steering.resume(digest)
    assert not steering.resume(digest)
    delivering.deliver_round(digest.pk)
    assert mailer.recipients == [reader.email for reader in readers[1:]]
    assert state_of(digest) == "done"


def test_a_cancelled_digest_reaches_nobody_else_and_its_articles_come_again(
    rhythm: Rhythm, mailer: Mailer
) -> None:
    early, late = SubscriberFactory.create_batch(2)
    digest = held_digest(title="Rest")
    steering.release(digest, by="ada")
    digest.deliveries.filter(subscriber=early).update(state="sent")
    recounted(digest)
    assert steering.cancel(digest, by="ada")
    assert not steering.cancel(digest, by="ada")
    delivering.deliver_round(digest.pk)
    assert mailer.letters == []
    again = building.build_digest(now=timezone.now())
    assert again
    assert [copy.subscriber for copy in again.deliveries.all()] == [late]
    digest.refresh_from_db()
    assert digest.finished_at


def test_what_a_worker_holds_when_it_is_cancelled_is_settled_as_what_becomes_of_it(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    digest = held_digest()
    steering.release(digest, by="ada")
    now = timezone.now()
    leased(digest)
    steering.cancel(digest, by="ada")
    digest.refresh_from_db()
    assert (states(digest), digest.finished_at) == (["queued"], None)
    assert building.build_digest(now=now) is None
    for _ in range(2):
        ticking.work_to_do(now=now + timedelta(hours=1))
    digest.refresh_from_db()
    assert states(digest) == ["unknown"]
    assert digest.finished_at
    assert building.build_digest(now=now) is None


def test_a_copy_put_back_after_the_cancel_is_skipped_and_its_reader_served_later(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    digest = held_digest(title="Rest")
    steering.release(digest, by="ada")
    batch = leased(digest)
    steering.cancel(digest, by="ada")
    batches.recount(batch)
    steering.finish_cancelled(now=timezone.now())
    assert states(digest) == ["skipped"]
    assert titles(building.build_digest(now=timezone.now())) == ["Rest"]


def test_who_was_served_since_the_cancel_is_not_served_again(
    rhythm: Rhythm, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    SubscriberFactory.create_batch(2)
    first = held_digest()
    steering.release(first, by="ada")
    batch = leased(first)
    steering.cancel(first, by="ada")
    second = building.build_digest(now=timezone.now())
    assert second
    delivering.deliver_round(second.pk)
    batches.recount(batch)
    steering.finish_cancelled(now=timezone.now())
    third = building.build_digest(now=timezone.now())
    assert third
    delivering.deliver_round(third.pk)
    held = Subscriber.objects.get(deliveries__in=batch.copies())
    waits = Subscriber.objects.exclude(pk=held.pk).get()
    assert mailer.recipients == [waits.email, held.email]


def test_a_worker_in_the_middle_stops_when_it_is_cancelled(
    rhythm: Rhythm, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "LOOK_UP", -1.0)
    SubscriberFactory.create_batch(5)
    digest = held_digest()
    steering.release(digest, by="ada")
    mailer.answers = [None, lambda: steering.cancel(digest, by="ada")]
    assert delivering.deliver_round(digest.pk) is False
    assert len(mailer.letters) == 2
    steering.finish_cancelled(now=timezone.now())
    assert sorted(states(digest)) == ["sent", "sent", "skipped", "skipped", "skipped"]
    digest.refresh_from_db()
    assert digest.finished_at
    again = building.build_digest(now=timezone.now())
    assert again
    assert again.audience == 3


def done_digest(*states_of_copies: str) -> Digest:
    digest = digest_to(*SubscriberFactory.create_batch(len(states_of_copies)))
    for copy, state in zip(digest.deliveries.all(), states_of_copies, strict=True):
        Delivery.objects.filter(pk=copy.pk).update(state=state, attempts=10, reason="550 no")
    recounted(digest)
    Digest.objects.filter(pk=digest.pk).update(state="done", finished_at=timezone.now())
    return digest


def test_the_rest_are_the_failed_ones(mailer: Mailer) -> None:
    digest = done_digest("sent", "failed", "unknown", "skipped")
    now = timezone.now()
    assert steering.send_to_the_rest(digest, with_unknown=False, now=now) == 1
    assert state_of(digest) == "sending"
    assert states(digest) == ["sent", "queued", "unknown", "skipped"]
    assert steering.send_to_the_rest(digest, with_unknown=True, now=now) == 0
    delivering.deliver_round(digest.pk)
    assert len(mailer.letters) == 1
    assert state_of(digest) == "done"


def test_unknown_copies_are_sent_again_only_at_a_persons_word(mailer: Mailer) -> None:
    digest = done_digest("sent", "failed", "unknown")
    assert steering.send_to_the_rest(digest, with_unknown=True, now=timezone.now()) == 2
    delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"] * 3


def test_the_rest_have_all_their_attempts_again(mailer: Mailer) -> None:
    digest = done_digest("failed")
    steering.send_to_the_rest(digest, with_unknown=False, now=timezone.now())
    mailer.answers = [refusal(450)]
    delivering.deliver_round(digest.pk)
    assert digest.deliveries.values_list("state", "attempts").get() == ("queued", 1)


def test_who_left_is_no_rest() -> None:
    digest = done_digest("failed", "failed")
    Subscriber.objects.update(state="blocked")
    assert steering.send_to_the_rest(digest, with_unknown=True, now=timezone.now()) == 0
    assert state_of(digest) == "done"


@pytest.mark.usefixtures("shared_database")
def test_undo_and_the_end_of_the_hold_at_once_do_one_of_the_two(bea: Subscriber) -> None:
    Rhythm.objects.get_or_create(single=1, defaults={"next_due_at": timezone.now() + HOLD})
    digest = held_digest()
    over = timezone.now() + HOLD * 2
    undone, _, released = race(
        lambda: steering.undo(digest, by="ada"),
        lambda: steering.undo(digest, by="ada"),
        lambda: ticking.release_held(now=over),
    )
    state = state_of(digest)
    if released:
        assert (state, states(digest)) == ("sending", ["queued"])
        assert not undone
    else:
        assert (state, states(digest)) == ("cancelled", ["skipped"])


@pytest.mark.usefixtures("shared_database")
def test_cancelling_while_workers_send_sends_no_article_twice(mailer: Mailer) -> None:
    Rhythm.objects.get_or_create(single=1, defaults={"next_due_at": timezone.now() + HOLD})
    SubscriberFactory.create_batch(20)
    digest = held_digest()
    steering.release(digest, by="ada")
    race(
        lambda: delivering.deliver_round(digest.pk),
        lambda: steering.cancel(digest, by="ada"),
        lambda: steering.cancel(digest, by="bob"),
    )
    steering.finish_cancelled(now=timezone.now())
    again = building.build_digest(now=timezone.now())
    if again:
        delivering.deliver_round(again.pk)
    assert len(mailer.recipients) == len(set(mailer.recipients)) == 20


@pytest.mark.usefixtures("shared_database")
def test_the_rest_are_queued_once_by_two_browsers(mailer: Mailer) -> None:
    digest = done_digest("failed", "failed", "sent")
    now = timezone.now()
    numbers = race(*[lambda: steering.send_to_the_rest(digest, with_unknown=False, now=now)] * 3)
    assert sorted(numbers) == [0, 0, 2]
