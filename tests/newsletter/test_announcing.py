"""One-off letters: written once, sent once, the way of digests."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from articles.models import Tag
from newsletter import announcing, building, choosing, delivering, steering, tasks, ticking
from newsletter.announcing import Announcement
from newsletter.models import Digest, Rhythm, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import everything, race, states

pytestmark = pytest.mark.django_db

PAGE = "/admin/newsletter/digest/announce/"
LETTER = Announcement("We move", "<p>On <strong>Monday</strong>.</p>")
TYPED = {"subject": "We move", "text": "<p>On <strong>Monday</strong>.</p>"}
HOLD = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The letters that were handed to a worker."""
    ids: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", ids.append)
    return ids


def announce(letter: Announcement = LETTER, hold: timedelta = timedelta()) -> Digest:
    digest, is_new = announcing.announce(letter, now=timezone.now(), hold=hold)
    assert is_new
    return digest


def about(name: str, **fields: Any) -> Subscriber:
    """A reader of one topic."""
    tag, _ = Tag.objects.get_or_create(name=name, slug=name)
    subscriber = SubscriberFactory.create(**fields)
    choosing.set_topics(subscriber, frozenset([tag.pk]))
    subscriber.save()
    return subscriber


def test_it_reaches_all_who_are_reachable_with_the_headers_of_a_digest(
    bea: Subscriber, mailer: Mailer
) -> None:
    SubscriberFactory.create(state="left")
    SubscriberFactory.create(state="blocked")
    SubscriberFactory.create(paused_until_at=timezone.now() + timedelta(days=3))
    plain = SubscriberFactory.create(text_only=True)
    digest = announce()
    delivering.deliver_round(digest.pk)
    assert mailer.recipients == [bea.email, plain.email]
    html, text = mailer.letters
    assert html.subject == "We move"
    assert "<strong>Monday</strong>" in html.alternatives[0][0]
    assert text.alternatives == []
    for letter in mailer.letters:
        assert "On Monday." in letter.body
        assert "\ue000" not in letter.body
        assert letter.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "List-ID" in letter.extra_headers
    digest.refresh_from_db()
    assert (digest.state, digest.kind, digest.audience) == ("done", "letter", 2)


def test_a_letter_about_a_topic_goes_to_its_readers_and_to_those_of_all_topics(
    bea: Subscriber,
) -> None:
    sleep = about("sleep")
    about("pain")
    letter = Announcement(
        "Sleep", "<p>News.</p>", frozenset(sleep.topics.values_list("pk", flat=True))
    )
    digest = announce(letter)
    assert {copy.subscriber for copy in digest.deliveries.all()} == {bea, sleep}


def test_it_takes_nothing_from_the_next_digest(bea: Subscriber, rhythm: Rhythm) -> None:
    article = ArticleFactory.create()
    undone = announce(hold=HOLD)
    announce(Announcement("Another", "<p>Words.</p>"))
    assert steering.undo(undone, by="ada")
    Rhythm.objects.update(intro="Dear all")
    digest = building.build_digest(now=timezone.now())
    assert digest
    assert (list(digest.articles.all()), digest.intro) == ([article], "Dear all")


def test_it_is_held_and_can_be_undone(bea: Subscriber, rhythm: Rhythm, mailer: Mailer) -> None:
    digest = announce(hold=HOLD)
    assert steering.undo(digest, by="ada")
    ticking.release_held(now=timezone.now() + HOLD)
    delivering.deliver_round(digest.pk)
    assert (states(digest), mailer.letters) == (["skipped"], [])


def test_the_same_letter_is_not_sent_twice_unless_it_was_cancelled(bea: Subscriber) -> None:
    digest = announce(hold=HOLD)
    again = announcing.announce(LETTER, now=timezone.now(), hold=HOLD)
    assert again == (digest, False)
    steering.undo(digest, by="ada")
    assert announce() != digest


@pytest.mark.usefixtures("shared_database")
def test_two_presses_at_once_send_one_letter() -> None:
    Rhythm.objects.get_or_create(single=1, defaults={"next_due_at": timezone.now() + HOLD})
    SubscriberFactory.create_batch(3)
    now = timezone.now()
    race(*[lambda: announcing.announce(LETTER, now=now, hold=HOLD)] * 3)
    assert Digest.objects.get().audience == 3


