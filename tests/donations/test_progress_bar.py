"""The bar says in words, to eyes and to screen readers, what the ledger says."""

import pytest
from django.template import Context, Template

from donations.models import Drive
from tests.factories import DriveFactory, gift
from tests.reading import Page

pytestmark = pytest.mark.django_db


def bar(drive: Drive) -> tuple[dict[str, str], Page, str]:
    template = Template("{% load donations %}{% drive_progress drive %}")
    html = template.render(Context({"drive": drive}))
    page = Page(html)
    [attrs] = [attrs for _, attrs in page.tags if attrs.get("role") == "progressbar"]
    return attrs, page, html


def test_the_bar_has_a_name_a_range_and_a_value_in_words():
    drive = DriveFactory.create(name="Keep it readable", goal_minor=500_000)
    gift(drive, 185_000)
    attrs, _, _ = bar(drive)
    assert attrs == {
        "role": "progressbar",
        "aria-label": "Keep it readable",
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        "aria-valuenow": "37",
        "aria-valuetext": "$1,850 raised of $5,000 goal",
    }


def test_the_picture_of_the_bar_is_as_wide_as_its_value_and_silent():
    drive = DriveFactory.create(goal_minor=500_000)
    gift(drive, 185_000)
    _, page, _ = bar(drive)
    assert page.all("svg")[0]["aria-hidden"] == "true"
    assert page.all("rect")[1]["width"] == "37%"


def test_over_the_goal_the_bar_is_full_and_the_text_says_it_all():
    drive = DriveFactory.create(goal_minor=100_000)
    gift(drive, 250_000)
    attrs, page, html = bar(drive)
    assert attrs["aria-valuenow"] == "100"
    assert page.all("rect")[1]["width"] == "100%"
    assert attrs["aria-valuetext"] == "$2,500 raised of $1,000 goal"
    assert "<strong>$2,500</strong> raised of $1,000 goal" in html


def test_nothing_yet_is_an_empty_bar_without_a_date():
    attrs, page, html = bar(DriveFactory.create(goal_minor=100_000))
    assert attrs["aria-valuenow"] == "0"
    assert page.all("rect")[1]["width"] == "0%"
    assert "<strong>$0</strong> raised of $1,000 goal</p>" in html


@pytest.mark.parametrize(
    ("currency", "goal", "minor", "words"),
    [
        ("JPY", 100_000, 2_500, "¥2,500 raised of ¥100,000 goal"),
        ("KWD", 100_000, 2_500, "KWD\u00a02.500 raised of KWD\u00a0100 goal"),
        ("EUR", 100_000, 2_550, "€25.50 raised of €1,000 goal"),
    ],
)
def test_a_drive_in_another_currency(currency: str, goal: int, minor: int, words: str):
    drive = DriveFactory.create(currency=currency, goal_minor=goal)
    gift(drive, minor)
    attrs, _, _ = bar(drive)
    assert attrs["aria-valuetext"] == words
    assert attrs["aria-valuenow"] == "2"


def test_a_name_with_signs_of_html_stays_a_name():
    attrs, _, _ = bar(DriveFactory.create(name='Heat & "light" <now>'))
    assert attrs["aria-label"] == 'Heat & "light" <now>'
