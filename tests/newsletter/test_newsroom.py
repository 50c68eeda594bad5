"""The digest desk in the newsroom."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone

from newsletter import subscribing, tasks
from newsletter.models import Delivery, Digest, Rhythm, SignUp, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.scenes import built_digest, digest_to, everything, recounted, states

pytestmark = pytest.mark.django_db

SEND_NOW = "/admin/newsletter/digest/send-now/"
UPCOMING = "/admin/newsletter/digest/upcoming/"


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The digests that were handed to a worker."""
    ids: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", ids.append)
    return ids


@pytest.fixture
def dara_browses(db: None) -> Client:
    """A volunteer who may log in, and nothing more."""
    client = Client()
    client.force_login(User.objects.create_user("dara", is_staff=True))
    return client


@pytest.mark.parametrize("method", ["get", "post"])
def test_cleo_is_sent_to_the_login(cleo: Client, bea: Subscriber, method: str) -> None:
    ArticleFactory.create()
    assert getattr(cleo, method)(SEND_NOW).status_code == 302
    assert not Digest.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_volunteer_without_the_permission_is_refused(
    dara_browses: Client, bea: Subscriber, method: str
) -> None:
    ArticleFactory.create()
    assert getattr(dara_browses, method)(SEND_NOW).status_code == 403
    assert not Digest.objects.exists()


