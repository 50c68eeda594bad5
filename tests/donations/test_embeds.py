"""Other sites show where a drive stands: in a frame, as a picture, as figures."""

import html
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client

from donations.ledger import progress
from donations.models import Drive
from tests.factories import NOON, DriveFactory, gift
from tests.reading import Page

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2026, 3, 5), date(2026, 3, 20)
DAY = timedelta(days=1)
EMBED, BADGE, FIGURES = (
    f"/drives/winter/{name}" for name in ("embed/", "badge.svg", "progress.json")
)
ALL = [EMBED, BADGE, FIGURES]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _during_the_drive() -> Any:
    with on(FIRST):
        yield


@pytest.fixture
def drive() -> Drive:
    made: Drive = DriveFactory.create(
        name='Heat & "light" <now>',
        slug="winter",
        starts_on=FIRST,
        ends_on=LAST,
        thanks="You kept us warm.",
    )
    gift(made, 25_050)
    return made


def on(day: date) -> time_machine.travel:
    return time_machine.travel(NOON.replace(year=day.year, month=day.month, day=day.day))


def texts(svg: bytes) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_frame_picture_and_figures_say_the_same_sum(cleo: Client, drive: Drive) -> None:
    sum_ = progress(drive).words
    assert sum_ == "$250.50 raised of $1,000 goal"
    frame = Page(cleo.get(EMBED).content.decode())
    [bar] = [attrs for _, attrs in frame.tags if attrs.get("role") == "progressbar"]
    assert bar["aria-valuetext"] == sum_
    assert sum_ in texts(cleo.get(BADGE).content)
    assert cleo.get(FIGURES).json()["text"] == sum_


def test_the_figures_are_whole_numbers_of_minor_units_and_text(
    cleo: Client, drive: Drive, settings: Any
) -> None:
    Drive.objects.update(stretch_goal_minor=200_000)
    settings.SITE_URL = "https://site.example"
    settings.LEGAL_STATUS = "We are a club."
    answer = cleo.get(FIGURES)
    assert answer["Content-Type"] == "application/json"
    figures = answer.json()
    assert figures.pop("as_of").startswith("2026-03-05T12:")
    assert figures == {
        "name": 'Heat & "light" <now>',
        "url": "https://site.example/drives/winter/",
        "state": "open",
        "starts_on": "2026-03-05",
        "ends_on": "2026-03-20",
        "currency": "USD",
        "decimals": 2,
        "raised_minor": 25_050,
        "goal_minor": 100_000,
        "stretch_goal_minor": 200_000,
        "matched_minor": 0,
        "percent": 25,
        "gifts": 1,
        "donors": 1,
        "raised": "$250.50",
        "goal": "$1,000",
        "stretch_goal": "$2,000",
        "text": "$250.50 raised of $1,000 goal",
        "legal_status": "We are a club.",
    }


def test_each_key_of_the_figures_is_documented(cleo: Client, drive: Drive) -> None:
    with open("docs/embedding.md", encoding="utf-8") as file:
        told = file.read()
    missing = [key for key in cleo.get(FIGURES).json() if f"`{key}`" not in told]
    assert missing == []


@pytest.mark.parametrize(
    ("currency", "goal", "minor", "decimals", "text"),
    [("JPY", 100_000, 2_500, 0, "¥2,500"), ("KWD", 100_000, 2_500, 3, "KWD\u00a02.500")],
)
def test_a_currency_with_none_or_three_decimals_is_told_so(
    cleo: Client, currency: str, goal: int, minor: int, decimals: int, text: str
) -> None:
    drive = DriveFactory.create(
        slug="winter", currency=currency, goal_minor=goal, starts_on=FIRST, ends_on=LAST
    )
    gift(drive, minor)
    figures = cleo.get(FIGURES).json()
    assert (figures["decimals"], figures["raised_minor"]) == (decimals, minor)
    assert figures["raised"] == text
    assert any(line.startswith(text) for line in texts(cleo.get(BADGE).content))


@pytest.mark.parametrize("path", ALL)
def test_what_has_not_changed_is_not_sent_again(cleo: Client, drive: Drive, path: str) -> None:
    first = cleo.get(path)
    assert first["Cache-Control"] == "public, max-age=60"
    again = cleo.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert again["Cache-Control"] == first["Cache-Control"]
    assert again["Access-Control-Allow-Origin"] == "*"
    gift(drive, 100)
    fresh = cleo.get(path, headers={"If-None-Match": first["ETag"]})
    assert fresh.status_code == 200
    assert fresh["ETag"] != first["ETag"]


@pytest.mark.parametrize("path", ALL)
def test_any_site_may_show_it_and_it_is_the_same_for_everyone(
    cleo: Client, ada_browses: Client, drive: Drive, path: str
) -> None:
    answer = cleo.get(path, headers={"Origin": "https://forum.example"})
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "frame-ancestors *" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert "Vary" not in answer
    assert not answer.cookies
    assert ada_browses.get(path).content == answer.content


