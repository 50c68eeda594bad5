"""A forum shows a drive: the frame and the picture in a page of another site."""

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out

pytestmark = pytest.mark.browser

DRIVE = "/drives/keep-it-readable/"
SUM = re.compile(r"^\$[\d,.]+ raised of \$3,000 goal$")


def codes_of(site: RunningSite, page: Page) -> list[str]:
    page.goto(site.url + DRIVE)
    page.get_by_text("Codes to copy").click()
    boxes = page.locator("textarea[readonly]").all()
    return [box.input_value() for box in boxes]


class Forum(BaseHTTPRequestHandler):
    """One topic, at another origin than the site's."""

    body = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        page = (
            f"<!DOCTYPE html><html lang=en><title>T</title><link rel=icon href=data:,>{self.body}"
        )
        self.wfile.write(page.encode())

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def forum() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forum)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/topic/"
    server.shutdown()
    server.server_close()


def open_forum(page: Page, forum: str, body: str) -> None:
    Forum.body = body
    page.goto(forum)


def test_the_codes_that_were_copied_show_the_sum_on_a_forum(
    site: RunningSite, forum: str, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    frame, picture, _, figures = codes_of(site, page)
    open_forum(page, forum, frame + picture)
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("progressbar")).to_have_attribute("aria-valuetext", SUM)
    # The style sheet came, too.
    expect(inside.locator("body")).to_have_css("background-color", "rgb(250, 247, 241)")
    box = page.get_by_role("img", name="Keep it readable: where it stands")
    assert box.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    told = page.evaluate("url => fetch(url).then(answer => answer.json())", figures)
    assert SUM.match(told["text"])


def test_a_press_in_the_frame_leads_the_whole_window_to_giving(
    site: RunningSite, forum: str, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    [frame, *_] = codes_of(site, page)
    open_forum(page, forum, frame)
    page.frame_locator("iframe").get_by_role("link", name="How to give").click()
    expect(page).to_have_url(f"{site.url}/donate/")


def test_axe_finds_nothing_among_the_codes(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(320)
    assert len(codes_of(site, page)) == 4
    axe_finds_nothing(page)
    nothing_sticks_out(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [280, 360])
def test_axe_finds_nothing_in_the_frame_and_it_fits(
    site: RunningSite, new_page: Callable[..., Page], width: int, scheme: str
) -> None:
    page = new_page(width, color_scheme=scheme)
    page.goto(f"{site.url}{DRIVE}embed/")
    axe_finds_nothing(page)
    nothing_sticks_out(page)


def test_the_frame_is_high_enough_for_what_it_says(
    site: RunningSite, forum: str, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    [frame, *_] = codes_of(site, page)
    open_forum(page, forum, frame)
    root = page.frame_locator("iframe").locator("html")
    high, seen = root.evaluate("node => [node.scrollHeight, node.clientHeight]")
    assert high <= seen
