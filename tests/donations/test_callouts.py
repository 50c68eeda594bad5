"""Pages ask once, in the words of the drive's state, and nowhere that was not meant."""

import html
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.template import engines
from django.test import Client, RequestFactory

from articles.models import ArticleCallout, ArticleText
from donations import callouts
from donations.models import CalloutCopy, Drive
from newsletter import coming
from newsletter.models import Depth
from tests.factories import (
    NOON,
    ArticleFactory,
    DriveFactory,
    PageFactory,
    StudyFactory,
    add_blocks,
    gift,
)
from tests.reading import Page

pytestmark = pytest.mark.django_db

FIRST, LAST = date(2026, 3, 5), date(2026, 3, 20)
DAY = timedelta(days=1)
State = Drive.State


@pytest.fixture
def drive() -> Drive:
    return DriveFactory.create(
        name="Winter drive",
        slug="winter",
        starts_on=FIRST,
        ends_on=LAST,
        goal_minor=100_000,
        stretch_goal_minor=150_000,
        thanks="You kept us warm.",
    )


@pytest.fixture
def article() -> Any:
    return ArticleFactory.create(published_at=NOON - timedelta(days=400))


def on(day: date) -> time_machine.travel:
    return time_machine.travel(NOON.replace(year=day.year, month=day.month, day=day.day))


def write(state: str, heading: str, words: str = "", button: str = "") -> None:
    rows = CalloutCopy.objects.filter(state=state)
    assert rows.update(heading=heading, words=words, button=button) == 1


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def callouts_of(text: str) -> list[str]:
    return [attrs["class"] for attrs in Page(text).all("aside") if "callout" in attrs["class"]]


@pytest.mark.parametrize(
    ("day", "raised", "state"),
    [
        (FIRST - 8 * DAY, 0, None),
        (FIRST - 7 * DAY, 0, "before"),
        (FIRST - DAY, 0, "before"),
        (FIRST, 0, "open"),
        (FIRST, 84_999, "open"),
        (FIRST, 85_000, "near"),
        (FIRST, 99_999, "near"),
        (FIRST, 100_000, "stretch"),
        (LAST, 149_999, "stretch"),
        (LAST, 150_000, "met"),
        (LAST + DAY, 150_000, "ended"),
        (LAST + 14 * DAY, 10, "ended"),
        (LAST + 15 * DAY, 10, None),
    ],
)
def test_each_state_speaks_in_its_own_words(
    cleo: Client, drive: Drive, article: Any, day: date, raised: int, state: str | None
) -> None:
    for each in State:
        write(each, f"Words for {each}")
    write(State.AFTER, "Words for the fund")
    if raised:
        gift(drive, raised)
    with on(day):
        text = read(cleo, article.get_absolute_url())
    said = [words for words in [*State, "the fund"] if f"Words for {words}<" in text]
    assert said == [state or "the fund"]


def test_a_drive_without_a_stretch_goal_is_met_at_its_goal(cleo: Client, drive: Drive) -> None:
    Drive.objects.update(stretch_goal_minor=None)
    gift(drive, 100_000)
    with on(FIRST):
        assert "The goal is met: thank you. Each further gift helps." in read(cleo, "/")


def test_a_new_site_has_words_for_each_state() -> None:
    assert set(CalloutCopy.objects.values_list("state", flat=True)) == set(State)


def test_a_migration_later_keeps_what_an_editor_wrote() -> None:
    write(State.OPEN, "Ours")
    CalloutCopy.objects.filter(state=State.NEAR).delete()
    callouts.keep()
    assert CalloutCopy.objects.get(state=State.OPEN).heading == "Ours"
    assert CalloutCopy.objects.get(state=State.NEAR).heading == "{drive}"