def test_looking_shows_what_would_go_out_and_changes_nothing(
    ada_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    ArticleFactory.create(title="What rest does")
    before = everything()
    page = ada_browses.get(SEND_NOW).text
    assert "What rest does" in page
    assert "1 reader now" in page
    assert everything() == before


def test_pressing_builds_the_digest_and_hands_it_to_a_worker(
    ada_browses: Client,
    bea: Subscriber,
    queued: list[int],
    django_capture_on_commit_callbacks: Any,
) -> None:
    ArticleFactory.create(title="What rest does")
    with django_capture_on_commit_callbacks(execute=True):
        page = ada_browses.post(SEND_NOW, follow=True).text
    digest = Digest.objects.get()
    assert "What rest does” is on its way to 1 reader." in page
    assert queued == [digest.pk]
    assert states(digest) == ["queued"]


def test_pressing_twice_sends_once(
    ada_browses: Client,
    bea: Subscriber,
    queued: list[int],
    django_capture_on_commit_callbacks: Any,
) -> None:
    ArticleFactory.create()
    with django_capture_on_commit_callbacks(execute=True):
        ada_browses.post(SEND_NOW)
        page = ada_browses.post(SEND_NOW, follow=True).text
    assert "Nothing was sent" in page
    assert len(queued) == Digest.objects.count() == 1


def test_nothing_new_says_so(ada_browses: Client, queued: list[int]) -> None:
    assert "there is nothing to send" in ada_browses.get(SEND_NOW).text
    assert "Nothing was sent" in ada_browses.post(SEND_NOW, follow=True).text
    assert queued == []


def test_the_button_needs_its_own_token(ada: User, bea: Subscriber) -> None:
    ArticleFactory.create()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post(SEND_NOW).status_code == 403
    assert not Digest.objects.exists()


def test_the_copy_is_shown_in_a_cage(ada_browses: Client, bea: Subscriber) -> None:
    digest = built_digest()
    response = ada_browses.get(f"/admin/newsletter/digest/{digest.pk}/copy/")
    assert "It was small." in response.text
    assert "\ue000" not in response.text
    assert "/unsubscribe/" not in response.text
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_the_copy_is_not_for_everyone(
    cleo: Client, dara_browses: Client, ada_browses: Client, bea: Subscriber
) -> None:
    digest = built_digest()
    path = f"/admin/newsletter/digest/{digest.pk}/copy/"
    assert cleo.get(path).status_code == 302
    assert dara_browses.get(path).status_code == 403
    assert ada_browses.get("/admin/newsletter/digest/999999/copy/").status_code == 404


def test_the_digest_says_what_became_of_its_copies(ada_browses: Client, bea: Subscriber) -> None:
    digest = built_digest()
    digest.deliveries.update(state="unknown")
    recounted(digest)
    assert "unknown 1" in ada_browses.get("/admin/newsletter/digest/").text
    page = ada_browses.get(f"/admin/newsletter/digest/{digest.pk}/change/").text
    assert "unknown 1" in page
    assert "sandbox" in page


def test_lists_and_rows_can_be_read_but_not_changed(ada_browses: Client, bea: Subscriber) -> None:
    digest = built_digest()
    sign_up = SignUp.objects.create(email="c@readers.example", asked_at=timezone.now())
    rows = {
        "digest": digest.pk,
        "delivery": digest.deliveries.get().pk,
        "subscriber": bea.pk,
        "signup": sign_up.pk,
    }
    before = everything()
    for name, pk in rows.items():
        desk = f"/admin/newsletter/{name}/"
        assert ada_browses.get(desk).status_code == 200
        assert ada_browses.get(f"{desk}{pk}/change/").status_code == 200
        assert ada_browses.get(f"{desk}add/").status_code == 403
        assert ada_browses.post(f"{desk}add/").status_code == 403
        assert ada_browses.post(f"{desk}{pk}/change/", {"state": "left"}).status_code == 403
        assert ada_browses.post(f"{desk}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert everything() == before


def test_a_copy_of_an_erased_reader_can_still_be_listed(
    ada_browses: Client, bea: Subscriber
) -> None:
    built_digest()
    bea.delete()
    assert ada_browses.get("/admin/newsletter/delivery/").status_code == 200
    pk = Delivery.objects.get().pk
    assert ada_browses.get(f"/admin/newsletter/delivery/{pk}/change/").status_code == 200


def test_ada_finds_bea_by_her_address(ada_browses: Client, bea: Subscriber) -> None:
    assert "bea@readers.example" in ada_browses.get("/admin/newsletter/subscriber/?q=BEA@").text


def test_ada_sets_the_rhythm(ada_browses: Client, rhythm: Rhythm) -> None:
    path = f"/admin/newsletter/rhythm/{rhythm.pk}/change/"
    day = timezone.localdate() + timedelta(days=5)
    data = {"cadence": "monthly", "next_due_at_0": str(day), "next_due_at_1": "09:00"}
    assert ada_browses.post(path, data).status_code == 302
    rhythm.refresh_from_db()
    due = timezone.localtime(rhythm.next_due_at)
    assert (rhythm.cadence, due.date(), due.hour) == ("monthly", day, 9)
    assert ada_browses.get("/admin/newsletter/rhythm/add/").status_code == 403
    assert ada_browses.post(f"/admin/newsletter/rhythm/{rhythm.pk}/delete/").status_code == 403


def test_a_time_that_is_past_is_refused(ada_browses: Client, rhythm: Rhythm) -> None:
    path = f"/admin/newsletter/rhythm/{rhythm.pk}/change/"
    data = {"cadence": "monthly", "next_due_at_0": "2026-03-05", "next_due_at_1": "09:00"}
    assert "This time is past" in ada_browses.post(path, data).text
    before = (rhythm.cadence, rhythm.next_due_at)
    rhythm.refresh_from_db()
    assert (rhythm.cadence, rhythm.next_due_at) == before


def test_the_upcoming_letter_is_shown_in_a_cage(ada_browses: Client, bea: Subscriber) -> None:
    ArticleFactory.create(title="What rest does")
    before = everything()
    response = ada_browses.get(UPCOMING)
    assert "What rest does" in response.text
    assert "\ue000" not in response.text
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert everything() == before
    assert built_digest(title="Another").variants.get().html.count("What rest does") == 1


def test_the_upcoming_letter_is_not_for_everyone(
    cleo: Client, dara_browses: Client, ada_browses: Client
) -> None:
    assert ada_browses.get(UPCOMING).status_code == 404
    ArticleFactory.create()
    assert cleo.get(UPCOMING).status_code == 302
    assert dara_browses.get(UPCOMING).status_code == 403
    assert ada_browses.get(UPCOMING).status_code == 200


def test_paused_readers_are_left_out_of_the_count(ada_browses: Client, bea: Subscriber) -> None:
    paused = SubscriberFactory.create()
    subscribing.pause(paused, weeks=2, now=timezone.now())
    ArticleFactory.create()
    assert "1 reader now" in ada_browses.get(SEND_NOW).text


def test_an_article_that_stood_in_a_digest_cannot_be_deleted(bea: Subscriber) -> None:
    article = built_digest().articles.get()
    with pytest.raises(ProtectedError):
        article.delete()


def test_a_page_of_digests_is_counted_in_one_query(
    ada_browses: Client, bea: Subscriber, django_assert_max_num_queries: Any
) -> None:
    for _ in range(6):
        digest_to(bea)
    with django_assert_max_num_queries(10):
        page = ada_browses.get("/admin/newsletter/digest/").text
    assert page.count("queued 1") == 6
