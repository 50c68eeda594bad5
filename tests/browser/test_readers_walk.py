"""A reader's whole walk by keyboard on a phone: join, choose, pause, leave, be forgotten."""

import json
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
import requests
from playwright.sync_api import FrameLocator, Locator, Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out
from tests.site.walking import link, next_letter, read, words

pytestmark = pytest.mark.browser

FINN, GWEN, HANA = (f"{name}@readers.example" for name in ("finn", "gwen", "hana"))
PHONE = 360
MOST_TABS = 200
ABOUT_PACING = "Naps of ten minutes"
ABOUT_THE_BRAIN = "Small fibres under the microscope"
PUBLISH = f"""
from django.utils import timezone
from articles.models import Author
from tests.factories import ArticleFactory, StudyFactory
new = dict(author=Author.objects.first(), published_at=timezone.now())
ArticleFactory(title={ABOUT_PACING!r}, slug="naps", standfirst="A diary of forty nights.",
    tags=["pain", "pacing"], studies=[StudyFactory(title="Naps and effort")], **new)
ArticleFactory(title={ABOUT_THE_BRAIN!r}, slug="fibres", standfirst="A skin sample of thirty.",
    tags=["brain"], **new)
"""
_pictures = count(1)

Place = Page | Locator | FrameLocator


def _see(page: Page, name: str) -> None:
    """What holds on each page; a picture of it in WALK_SHOTS, if that names a folder."""
    if folder := os.environ.get("WALK_SHOTS"):
        path = Path(folder) / f"{next(_pictures):02}-{name}.png"
        page.screenshot(path=path, full_page=True)
    axe_finds_nothing(page)
    nothing_sticks_out(page)


def _tab_to(page: Page, target: Locator, *, within: Place | None = None) -> None:
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        # No script of ours: the frame that shows a letter allows none.
        if target.and_((within or page).locator(":focus")).count():
            return
    raise AssertionError(f"{page.url}: {MOST_TABS} times Tab never came to {target}")


def _press(page: Page, name: str, *, within: Place | None = None) -> None:
    """Come to a button or link of this name by Tab, and press Enter."""
    place = within or page
    named = place.get_by_role("button", name=name).or_(place.get_by_role("link", name=name))
    _tab_to(page, named, within=place)
    page.keyboard.press("Enter")


def _tick(page: Page, name: str) -> None:
    box = page.get_by_role("checkbox", name=name, exact=True)
    _tab_to(page, box)
    page.keyboard.press("Space")
    expect(box).to_be_checked()


def _choose(page: Page, group: str, wanted: str) -> None:
    """Go round a group of radio buttons by the arrow, at least one step, to the wanted one."""
    _tab_to(page, page.locator(f"input[name={group}]:checked"))
    radio = page.locator(f"input[name={group}][value='{wanted}']")
    for _ in range(page.locator(f"input[name={group}]").count()):
        page.keyboard.press("ArrowDown")
        if radio.is_checked():
            return
    raise AssertionError(f"{group} has no {wanted}")


def _expect_heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def _open_letter(page: Page, site: RunningSite, address: str, *, after: int, name: str) -> None:
    """The newest letter to an address in the mail folder, once more than `after` have come."""
    subject = str(next_letter(site, address, after=after)["Subject"])
    page.goto(f"{site.url}/mailbox/?to={address}")
    _see(page, f"folder-{name}")
    _tab_to(page, page.get_by_role("table").get_by_role("link").first)
    page.keyboard.press("Enter")
    _expect_heading(page, subject)
    page.frame_locator("iframe").get_by_role("link").first.wait_for()
    _see(page, f"letter-{name}")


def _press_in_letter(page: Page, name: str) -> None:
    _press(page, name, within=page.frame_locator("iframe"))