def test_its_text_part_is_written_for_reading() -> None:
    html = (
        "<p>5 &lt; 6</p><ul><li><p>rest</p></li><li><p>sleep</p></li></ul>"
        '<p>See <a href="https://a.example/x">this</a>.</p>'
    )
    text = announcing.write(Announcement("We move", html)).text
    assert text.startswith("WE MOVE\n\n5 < 6\n\n- rest\n- sleep\n\nSee this <https://a.example/x>.")
    assert "To unsubscribe:" in text


def test_links_to_our_own_pages_work_in_a_mail() -> None:
    words = announcing.write(Announcement("A", '<p><a href="/about/">Us</a></p>'))
    assert 'href="https://fibrosite.example/about/"' in words.html
    assert "Us <https://fibrosite.example/about/>" in words.text


# The page


def test_ada_writes_looks_and_sends(ada_browses: Client, bea: Subscriber) -> None:
    assert ada_browses.get(PAGE).status_code == 200
    page = ada_browses.post(PAGE, {**TYPED, "look": "1"}).text
    assert "Send it to 1 reader" in page
    assert "Monday" in page
    assert not Digest.objects.exists()
    page = ada_browses.post(PAGE, {**TYPED, "send": "1"}, follow=True).text
    assert "is on its way to 1 reader" in page
    page = ada_browses.post(PAGE, {**TYPED, "send": "1"}, follow=True).text
    assert "Nothing was sent again" in page
    assert Digest.objects.count() == 1


def test_it_waits_for_its_hold_unless_it_is_urgent(
    ada_browses: Client, bea: Subscriber, settings: Settings
) -> None:
    settings.DIGEST_HOLD = HOLD
    ada_browses.post(PAGE, {**TYPED, "send": "1"})
    assert Digest.objects.get().state == "held"
    ada_browses.post(PAGE, {**TYPED, "subject": "Now", "send": "1", "at_once": "on"})
    assert Digest.objects.get(subject="Now").state == "sending"


def test_what_is_not_allowed_is_taken_out(ada_browses: Client, bea: Subscriber) -> None:
    evil = (
        '<p>Hi<script>x()</script><img src="https://spy.example/p.gif">'
        '<a href="javascript:x()">a</a></p>'
    )
    ada_browses.post(PAGE, {"subject": "A\r\nBcc: x@y.example", "text": evil, "send": "1"})
    digest = Digest.objects.get()
    html = digest.variants.get().html
    assert digest.subject == "A Bcc: x@y.example"
    for bad in ("<script", "<img", "javascript:", "spy.example"):
        assert bad not in html


@pytest.mark.parametrize("missing", ["subject", "text"])
def test_an_empty_letter_is_refused_and_nothing_typed_is_lost(
    ada_browses: Client, bea: Subscriber, missing: str
) -> None:
    empty = "<p>&nbsp;</p>" if missing == "text" else ""
    page = ada_browses.post(PAGE, {**TYPED, missing: empty, "send": "1"}).text
    assert "errorlist" in page
    assert ("We move" in page) or ("Monday" in page)
    assert not Digest.objects.exists()


def test_a_test_goes_to_the_editor_alone(ada: User, ada_browses: Client, bea: Subscriber) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@newsroom.example")
    page = ada_browses.post(PAGE, {**TYPED, "test": "1"}).text
    assert "A test is on its way" in page
    assert "We move" in page
    assert [letter.to for letter in mail.outbox] == [["ada@newsroom.example"]]
    assert not Digest.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_is_for_editors(cleo: Client, bea: Subscriber, method: str) -> None:
    before = everything()
    assert getattr(cleo, method)(PAGE, {**TYPED, "send": "1"}).status_code == 302
    dara = User.objects.create_user("dara", is_staff=True)
    cleo.force_login(dara)
    assert getattr(cleo, method)(PAGE, {**TYPED, "send": "1"}).status_code == 403
    assert everything()["newsletter.Digest"] == before["newsletter.Digest"]
