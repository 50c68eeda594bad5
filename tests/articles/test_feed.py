"""The Atom feed: valid, complete, and in absolute addresses."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.factories import NOON, ArticleFactory, AuthorFactory

ATOM = "{http://www.w3.org/2005/Atom}"

pytestmark = pytest.mark.django_db


def read(client: Client) -> ElementTree.Element:
    response = client.get("/feed/")
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)


def test_the_feed_has_what_atom_demands(cleo: Client):
    ArticleFactory.create(author=AuthorFactory.create(name="Iris Calder"), tags=["sleep"])
    feed = read(cleo)
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{name}"), name
    [entry] = feed.findall(f"{ATOM}entry")
    for name in ("id", "title", "updated", "published", "summary"):
        assert entry.findtext(f"{ATOM}{name}"), name
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Iris Calder"
    assert [c.get("term") for c in entry.findall(f"{ATOM}category")] == ["sleep"]


def test_each_entry_holds_the_gist(cleo: Client):
    ArticleFactory.create(gist=["One in three slept.", "It was <small>.", "It hints."])
    summary = read(cleo).findtext(f"{ATOM}entry/{ATOM}summary") or ""
    assert "<li>One in three slept.</li>" in summary
    assert "<li>It was &lt;small&gt;.</li>" in summary


def test_links_in_the_feed_are_absolute(cleo: Client):
    ArticleFactory.create(slug="slow-tapping")
    feed = read(cleo)
    links = [link.get("href", "") for link in feed.iter(f"{ATOM}link")]
    assert len(links) == 3
    assert all(link.startswith(("http://testserver/", "https://")) for link in links)


def test_entries_are_known_by_the_public_address_whatever_host_was_asked(cleo: Client):
    ArticleFactory.create(slug="slow-tapping")
    entry = read(cleo).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}id") == "https://fibrosite.example/articles/slow-tapping/"


def test_the_newest_twenty_come_first(cleo: Client):
    now = timezone.now()
    for days in range(1, 23):
        ArticleFactory.create(title=f"Day {days}", published_at=now - timedelta(days=days))
    titles = [entry.findtext(f"{ATOM}title") for entry in read(cleo).iter(f"{ATOM}entry")]
    assert titles == [f"Day {days}" for days in range(1, 21)]


def test_an_article_that_waited_for_its_time_is_new_at_that_time(cleo: Client):
    with time_machine.travel(NOON - timedelta(days=9), tick=False):
        ArticleFactory.create(state="scheduled", published_at=NOON)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        entry = read(cleo).findall(f"{ATOM}entry")[0]
    assert entry.findtext(f"{ATOM}updated") == "2026-03-05T12:00:00+00:00"


def test_an_empty_site_has_an_empty_feed(cleo: Client):
    assert read(cleo).find(f"{ATOM}entry") is None


def test_control_characters_pasted_from_a_document_do_not_break_the_feed(cleo: Client):
    article = ArticleFactory.create(
        title="Sleep\x0band\x02 pain", standfirst="A\x0csmall\u2028one.", gist=["\x1fOne", "2", "3"]
    )
    article.refresh_from_db()
    assert article.title == "Sleep and pain"
    assert read(cleo).findtext(f"{ATOM}entry/{ATOM}title") == "Sleep and pain"