def _sign_up_at_the_foot(page: Page, site: RunningSite, address: str) -> None:
    page.goto(site.url)
    _tab_to(page, page.locator("main h2 a").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The gist")).to_be_visible()
    _tab_to(page, page.get_by_label("Your e-mail address"))
    page.keyboard.type(address)
    _see(page, "article")
    # Forms that are sent within a second are asked again: nobody types that fast.
    page.wait_for_timeout(1100)
    _press(page, "Sign up")
    expect(page.get_by_role("status")).to_contain_text("Please check your inbox")
    _see(page, "signed-up")


def _confirm(page: Page, site: RunningSite, address: str) -> None:
    _open_letter(page, site, address, after=0, name="confirm")
    _press_in_letter(page, "Confirm my address")
    _expect_heading(page, "One last step")
    _see(page, "confirm")
    _press(page, "Yes, send me the digest")
    _expect_heading(page, "You are on the list")
    _see(page, "on-the-list")


def _go_to_choices_from_welcome(page: Page, site: RunningSite, address: str) -> None:
    _open_letter(page, site, address, after=1, name="welcome")
    _press_in_letter(page, "Choose what I get")
    _expect_heading(page, "Your digest")
    _see(page, "choices")


def _choose_two_topics_weekly_gist(page: Page) -> None:
    _choose(page, "cadence", "weekly")
    _choose(page, "depth", "gist")
    for topic in ("exercise", "pain"):
        _tick(page, topic)
    _press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Saved. The next letter comes as you chose.")
    expect(page.locator("input[name=topics]:checked")).to_have_count(2)
    expect(page.locator("input[name=cadence]:checked")).to_have_value("weekly")
    expect(page.locator("input[name=depth]:checked")).to_have_value("gist")
    _see(page, "chosen")


def _join_without_a_browser(site: RunningSite, address: str) -> None:
    requests.post(f"{site.url}/subscribe/", {"email": address}).raise_for_status()
    requests.post(link(next_letter(site, address), "confirm")).raise_for_status()
    next_letter(site, address, after=1)


def _send_a_digest(page: Page, site: RunningSite) -> None:
    page.goto(f"{site.url}/admin/newsletter/digest/")
    _tab_to(page, page.get_by_label("Username"))
    page.keyboard.type("editor")
    _tab_to(page, page.get_by_label("Password"))
    page.keyboard.type("calm-demo-editor")
    _press(page, "Log in")
    _press(page, "Send a digest now", within=page.locator("#content"))
    expect(page.get_by_text("These research summaries are new")).to_be_visible()
    _see(page, "editor-send-now")
    _press(page, "Send it to")
    expect(page.get_by_text("is on its way to")).to_be_visible()
    expect(page.get_by_role("link", name="See how far it is now")).to_be_hidden(timeout=30_000)
    expect(page.frame_locator("iframe").get_by_text(ABOUT_THE_BRAIN).first).to_be_visible()
    _see(page, "editor-digest")


def _read_digests(page: Page, site: RunningSite) -> None:
    """One chosen article and its gist alone for Finn; all that is new, with studies, for Hana."""
    letters = [next_letter(site, address, after=2) for address in (FINN, HANA)]
    for part in ("plain", "html"):
        gist, standard = (" ".join(words(letter, part).split()).lower() for letter in letters)
        assert ABOUT_PACING.lower() in gist
        assert "it was small." in gist
        for absent in (ABOUT_THE_BRAIN, "A diary of forty nights.", "Gentile", "studies behind"):
            assert absent.lower() not in gist
        for present in (ABOUT_PACING, ABOUT_THE_BRAIN, "A diary of forty nights.", "Gentile"):
            assert present.lower() in standard
    _open_letter(page, site, HANA, after=2, name="digest-standard")
    _open_letter(page, site, FINN, after=2, name="digest-gist")


def _pause_and_resume(page: Page) -> None:
    _press_in_letter(page, "Choose topics, depth and rhythm, or pause")
    _expect_heading(page, "Your digest")
    _tab_to(page, page.locator("input[name=weeks]:checked"))
    expect(page.get_by_label("2 weeks", exact=True)).to_be_checked()
    _press(page, "Pause")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"Paused until \d+ \w+ \d{4}\."))
    _see(page, "paused")
    _press(page, "End the pause")
    expect(page.get_by_role("status")).to_contain_text("It comes to you as usual")
    _see(page, "resumed")