def test_the_facts_of_the_drive_stand_in_the_words(cleo: Client, drive: Drive) -> None:
    write(State.OPEN, "{drive}", "From {begins} to {ends}.", "Give to {drive}")
    with on(FIRST):
        text = read(cleo, "/")
    assert "From 5 March 2026 to 20 March 2026." in text
    assert ">Give to Winter drive</a>" in text


def test_words_of_editors_are_text_and_not_html(cleo: Client, drive: Drive) -> None:
    write(State.OPEN, "<script>x</script>", "<b>now</b>")
    with on(FIRST):
        raw = cleo.get("/").content.decode()
    assert "<script>x" not in raw
    assert "&lt;b&gt;now" in raw


def test_a_drive_to_come_is_announced_only_if_an_editor_wrote_so(
    cleo: Client, drive: Drive
) -> None:
    with on(FIRST - DAY):
        assert "Winter drive" not in read(cleo, "/")
        write(State.BEFORE, "{drive} begins on {begins}", button="Give today")
        text = read(cleo, "/")
    assert "Winter drive begins on 5 March 2026" in text
    # Its page is not there yet, and a sum of nothing tells nothing.
    assert "/drives/winter/" not in text
    assert 'role="progressbar"' not in text


def test_without_a_heading_a_running_drive_is_silent_and_so_is_the_fund(
    cleo: Client, drive: Drive, article: Any
) -> None:
    write(State.OPEN, "")
    with on(FIRST):
        assert callouts_of(read(cleo, "/")) == []
        assert callouts_of(read(cleo, article.get_absolute_url())) == []


def test_a_running_drive_speaks_before_one_that_ended_and_one_to_come(
    cleo: Client, drive: Drive
) -> None:
    write(State.BEFORE, "{drive} begins")
    DriveFactory.create(name="Autumn", starts_on=FIRST - 30 * DAY, ends_on=FIRST - DAY)
    DriveFactory.create(name="Spring", starts_on=LAST + DAY, ends_on=LAST + 30 * DAY)
    with on(LAST):
        text = read(cleo, "/")
        assert "Winter drive" in text
        assert "Autumn" not in text
        assert "Spring" not in text
    with on(FIRST - DAY):
        assert "Winter drive" not in read(cleo, "/")


def test_an_article_with_a_place_for_the_callout_has_none_at_its_end(
    cleo: Client, drive: Drive
) -> None:
    article = ArticleFactory.create(body="", published_at=NOON - 9 * DAY)
    first, last = ({"html": f"<p>{words}</p>"} for words in ("The beginning.", "The end."))
    add_blocks(article, (ArticleText, first), (ArticleCallout, {}), (ArticleText, last))
    with on(FIRST):
        text = read(cleo, article.get_absolute_url())
    assert callouts_of(text) == ["callout"]
    assert text.index("The beginning.") < text.index('class="callout"') < text.index("The end.")
    assert text.count('id="drive-callout"') == 1


def test_a_page_that_asks_many_times_gets_one_callout(drive: Drive) -> None:
    request = RequestFactory().get("/")
    template = engines["django"].from_string(
        "{% load donations %}{% drive_callout %}{% drive_callout %}{% drive_callout 'end' %}"
    )
    with on(FIRST):
        assert callouts_of(template.render({}, request)) == ["callout"]


def test_after_the_days_of_thanks_no_page_speaks_of_the_drive(
    cleo: Client, drive: Drive, article: Any
) -> None:
    with_place = ArticleFactory.create(published_at=NOON - 300 * DAY)
    add_blocks(with_place, (ArticleCallout, {}))
    paths = ["/", "/articles/", article.get_absolute_url(), with_place.get_absolute_url()]
    with on(LAST + 14 * DAY):
        told = [path for path in paths if "You kept us warm." in read(cleo, path)]
    assert told == [paths[0], *paths[2:]]
    with on(LAST + 15 * DAY):
        for path in paths:
            text = read(cleo, path)
            assert "Winter drive" not in text
            assert "You kept us warm." not in text
            assert 'role="progressbar"' not in text
            assert "ask-bar" not in text


