"""The fund takes gifts while no drive runs: its page, and its figures for other sites."""

import re
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from donations import booking, months
from donations.ledger import progress, raised_by_month
from donations.models import Donation, LedgerEntry
from tests.donations.providers.conftest import till
from tests.donations.providers.till import Till
from tests.factories import NOON, DriveFactory, gift
from tests.reading import Page

__all__ = ["till"]

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 5)
FOR_OTHERS = ["/fund/embed/", "/fund/badge.svg", "/fund/progress.json"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _today() -> Any:
    with on(TODAY):
        yield


def on(day: date) -> time_machine.travel:
    return time_machine.travel(NOON.replace(year=day.year, month=day.month, day=day.day))


def given(day: date, minor: int, **fields: Any) -> LedgerEntry:
    with on(day):
        return gift(None, minor, given_on=day, **fields)


def refund(entry: LedgerEntry, minor: int) -> None:
    assert entry.donation is not None
    booking.book(
        entry.donation, "refunded", -minor, currency=entry.currency, source_key="hand:back",
        happened_at=timezone.now(), now=timezone.now(),
    )  # fmt: skip


def read(client: Client, path: str = "/fund/") -> str:
    return re.sub(r"\s+", " ", client.get(path).content.decode())


def rows_of(text: str) -> list[tuple[str, str]]:
    return re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', text)


def test_the_fund_says_what_came_and_of_how_many(cleo: Client):
    gift(DriveFactory.create(starts_on=date(2025, 1, 1), ends_on=date(2025, 1, 9)), 99_900)
    given(TODAY, 1_000, donor_name="Noor")
    given(TODAY, 250, donor_name="Noor")
    text = read(cleo)
    assert "<h1>The fund of Fibrosite</h1>" in text
    assert '<strong>$12.50</strong> raised, as of <time datetime="2026-03-05' in text
    assert "1 person gave, in 2 gifts." in text
    assert "goal" not in text.split("<main")[1].split("Earlier drives")[0]
    assert 'role="progressbar"' not in text


def test_before_the_first_gift_it_says_nothing_came(cleo: Client):
    text = read(cleo)
    assert "<strong>$0</strong> raised</p>" in text
    assert "gave, in" not in text
    assert "Month by month" not in text


def test_each_of_the_last_twelve_months_has_its_bar_and_its_row(cleo: Client):
    for day, minor in (
        (date(2024, 12, 31), 700), (date(2025, 3, 31), 300), (date(2025, 4, 1), 1_000),
        (date(2025, 12, 31), 2_000), (date(2026, 3, 1), 400), (TODAY, 600),
    ):  # fmt: skip
        given(day, minor)
    text = read(cleo)
    rows = rows_of(text)
    assert rows[0] == ("Before April 2025", "$10")
    assert [month for month, _ in rows[1:4]] == ["April 2025", "May 2025", "June 2025"]
    assert len(rows) == 13
    assert {row for row in rows[1:] if row[1] != "$0"} == {
        ("April 2025", "$10"), ("December 2025", "$20"), ("March 2026", "$10"),
    }  # fmt: skip
    bars = [one for one in Page(text).all("rect") if one.get("class") == "month"]
    heights = [float(one["height"]) for one in bars]
    assert len(heights) == 12
    assert heights[0] == heights[11] == heights[8] / 2 > 0
    assert heights[1] == 0


def test_the_months_add_up_to_what_was_raised_also_after_refunds():
    first = given(date(2025, 1, 10), 5_000)
    given(date(2026, 2, 10), 1_000)
    refund(first, 3_000)
    before, shown = months.last_months(today=TODAY)
    assert before + sum(month.brought_minor for month in shown) == progress(None).raised_minor
    assert shown[-1].brought_minor == -3_000
    chart = months.chart(today=TODAY)
    assert chart["bars"][-1]["height"] == 0
    assert chart["rows"][-1] == (date(2026, 3, 1), "-$30")


def test_what_is_dated_later_stands_at_this_month():
    given(date(2026, 4, 1), 700)
    before, shown = months.last_months(today=TODAY)
    assert (before, shown[-1]) == (0, months.Month(date(2026, 3, 1), 700))
    assert len(shown) == 12


def test_the_days_of_drives_are_not_the_funds():
    gift(DriveFactory.create(), 1_000)
    given(TODAY, 200)
    assert raised_by_month(None) == [(date(2026, 3, 1), 200)]


@pytest.mark.parametrize(
    ("highest", "step", "top"),
    [(0, 100, 100), (500, 100, 500), (501, 200, 600), (1_001, 500, 1_500), (2_501, 1_000, 3_000),
     (5_001, 2_000, 6_000), (123_456, 50_000, 150_000)],
)  # fmt: skip
def test_the_upright_axis_has_round_steps_and_reaches_the_highest_bar(
    highest: int, step: int, top: int
):
    assert months._scale(highest, "USD") == (step, top)


def test_a_currency_without_decimals_is_counted_in_its_own_units(cleo: Client, settings: Any):
    settings.FUND_CURRENCY = "JPY"
    given(TODAY, 2_500)
    assert "<strong>¥2,500</strong> raised" in read(cleo)
    assert cleo.get("/fund/progress.json").json()["decimals"] == 0


def test_the_wall_shows_who_wanted_to_be_shown(cleo: Client):
    given(TODAY, 1_000, donor_name="Noor Secret", name_shown="Noor")
    assert "Latest gifts" not in read(cleo)
    given(TODAY, 1_000, donor_name="Ivo Legal", name_shown="Ivo", show_name=True)
    gift(DriveFactory.create(), 1_000, name_shown="Elsewhere", show_name=True)
    text = read(cleo)
    assert "<strong>Ivo</strong>" in text
    for hidden in ("Noor", "Legal", "Elsewhere"):
        assert hidden not in text
    Donation.objects.update(show_name=False)
    assert "Ivo" not in read(cleo)


def test_between_drives_one_gives_here(till: Till, cleo: Client):
    assert 'action="/donate/"' in read(cleo)
    assert 'name="drive" value=""' in read(cleo)


def test_while_a_drive_runs_its_page_takes_the_gifts(till: Till, cleo: Client):
    DriveFactory.create(name="Winter drive", slug="winter", starts_on=TODAY, ends_on=TODAY)
    text = read(cleo)
    assert 'name="amount"' not in text
    assert '<a href="/drives/winter/">Winter drive</a>' in text
    with on(TODAY + timedelta(days=1)):
        assert 'name="amount"' in read(cleo)


def test_the_page_to_give_leads_to_it(cleo: Client):
    given(TODAY, 1_250)
    between = read(cleo, "/donate/")
    assert '<a href="/fund/">The fund of Fibrosite</a>' in between
    assert "<strong>$12.50</strong> raised" in between
    DriveFactory.create(starts_on=TODAY, ends_on=TODAY)
    assert '<a href="/fund/">The fund of Fibrosite</a>: $12.50 raised.' in read(cleo, "/donate/")


def test_a_fund_that_nobody_gave_to_is_not_spoken_of_during_a_drive(cleo: Client):
    DriveFactory.create(starts_on=TODAY, ends_on=TODAY)
    assert "/fund/" not in read(cleo, "/donate/")


def test_search_engines_are_told_of_it(cleo: Client):
    assert "/fund/</loc>" in read(cleo, "/sitemap.xml")


def test_frame_picture_and_figures_say_the_same_sum(cleo: Client):
    given(TODAY, 25_050)
    assert "<strong>$250.50</strong> raised, as of" in read(cleo, "/fund/embed/")
    svg = ElementTree.fromstring(cleo.get("/fund/badge.svg").content)
    texts = [one.text for one in svg.iter(f"{SVG}text")]
    assert texts == ["The fund of Fibrosite", "$250.50 raised", "as of 5 March 2026"]
    assert len(list(svg.iter(f"{SVG}rect"))) == 1, "there is no bar without a goal"
    assert cleo.get("/fund/progress.json").json()["text"] == "$250.50 raised"


def test_the_figures_hold_what_a_fund_has(cleo: Client, settings: Any):
    settings.SITE_URL, settings.LEGAL_STATUS = "https://site.example", "We are a club."
    given(TODAY, 25_050)
    figures = cleo.get("/fund/progress.json").json()
    assert figures.pop("as_of").startswith("2026-03-05T12:")
    assert figures == {
        "name": "The fund of Fibrosite",
        "url": "https://site.example/fund/",
        "currency": "USD",
        "decimals": 2,
        "raised_minor": 25_050,
        "gifts": 1,
        "donors": 1,
        "raised": "$250.50",
        "text": "$250.50 raised",
        "legal_status": "We are a club.",
    }


@pytest.mark.parametrize("path", FOR_OTHERS)
def test_any_site_may_show_it_and_any_cache_may_keep_it(cleo: Client, path: str):
    answer = cleo.get(path)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cache-Control"] == "public, max-age=60"
    assert "X-Frame-Options" not in answer
    assert not answer.cookies
    assert cleo.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    given(TODAY, 100)
    assert cleo.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 200
    assert cleo.post(path).status_code == 405


@pytest.mark.parametrize("path", ["/fund/", *FOR_OTHERS])
def test_it_costs_the_same_however_many_gave(
    cleo: Client, path: str, django_assert_num_queries: Any
):
    for _ in range(5):
        given(TODAY, 100, name_shown="Ivo", show_name=True)
    # The open drive, the sum, the months, the wall.
    with django_assert_num_queries(4 if path == "/fund/" else 1):
        cleo.get(path)


def test_the_page_has_codes_to_copy_that_lead_to_them(cleo: Client, settings: Any):
    settings.SITE_URL = "https://site.example"
    text = read(cleo)
    for path in ("/fund/", *FOR_OTHERS):
        assert f"https://site.example{path}" in text
    assert "where the fund stands" in text
