"""Digests that went out, on the site: nothing personal, nothing withdrawn, and unlisted."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from articles.models import Article
from newsletter import delivering
from newsletter.models import Delivery, Digest, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Post
from tests.newsletter.scenes import built_digest, leave_path

pytestmark = pytest.mark.django_db


def sent_digest(**article: object) -> Digest:
    digest = built_digest(**article)
    digest.deliveries.update(state=Delivery.State.SENT, settled_at=timezone.now())
    Digest.objects.filter(pk=digest.pk).update(state=Digest.State.DONE)
    return digest


def page(client: Client, digest: Digest) -> str:
    response = client.get(f"/digests/{digest.pk}/")
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_link_in_a_letter_leads_to_its_page(bea: Subscriber, post: Post, cleo: Client) -> None:
    digest = built_digest(title="Was müde Muskeln sagen")
    delivering.deliver_round(digest.pk)
    for kind in ("plain", "html"):
        part = post.parsed()[0].get_body((kind,))
        assert part
        assert f"https://fibrosite.example/digests/{digest.pk}/" in part.get_content()
    assert "Was müde Muskeln sagen" in page(cleo, digest)


def test_the_page_shows_title_gist_and_evidence(bea: Subscriber, cleo: Client) -> None:
    words = page(cleo, sent_digest(title="What slow tapping shows", gist=["It was small."]))
    assert "What slow tapping shows" in words
    assert "It was small." in words


def test_the_page_holds_nothing_of_one_reader(bea: Subscriber, cleo: Client) -> None:
    words = page(cleo, sent_digest())
    assert not re.search(r"/unsubscribe/|/preferences/|@readers", words)
    assert leave_path(bea) not in words


def test_it_shows_what_any_reader_got(cleo: Client) -> None:
    SubscriberFactory.create()
    SubscriberFactory.create(max_items=1)
    ArticleFactory.create(title="The older one")
    words = page(cleo, sent_digest(title="The newer one"))
    assert "The older one" in words
    assert "The newer one" in words
    assert words.count("The newer one") == 1


def test_a_withdrawn_article_vanishes_with_its_title(bea: Subscriber, cleo: Client) -> None:
    digest = sent_digest(title="Nobody may read this")
    Article.objects.update(state=Article.State.WITHDRAWN)
    words = page(cleo, digest)
    assert "Nobody may read this" not in words
    assert "no longer on the site" in words
    assert "Nobody may read this" not in cleo.get("/digests/").content.decode()


@pytest.mark.parametrize("state", ["queued", "skipped", "failed"])
def test_a_digest_that_nobody_got_is_not_there(bea: Subscriber, cleo: Client, state: str) -> None:
    digest = built_digest()
    digest.deliveries.update(state=state)
    assert cleo.get(f"/digests/{digest.pk}/").status_code == 404
    assert "No digest has gone out yet." in cleo.get("/digests/").content.decode()


def test_a_letter_to_subscribers_is_not_for_the_world(bea: Subscriber, cleo: Client) -> None:
    digest = sent_digest()
    Digest.objects.update(kind=Digest.Kind.LETTER)
    assert cleo.get(f"/digests/{digest.pk}/").status_code == 404
    assert f"/digests/{digest.pk}/" not in cleo.get("/digests/").content.decode()


@pytest.mark.parametrize("number", ["0", "999", "9" * 40])
def test_a_number_that_never_was_is_not_found(cleo: Client, number: str) -> None:
    assert cleo.get(f"/digests/{number}/").status_code == 404


def test_the_list_leads_to_each_digest(bea: Subscriber, cleo: Client) -> None:
    digest = sent_digest()
    assert f'href="/digests/{digest.pk}/"' in cleo.get("/digests/").content.decode()


def test_search_engines_keep_out_unless_the_site_says_otherwise(
    bea: Subscriber, cleo: Client, settings: Settings
) -> None:
    paths = ["/digests/", f"/digests/{sent_digest().pk}/"]
    assert [cleo.get(path)["X-Robots-Tag"] for path in paths] == ["noindex", "noindex"]
    settings.ARCHIVE_INDEX = True
    assert not any("X-Robots-Tag" in cleo.get(path) for path in paths)


def test_reading_it_changes_nothing_and_sets_no_cookie(bea: Subscriber, cleo: Client) -> None:
    digest = sent_digest()
    assert not cleo.get(f"/digests/{digest.pk}/").cookies
    assert cleo.post(f"/digests/{digest.pk}/").status_code == 405