def test_between_drives_an_article_ends_with_a_word_for_the_fund_and_home_has_none(
    cleo: Client, article: Any, settings: Any
) -> None:
    settings.LEGAL_STATUS = "We are a club in Example Town."
    place = ArticleFactory.create(body="", published_at=NOON - 9 * DAY)
    last = {"html": "<p>The end.</p>"}
    add_blocks(place, (ArticleCallout, {}), (ArticleText, last))
    assert callouts_of(read(cleo, "/")) == []
    for one in (article, place):
        text = read(cleo, one.get_absolute_url())
        assert callouts_of(text) == ["callout evergreen"]
        assert text.index("</header>") < text.index("Written by") < text.index("callout evergreen")
        assert text.count("We are a club in Example Town.") == 2


def test_beside_each_control_to_give_stands_who_takes_the_gift(
    cleo: Client, drive: Drive, article: Any, settings: Any
) -> None:
    settings.LEGAL_STATUS = "We are a club in Example Town."
    with on(FIRST):
        text = read(cleo, article.get_absolute_url())
    # In the callout, in the bar, and at the foot.
    assert text.count("We are a club in Example Town.") == 3
    for part in ('class="callout"', 'class="ask-bar"'):
        aside = text[text.index(part) :].split("</aside>")[0]
        assert 'href="/donate/"' in aside
        assert "We are a club in Example Town." in aside


def test_studies_and_information_are_never_interrupted(cleo: Client, drive: Drive) -> None:
    study, page = StudyFactory.create(), PageFactory.create()
    with on(FIRST):
        for path in ("/studies/", study.get_absolute_url(), page.get_absolute_url(), "/subscribe/"):
            text = read(cleo, path)
            assert callouts_of(text) == []
            assert "ask-bar" not in text


def test_a_callout_is_never_part_of_what_is_stored_fed_or_sent(cleo: Client, drive: Drive) -> None:
    article = ArticleFactory.create(published_at=NOON - DAY)
    add_blocks(article, (ArticleCallout, {}))
    with on(FIRST):
        assert "callout" not in read(cleo, "/feed/")
        assert "drive-callout" not in "".join(text.html for text in ArticleText.objects.all())
        for depth in Depth:
            words = coming.sample_letter(now=NOON, depth=depth)
            assert words is not None
            assert "drive-callout" not in words.html + words.text


@pytest.mark.parametrize(
    ("state", "words", "told"),
    [
        (State.OPEN, "Give by {when}", "{when} is not known. You can use {drive}, {begins}"),
        (State.OPEN, "Give to {drive", "{drive is not known."),
        (State.AFTER, "Give to {drive}", "{drive} stands for something of a drive"),
        (State.NEAR, "Click here to give", "does not say where it leads"),
    ],
)
def test_words_that_would_read_wrong_are_refused(
    ada_browses: Client, state: str, words: str, told: str
) -> None:
    copy = CalloutCopy.objects.get(state=state)
    answer = ada_browses.post(
        f"/admin/donations/calloutcopy/{copy.pk}/change/",
        {"heading": "Give", "words": words, "button": ""},
    )
    assert answer.status_code == 200
    text = html.unescape(answer.content.decode())
    assert told in text
    assert words in text
    copy.refresh_from_db()
    assert copy.words != words


def test_an_editor_writes_the_words_once_for_the_whole_site(
    ada_browses: Client, cleo: Client, drive: Drive, article: Any
) -> None:
    copy = CalloutCopy.objects.get(state=State.OPEN)
    with on(FIRST):
        answer = ada_browses.post(
            f"/admin/donations/calloutcopy/{copy.pk}/change/",
            {"heading": "Warm {drive}", "words": "Until {ends}.", "button": "Help"},
        )
        assert answer.status_code == 302
        for path in ("/", article.get_absolute_url()):
            assert "Warm Winter drive" in read(cleo, path)