@pytest.mark.parametrize("path", ALL)
def test_nothing_of_it_can_run_or_ask_another_host(cleo: Client, drive: Drive, path: str) -> None:
    answer = cleo.get(path)
    policy = answer["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert not any(rule.startswith("script-src") for rule in policy)
    text = answer.content.decode()
    for word in ("<script", "javascript:", "style=", "onload", "@import", "url("):
        assert word not in text


@pytest.mark.parametrize("path", ALL)
def test_it_is_read_and_never_posted_to(cleo: Client, drive: Drive, path: str) -> None:
    assert cleo.head(path).status_code == 200
    assert cleo.post(path).status_code == 405


@pytest.mark.parametrize("path", ALL)
def test_before_its_first_day_there_is_nothing_to_show(
    cleo: Client, drive: Drive, path: str
) -> None:
    with on(FIRST - DAY):
        assert cleo.get(path).status_code == 404
    with on(LAST + 400 * DAY):
        assert cleo.get(path).status_code == 200


def test_pages_of_the_site_itself_stay_out_of_frames(cleo: Client, drive: Drive) -> None:
    answer = cleo.get("/drives/winter/")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


def test_the_frame_leads_out_of_itself_and_says_who_takes_the_gift(
    cleo: Client, drive: Drive, settings: Any
) -> None:
    settings.LEGAL_STATUS = "We are a club in Example Town."
    text = cleo.get(EMBED).content.decode()
    links = Page(text).all("a")
    assert [link["href"] for link in links] == ["/drives/winter/", "/donate/"]
    assert {link["target"] for link in links} == {"_top"}
    assert "We are a club in Example Town." in text


def test_a_frame_of_a_drive_that_is_over_thanks_and_asks_for_nothing(
    cleo: Client, drive: Drive
) -> None:
    with on(LAST + DAY):
        text = cleo.get(EMBED).content.decode()
    assert "You kept us warm." in text
    assert "/donate/" not in text


def test_the_picture_has_a_name_and_says_in_words_what_it_shows(cleo: Client, drive: Drive) -> None:
    answer = cleo.get(BADGE)
    assert answer["Content-Type"] == "image/svg+xml"
    svg = ElementTree.fromstring(answer.content)
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-labelledby"] == "name sum"
    assert svg.findtext(f"{SVG}title") == 'Heat & "light" <now>'
    told = svg.findtext(f"{SVG}desc") or ""
    assert told.startswith("$250.50 raised of $1,000 goal, as of 5 March 2026.")


def test_the_bar_of_the_picture_is_as_long_as_the_sum(cleo: Client, drive: Drive) -> None:
    def widths() -> list[str]:
        svg = ElementTree.fromstring(cleo.get(BADGE).content)
        return [one.attrib["width"] for one in svg.iter(f"{SVG}rect")][1:]

    assert widths() == ["296", "74"]
    gift(drive, 1_000_000)
    assert widths() == ["296", "296"]


def test_a_long_name_is_cut_in_the_picture_and_whole_in_its_title(cleo: Client) -> None:
    name = "The long winter drive for heat and light in all our rooms " * 2
    DriveFactory.create(name=name.strip(), slug="winter", starts_on=FIRST, ends_on=LAST)
    svg = cleo.get(BADGE).content
    assert texts(svg)[0] == "The long winter drive for heat …"
    assert name.strip() in svg.decode()


def test_a_sum_taken_back_shows_an_empty_bar_and_the_true_number(cleo: Client) -> None:
    DriveFactory.create(slug="winter", starts_on=FIRST, ends_on=LAST)
    assert cleo.get(FIGURES).json()["as_of"] is None
    assert "no gift yet" in texts(cleo.get(BADGE).content)


def test_the_page_of_the_drive_has_codes_to_copy_that_lead_to_them(
    cleo: Client, drive: Drive, settings: Any
) -> None:
    settings.SITE_URL = "https://site.example"
    text = cleo.get("/drives/winter/").content.decode()
    boxes = [html.unescape(part.split("</textarea>")[0]) for part in text.split("<textarea")[1:]]
    codes = [box.split(">", 1)[1] for box in boxes if "readonly" in box.split(">", 1)[0]]
    assert len(codes) == 4
    [frame], [link] = Page(codes[0]).all("iframe"), Page(codes[1]).all("a")
    assert frame["src"] == f"https://site.example{EMBED}"
    assert frame["title"] == 'Heat & "light" <now>: where it stands'
    assert link["href"] == "https://site.example/drives/winter/"
    assert Page(codes[1]).all("img")[0]["src"] == f"https://site.example{BADGE}"
    assert f"[img]https://site.example{BADGE}[/img]" in codes[2]
    assert codes[3] == f"https://site.example{FIGURES}"


@pytest.mark.parametrize("path", ALL)
def test_it_asks_the_database_twice_however_many_gave(
    cleo: Client, drive: Drive, path: str, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        gift(drive, 100)
    with django_assert_num_queries(2):
        cleo.get(path)
