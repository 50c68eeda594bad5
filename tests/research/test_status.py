"""A study's page says what happened to the study since, and when that was last looked up."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from research.models import Notice, Study
from tests.factories import NOON, ArticleFactory, StudyFactory

pytestmark = pytest.mark.django_db


def page_of(client: Client, study: Study) -> str:
    with time_machine.travel(NOON, tick=False):
        return client.get(study.get_absolute_url()).content.decode()


def noticed(status: str, **notice: Any) -> Study:
    study = StudyFactory.create(status=status, checked_at=NOON)
    kind = {"retracted": "retraction", "concern": "concern", "corrected": "correction"}[status]
    Notice.objects.create(study=study, **{"kind": kind, **notice})
    return study


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("retracted", "This study was retracted."),
        ("concern", "The journal has expressed concern about this study."),
        ("corrected", "This study was corrected."),
    ],
)
def test_a_banner_says_what_happened(cleo: Client, status: str, words: str):
    html = page_of(cleo, noticed(status))
    assert words in html
    assert html.index(words) < html.index("Published in")


def test_the_banner_leads_to_the_notice_and_names_who_told(cleo: Client):
    study = noticed(
        "retracted",
        doi="10.1000/r<1>",
        dated_on=date(2020, 5, 3),
        from_publisher=True,
        from_retraction_watch=True,
    )
    html = page_of(cleo, study)
    assert '<a href="https://doi.org/10.1000/r%3C1%3E">Retraction of 3 May 2020</a>' in html
    assert "as the publisher and Retraction Watch reported" in html


def test_a_notice_without_address_and_date_is_named_all_the_same(cleo: Client):
    html = page_of(cleo, noticed("concern", from_retraction_watch=True))
    assert "<li>Expression of concern, as Retraction Watch reported</li>" in html


def test_each_notice_stands_in_the_banner(cleo: Client):
    study = noticed("retracted", doi="10.1000/r", dated_on=date(2020, 5, 3))
    Notice.objects.create(study=study, kind="correction", dated_on=date(2019, 2, 1))
    html = page_of(cleo, study)
    assert html.index("Retraction of 3 May 2020") < html.index("Correction of 1 February 2019")


def test_a_study_without_notice_has_no_banner(cleo: Client):
    html = page_of(cleo, StudyFactory.create(checked_at=NOON))
    assert 'class="notice' not in html
    assert "Checked for corrections and retractions on 5 March 2026: none is known." in html


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"checked_at": NOON - timedelta(days=30)}, "Checked for corrections and retractions on"),
        (
            {"checked_at": NOON - timedelta(days=31)},
            "Not checked for corrections and retractions since 2 February 2026.",
        ),
        ({"checked_at": None}, "Not checked for corrections and retractions yet."),
        (
            {"doi": None, "checked_at": None},
            "Not watched for corrections and retractions: it has no DOI.",
        ),
    ],
)
def test_the_page_says_how_far_it_can_be_trusted(cleo: Client, fields: dict[str, Any], words: str):
    assert words in page_of(cleo, StudyFactory.create(**fields))


def test_a_source_that_is_silent_takes_no_banner_away(cleo: Client):
    study = noticed("retracted")
    Study.objects.update(checked_at=NOON - timedelta(days=400))
    html = page_of(cleo, study)
    assert "This study was retracted." in html
    assert "Not checked for corrections and retractions since" in html


def test_the_library_and_the_feed_warn_by_a_word(cleo: Client):
    StudyFactory.create(title="Rest", status="retracted")
    assert '<strong class="status retracted">Retracted</strong>' in (
        cleo.get("/studies/").content.decode()
    )
    assert "<title>Retracted: Rest</title>" in cleo.get("/studies/feed/").content.decode()


@pytest.mark.parametrize("status", ["none", "retracted"])
def test_the_page_asks_as_often_with_ten_notices_as_with_one(
    cleo: Client, status: str, django_assert_num_queries: Any
):
    study = StudyFactory.create(status=status)
    ArticleFactory.create(studies=[study])
    Notice.objects.bulk_create(
        Notice(study=study, kind="retraction", doi=f"{n}") for n in range(10)
    )
    with django_assert_num_queries(QUERIES[status]):
        cleo.get(study.get_absolute_url())


QUERIES = {"none": 6, "retracted": 7}
