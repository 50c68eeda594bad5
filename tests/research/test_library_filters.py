"""Readers narrow the library by condition, design, year and access, and put it in order."""

import pytest
from django.test import Client

from research.models import Condition, Study
from tests.factories import StudyFactory

pytestmark = pytest.mark.django_db


def titles(client: Client, query: str) -> list[str]:
    answer = client.get(f"/studies/?{query}")
    assert answer.status_code == 200
    return [study.title for study in answer.context["page"]]


@pytest.fixture(autouse=True)
def three_studies() -> None:
    fibromyalgia = Condition.objects.create(name="Fibromyalgia", slug="fibromyalgia")
    covid = Condition.objects.create(name="Long COVID", slug="long-covid")
    a, b, c = (
        StudyFactory.create(title="A", year=2001, design="rct", authors="Zeta, A"),
        StudyFactory.create(title="B", year=2010, design="rct", access="free", authors="Alpha, B"),
        StudyFactory.create(title="C", year=2020, design="animal", authors="Mu, C"),
    )
    a.conditions.set([fibromyalgia])
    b.conditions.set([fibromyalgia, covid])
    c.conditions.set([covid])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["C", "B", "A"]),
        ("condition=fibromyalgia", ["B", "A"]),
        ("design=animal", ["C"]),
        ("year=2010", ["B"]),
        ("access=free", ["B"]),
        ("condition=long-covid&design=rct", ["B"]),
        ("condition=long-covid&year=2001", []),
        ("sort=oldest", ["A", "B", "C"]),
        ("sort=author", ["B", "C", "A"]),
    ],
)
def test_the_filters_find_what_they_say(cleo: Client, query: str, found: list[str]) -> None:
    assert titles(cleo, query) == found


@pytest.mark.parametrize(
    "query",
    [
        "condition=nobody",
        "design=magic",
        "year=abc",
        "year=999999999999",
        "access=\x00",
        "sort=-pk",
    ],
)
def test_what_is_not_offered_counts_as_no_choice(cleo: Client, query: str) -> None:
    assert titles(cleo, query) == ["C", "B", "A"]


def test_an_undated_study_stands_last_and_is_no_year_to_choose(cleo: Client) -> None:
    StudyFactory.create(title="D", year=None)
    assert titles(cleo, "") == ["C", "B", "A", "D"]
    assert titles(cleo, "sort=oldest") == ["A", "B", "C", "D"]
    assert titles(cleo, "year=None") == ["C", "B", "A", "D"]
    assert "None" not in cleo.get("/studies/").content.decode()


def test_the_page_keeps_the_choice_and_names_the_number(cleo: Client) -> None:
    html = cleo.get("/studies/?design=rct").content.decode()
    assert '<option value="rct" selected>' in html
    assert "2 studies" in html
    assert "No study fits" in cleo.get("/studies/?design=rct&year=2020").content.decode()


def test_the_next_page_keeps_the_filters(cleo: Client) -> None:
    StudyFactory.create_batch(31, design="cohort")
    html = cleo.get("/studies/?design=cohort&sort=oldest").content.decode()
    assert 'href="?design=cohort&amp;sort=oldest&amp;page=2"' in html
    assert len(titles(cleo, "design=cohort&sort=oldest&page=2")) == 1


def test_a_study_page_shows_its_evidence_line(cleo: Client) -> None:
    study = Study.objects.get(title="A")
    html = cleo.get(study.get_absolute_url()).content.decode()
    assert "Randomised controlled trial; patients not stated" in html
    assert "Fibromyalgia" in html
