"""What the page of a drive tells: matches, milestones, the days, the gifts that may be shown."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from donations import booking
from donations.models import Donation, Drive, Match, Milestone
from tests.factories import NOON, DriveFactory, gift
from tests.reading import Page

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2026, 3, 5), date(2026, 3, 20)
DAY = timedelta(days=1)


@pytest.fixture
def drive() -> Any:
    with on(FIRST):
        yield DriveFactory.create(slug="winter", starts_on=FIRST, ends_on=LAST)


def on(day: date) -> time_machine.travel:
    return time_machine.travel(NOON.replace(year=day.year, month=day.month, day=day.day))


def read(client: Client, slug: str = "winter") -> str:
    return re.sub(r"\s+", " ", client.get(f"/drives/{slug}/").content.decode())


def words_of(text: str) -> str:
    return re.sub(r"<[^>]+>", "", text)


def test_the_wall_shows_a_name_only_if_its_giver_wanted_it(cleo: Client, drive: Drive) -> None:
    gift(drive, 1_000, donor_name="Noor Secret", name_shown="Noor Typed")
    gift(drive, 1_000, donor_name="Ivo Legal", name_shown="Ivo", show_name=True)
    text = read(cleo)
    assert "<strong>Ivo</strong>" in text
    assert "Noor" not in text
    assert "Legal" not in text


@pytest.mark.parametrize(
    ("state", "is_shown"), [("waiting", False), ("shown", True), ("refused", False)]
)
def test_the_wall_shows_a_message_only_if_an_editor_let_it_through(
    cleo: Client, drive: Drive, state: str, is_shown: bool
) -> None:
    gift(drive, 1_000, message="For <warm> feet", message_state=state)
    text = read(cleo)
    assert ("For &lt;warm&gt; feet" in text) is is_shown
    assert ("<strong>Somebody</strong>" in text) is is_shown


def test_the_wall_is_not_there_while_nobody_shows_anything(cleo: Client, drive: Drive) -> None:
    gift(drive, 1_000, donor_name="Noor")
    assert "Latest gifts" not in read(cleo)


def test_a_gift_that_was_given_back_leaves_the_wall(cleo: Client, drive: Drive) -> None:
    gift(drive, 1_000, name_shown="Ivo", show_name=True)
    assert "<strong>Ivo</strong>" in read(cleo)
    booking.book(
        Donation.objects.get(), "refunded", -1_000, currency="USD", source_key="hand:back",
        happened_at=timezone.now(), now=timezone.now(),
    )  # fmt: skip
    assert "Ivo" not in read(cleo)


def test_the_wall_shows_the_latest_ten(cleo: Client, drive: Drive) -> None:
    for number in range(12):
        with time_machine.travel(NOON.replace(month=3, day=5, hour=12, minute=number)):
            gift(drive, 100, name_shown=f"Giver {number:02}", show_name=True)
    names = re.findall(r"Giver \d\d", read(cleo))
    assert names == [f"Giver {number:02}" for number in range(11, 1, -1)]


def test_givers_are_counted_once_however_often_they_gave(cleo: Client, drive: Drive) -> None:
    assert "gave, in" not in read(cleo)
    gift(drive, 1_000, donor_name="Noor")
    assert "1 person gave, in 1 gift." in read(cleo)
    gift(drive, 1_000, donor_name="Noor")
    gift(drive, 1_000, donor_name="Ivo")
    assert "2 people gave, in 3 gifts." in read(cleo)


def test_a_match_says_who_adds_what_until_when_and_how_much_it_was(
    cleo: Client, drive: Drive
) -> None:
    match = Match(
        drive=drive, name="The Bakery", cap_minor=20_000, words="Bread helps.",
        from_at=NOON.replace(month=3, day=5, hour=8), until_at=NOON.replace(month=3, day=9),
    )  # fmt: skip
    booking.save_match(match, now=timezone.now())
    gift(drive, 5_000)
    text = words_of(read(cleo))
    assert "Bread helps. The Bakery adds the same again to each gift, up to $200 in all." in text
    assert "until 9 March 2026, 12:00. Added so far: $50." in text
    assert "$100 raised of $1,000 goal" in text
    assert "$50 of it was added by those who match gifts." in text


def test_a_match_that_gave_all_it_promised_promises_no_more(cleo: Client, drive: Drive) -> None:
    match = Match(
        drive=drive, name="The Bakery", cap_minor=4_000, words="Each gift is doubled.",
        from_at=NOON.replace(month=3, day=5, hour=8), until_at=NOON.replace(month=3, day=9),
    )  # fmt: skip
    booking.save_match(match, now=timezone.now())
    gift(drive, 3_999)
    assert "Each gift is doubled." in words_of(read(cleo))
    gift(drive, 100)
    text = words_of(read(cleo))
    assert "The Bakery has added $40, all that was promised." in text
    assert "doubled" not in text
    assert "the same again" not in text


def test_a_match_that_is_over_says_what_it_added(cleo: Client, drive: Drive) -> None:
    until = NOON.replace(month=3, day=9)
    match = Match(
        drive=drive, name="The Bakery", cap_minor=4_000, words="Each gift is doubled.",
        from_at=NOON.replace(month=3, day=5, hour=8), until_at=until,
    )  # fmt: skip
    booking.save_match(match, now=timezone.now())
    gift(drive, 1_500)
    with time_machine.travel(until + timedelta(seconds=1)):
        text = words_of(read(cleo))
    assert "The Bakery added $15 to the gifts that came until 9 March 2026, 12:00." in text
    assert "doubled" not in text


def test_a_part_of_each_gift_is_told_in_percent() -> None:
    match = Match(drive=DriveFactory.create(), name="Bo", ratio=Decimal("0.50"), cap_minor=100)
    assert match.terms == "Bo adds 50 % to each gift, up to $1 in all"


def test_milestones_are_ahead_reached_or_were_not(cleo: Client, drive: Drive) -> None:
    Milestone.objects.create(drive=drive, at_minor=10_000, words="A heater.")
    Milestone.objects.create(drive=drive, at_minor=50_000, words="A stove.")
    gift(drive, 10_000)
    text = words_of(read(cleo))
    assert "$100: A heater. Reached on 5 March 2026." in text
    assert "$500: A stove. Still ahead." in text
    with on(LAST + DAY):
        assert "$500: A stove. Not reached." in words_of(read(cleo))


def test_a_stretch_goal_is_called_one(cleo: Client, drive: Drive) -> None:
    Drive.objects.update(stretch_goal_minor=150_000)
    assert "$0 raised of $1,000 goal. Stretch goal: $1,500" in words_of(read(cleo))


def test_a_closed_drive_keeps_its_days_beside_those_of_earlier_drives(
    cleo: Client, drive: Drive
) -> None:
    past = FIRST - 400 * DAY
    earlier = DriveFactory.create(name="Old", slug="old", starts_on=past, ends_on=past + 9 * DAY)
    for day, minor in ((past, 60_000), (past + 3 * DAY, 60_000)):
        with on(day):
            gift(earlier, minor)
    for day, minor in ((FIRST, 10_000), (FIRST + 2 * DAY, 15_000)):
        with on(day):
            gift(drive, minor)
    with on(LAST + 300 * DAY):
        text = read(cleo)
    lines = [tag["class"] for tag in Page(text).all("polyline")]
    assert lines == ["line-1", "line-0", "line-0", "line-1"]
    told = words_of(text)
    assert "Keep it readable: 25 % of $1,000 goal" in told
    assert "Old: 120 % of $1,000 goal" in told
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', text)
    assert rows == [("5 March 2026", "$100", "$100"), ("7 March 2026", "$150", "$250")]


def test_the_chart_has_a_name_and_steps_that_reach_its_highest_line(
    cleo: Client, drive: Drive
) -> None:
    gift(drive, 1_230_000)
    text = read(cleo)
    [chart] = [tag for tag in Page(text).all("svg") if tag.get("role") == "img"]
    assert chart["aria-label"].startswith("Raised by day")
    steps = [int(step) for step in re.findall(r">(\d+) %</text>", text)]
    assert steps == [0, 400, 800, 1200, 1600, 2000]
    heights = re.findall(r'points="([^"]+)" class="line-0"', text)[0]
    assert all(14 <= float(point.split(",")[1]) <= 196 for point in heights.split())


def test_the_chart_of_the_first_day_draws_what_there_is(cleo: Client, drive: Drive) -> None:
    text = read(cleo)
    assert "Keep it readable: 0 % of $1,000 goal" in words_of(text)
    assert "day by day</summary>" not in text


def test_a_name_that_runs_from_right_to_left_leaves_the_words_around_it_alone(
    cleo: Client, drive: Drive
):
    name = "\u202eBo"
    fields: dict[str, Any] = {
        "show_name": True,
        "name_shown": name,
        "message": "شكرا",
        "message_state": "shown",
    }
    gift(drive, 100, **fields)
    html = read(cleo)
    assert f"<bdi><strong>{name}</strong></bdi>, <time" in html
    assert '<p dir="auto">شكرا</p>' in html
