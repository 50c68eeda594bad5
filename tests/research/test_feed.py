"""Readers of feeds hear of new studies."""

from datetime import timedelta
from xml.etree.ElementTree import fromstring

import pytest
from django.test import Client

from research.models import Study
from tests.factories import NOON, StudyFactory
from tests.reading import Page

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"


def entries(client: Client) -> list[dict[str, str]]:
    feed = fromstring(client.get("/studies/feed/").content)
    return [
        {part.tag.removeprefix(ATOM): str(part.text or part.get("href")) for part in entry}
        for entry in feed.iter(f"{ATOM}entry")
    ]


def test_the_library_names_its_feed(cleo: Client):
    links = Page(cleo.get("/studies/").content.decode()).all("link")
    feeds = [link["href"] for link in links if link.get("type") == "application/atom+xml"]
    assert "/studies/feed/" in feeds


def test_what_came_in_last_stands_first_whatever_its_year(cleo: Client):
    for days, year in enumerate((2020, 1990, 2010)):
        study = StudyFactory.create(title=f"Of {year}", year=year)
        Study.objects.filter(pk=study.pk).update(added_at=NOON + timedelta(days=days))
    assert [entry["title"] for entry in entries(cleo)] == ["Of 2010", "Of 1990", "Of 2020"]


def test_the_feed_holds_twenty(cleo: Client):
    StudyFactory.create_batch(21)
    assert len(entries(cleo)) == 20


def test_an_entry_tells_what_the_study_can_carry(cleo: Client):
    StudyFactory.create(
        title="Rest & effort", plain_sentence="Forty women.", authors="Gentile, E", design="cohort"
    )
    (entry,) = entries(cleo)
    assert entry["title"] == "Rest & effort"
    assert entry["link"] == "https://fibrosite.example/studies/gentile-2019-rest-effort/"
    for words in ("Forty women.", "Cohort study", "Gentile E.", "doi:10.5555/study."):
        assert words in entry["summary"]


def test_an_empty_library_has_a_feed_all_the_same(cleo: Client):
    assert entries(cleo) == []


def test_the_feed_asks_once(cleo: Client, django_assert_num_queries):
    StudyFactory.create_batch(5)
    with django_assert_num_queries(1):
        cleo.get("/studies/feed/")


def test_the_feed_is_read_alone(cleo: Client):
    assert cleo.post("/studies/feed/").status_code == 405