def _one_click(site: RunningSite, address: str, **body: object) -> None:
    """What a mail program posts when its own button is pressed: no cookie, no referrer (R20)."""
    letter = read(site.letters_to(address)[-1])
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(r"<(http[^<>\s]+)>", str(letter["List-Unsubscribe"]).strip())
    assert url
    answer = requests.post(url[1], allow_redirects=False, **body)  # type: ignore[arg-type]
    assert answer.ok
    assert not answer.is_redirect
    assert "Set-Cookie" not in answer.headers
    assert _rows(site, "SELECT state FROM newsletter_subscriber WHERE email = ?", address) == [
        ("left",)
    ]


def _see_that_one_has_left(page: Page, site: RunningSite, address: str) -> None:
    page.goto(link(read(site.letters_to(address)[-1]), "preferences"))
    _expect_heading(page, "You have unsubscribed")
    _see(page, "left")


def _ask_by_letter(page: Page, site: RunningSite, wish: str, name: str) -> None:
    """Press a wish on the page of choices, and open the letter that it causes."""
    after = len(site.letters_to(GWEN))
    page.goto(link(read(site.letters_to(GWEN)[1]), "preferences"))
    _press(page, wish)
    expect(page.get_by_role("status")).to_contain_text("We sent you a letter with the link")
    _see(page, f"asked-{name}")
    _open_letter(page, site, GWEN, after=after, name=name)


def _get_my_data(page: Page, site: RunningSite) -> None:
    _ask_by_letter(page, site, "Get my data", "data")
    _press_in_letter(page, "Get my data")
    _expect_heading(page, "Your data")
    _see(page, "data")
    with page.expect_download() as download:
        _press(page, "Get my data")
    held = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert held["address"] == GWEN
    assert held["subscription"]["consent"][0]["form"] == "foot"
    assert [digest["state"] for digest in held["subscription"]["digests"]] == ["sent"]


def _erase_me(page: Page, site: RunningSite) -> None:
    assert "newsletter_subscriber" in _tables_holding(site, GWEN)
    _ask_by_letter(page, site, "Erase me", "erase")
    _press_in_letter(page, "To the page that erases")
    _expect_heading(page, "Erase all that we hold of you?")
    _see(page, "erase")
    _press(page, "Yes, erase my data")
    _expect_heading(page, "Nothing is left")
    _see(page, "erased")
    assert _tables_holding(site, GWEN) == []


def _rows(site: RunningSite, query: str, *values: str) -> list[tuple[object, ...]]:
    path = site.folder / "fibrosite.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(query, values).fetchall()


def _tables_holding(site: RunningSite, text: str) -> list[str]:
    """The tables in which some column of some row holds this text, in capitals or not."""
    found = _rows(site, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    names = [str(name) for (name,) in found]
    return [name for name in names if text in repr(_rows(site, f'SELECT * FROM "{name}"')).lower()]


def test_the_readers_walk(site: RunningSite, new_page: Callable[..., Page]) -> None:
    next_letter(site, "bea@readers.example")
    finn, gwen = new_page(width=PHONE), new_page(width=PHONE)
    _sign_up_at_the_foot(finn, site, FINN)
    _confirm(finn, site, FINN)
    _go_to_choices_from_welcome(finn, site, FINN)
    _choose_two_topics_weekly_gist(finn)
    _sign_up_at_the_foot(gwen, site, GWEN)
    _confirm(gwen, site, GWEN)
    _join_without_a_browser(site, HANA)

    site.manage("shell", "-c", PUBLISH)
    _send_a_digest(new_page(width=PHONE), site)
    _read_digests(finn, site)
    _pause_and_resume(finn)

    _one_click(site, FINN, files={"List-Unsubscribe": (None, "One-Click")})
    _one_click(site, HANA, data={"List-Unsubscribe": "One-Click"})
    _see_that_one_has_left(finn, site, FINN)

    next_letter(site, GWEN, after=2)
    _get_my_data(gwen, site)
    _erase_me(gwen, site)
