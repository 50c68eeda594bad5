"""What readers see of a drive before, during and after its days."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.factories import NOON, ArticleFactory, DriveFactory, gift

FIRST, LAST = date(2026, 3, 5), date(2026, 3, 20)
CALLOUT = 'class="callout"'

pytestmark = pytest.mark.django_db


@pytest.fixture
def drive():
    return DriveFactory.create(
        name="Winter drive",
        slug="winter",
        starts_on=FIRST,
        ends_on=LAST,
        story="<p>For heat.</p>",
        how_to_give="<p>By cheque.</p>",
        thanks="You kept us warm.",
    )


def on(day: date) -> time_machine.travel:
    return time_machine.travel(NOON.replace(year=day.year, month=day.month, day=day.day))


def read(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_drive_to_come_is_told_nowhere(cleo: Client, drive):
    article = ArticleFactory.create(published_at=NOON - timedelta(days=9))
    with on(FIRST - timedelta(days=1)):
        assert cleo.get("/drives/winter/").status_code == 404
        for path in ("/", "/donate/", article.get_absolute_url()):
            assert "Winter drive" not in read(cleo, path)


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_an_open_drive_tells_its_story_and_how_to_give(cleo: Client, drive, day: date):
    with on(day):
        page = read(cleo, "/drives/winter/")
    assert "For heat." in page
    assert "By cheque." in page
    assert "This drive is over" not in page


def test_a_past_drive_thanks_and_takes_nothing(cleo: Client, drive):
    with on(LAST + timedelta(days=1)):
        page = read(cleo, "/drives/winter/")
        assert "You kept us warm." in page
        assert "By cheque." not in page
        donate = read(cleo, "/donate/")
    assert "Winter drive" in donate
    assert "No drive is running now" in donate


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_the_callout_of_the_open_drive_is_on_home_and_articles(cleo: Client, drive, day: date):
    article = ArticleFactory.create(published_at=NOON - timedelta(days=9))
    with on(day):
        for path in ("/", article.get_absolute_url()):
            page = read(cleo, path)
            assert page.count(CALLOUT) == 1
            assert 'href="/donate/"' in page


def test_the_callout_is_not_on_the_page_it_leads_to(cleo: Client, drive):
    with on(FIRST):
        assert CALLOUT not in read(cleo, "/donate/")
        assert "By cheque." in read(cleo, "/donate/")


def test_after_the_last_day_the_callout_thanks_and_asks_for_nothing(cleo: Client, drive):
    article = ArticleFactory.create(published_at=NOON - timedelta(days=9))
    with on(LAST + timedelta(days=1)):
        for path in ("/", article.get_absolute_url()):
            page = read(cleo, path)
            callout = page[page.index(CALLOUT) :].split("</aside>")[0]
            assert "Winter drive is over: thank you" in callout
            assert "You kept us warm." in callout
            assert "/donate/" not in callout


def test_who_takes_the_gifts_is_said_wherever_we_ask_for_one(cleo: Client, drive, settings):
    settings.LEGAL_STATUS = "We are a club in Example Town."
    with on(FIRST):
        for path in ("/", "/donate/", "/drives/winter/"):
            assert "We are a club in Example Town." in read(cleo, path)


def test_days_are_days_of_the_sites_own_calendar(cleo: Client, drive, settings):
    settings.TIME_ZONE = "America/New_York"
    late = datetime(2026, 3, 20, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    with timezone.override("America/New_York"), time_machine.travel(late):
        assert drive.is_open()
    with timezone.override("UTC"), time_machine.travel(late):
        assert not drive.is_open()


def test_of_two_open_drives_the_newer_one_is_shown(cleo: Client):
    today = timezone.localdate()
    DriveFactory.create(name="Older", starts_on=today - timedelta(days=5))
    DriveFactory.create(name="Newer", starts_on=today)
    assert "Newer" in read(cleo, "/")
    assert "Older" not in read(cleo, "/")


def test_earlier_drives_show_where_they_ended(cleo: Client, drive):
    gift(drive, 12_300)
    with on(LAST + timedelta(days=400)):
        assert "<strong>$123</strong> raised of $1,000 goal" in read(cleo, "/donate/")


def test_no_name_of_a_giver_is_shown(cleo: Client, drive):
    gift(drive, 12_300, donor_name="Grandma Noor", note="for my knees")
    with on(FIRST):
        for path in ("/", "/donate/", "/drives/winter/"):
            assert "Grandma" not in read(cleo, path)
            assert "knees" not in read(cleo, path)


def test_an_unknown_drive_is_missing(cleo: Client):
    assert cleo.get("/drives/nothing/").status_code == 404
