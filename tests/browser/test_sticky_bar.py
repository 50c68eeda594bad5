"""The line about the drive at the lower edge: quiet, small, and gone once it is closed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out

pytestmark = pytest.mark.browser

# Its callout stands in the middle; that of the other at the end.
LONG = "/articles/how-to-read-a-small-study/"
OTHER = "/articles/low-dose-naltrexone-two-trials/"
BOTTOM_OF = "node => node.getBoundingClientRect().bottom"
# The sign-up asks for no money, so it may follow a callout; the bar makes way for both.
ASKS_IN_VIEW = """() => {
    const bar = document.querySelector('.ask-bar');
    const asks = bar.hidden ? '.callout' : '.callout, .ask-bar, .foot-sign-up';
    return [...document.querySelectorAll(asks)]
        .map(node => node.getBoundingClientRect())
        .filter(box => box.bottom > 0 && box.top < innerHeight).length;
}"""


def bar_of(page: Page) -> Locator:
    return page.get_by_role("complementary", name="The drive, in short")


def read_on(page: Page, *, to: int = 900) -> None:
    """Scroll so far down that the head of the page is out of sight."""
    page.evaluate(f"scrollTo(0, {to})")


def test_it_shows_once_the_reader_reads_on_and_says_the_sum(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360)
    page.goto(site.url + LONG)
    expect(bar_of(page)).to_be_hidden()
    read_on(page)
    expect(bar_of(page)).to_be_visible()
    expect(bar_of(page)).to_contain_text("raised of $3,000 goal")
    expect(bar_of(page)).to_contain_text("It is not a charity")
    expect(bar_of(page).get_by_role("link")).to_have_attribute("href", "/donate/")


@pytest.mark.parametrize("path", ["/", LONG, OTHER])
def test_no_screen_asks_twice(site: RunningSite, new_page: Callable[..., Page], path: str) -> None:
    page = new_page(360)
    page.goto(site.url + path)
    seen = set()
    for top in range(0, page.evaluate("document.body.scrollHeight"), 250):
        read_on(page, to=top)
        page.wait_for_timeout(80)
        asks = page.evaluate(ASKS_IN_VIEW)
        assert asks <= 1, f"{top} px down, {asks} ask at once"
        seen.add(bar_of(page).is_visible())
    assert seen == {True, False}


def test_closed_it_stays_closed_on_each_page_and_keeps_no_cookie(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360)
    page.goto(site.url + LONG)
    read_on(page)
    page.get_by_role("button", name="Close the line about the drive").click()
    expect(bar_of(page)).to_be_hidden()
    for path in (LONG, OTHER):
        page.goto(site.url + path)
        read_on(page)
        page.wait_for_timeout(300)
        expect(bar_of(page)).to_be_hidden()
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.getItem('closed-drive-bar')") == "keep-it-readable"


def test_closed_for_an_earlier_drive_it_shows_for_this_one(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360)
    page.goto(site.url)
    page.evaluate("localStorage.setItem('closed-drive-bar', 'listening-drive')")
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_be_visible()


def test_a_browser_that_keeps_nothing_can_close_it_too(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360)
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})"
    )
    page.goto(site.url + LONG)
    read_on(page)
    page.get_by_role("button", name="Close the line about the drive").click()
    expect(bar_of(page)).to_be_hidden()


def test_escape_closes_it_from_anywhere(site: RunningSite, new_page: Callable[..., Page]) -> None:
    page = new_page(1280)
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(bar_of(page)).to_be_hidden()


def test_escape_closes_an_open_definition_first(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(1280)
    page.goto(site.url + LONG)
    term = page.locator("button.term").first
    term.evaluate("node => scrollTo(0, node.getBoundingClientRect().top + scrollY - 200)")
    expect(bar_of(page)).to_be_visible()
    term.press("Enter")
    expect(page.locator(".definition:popover-open")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".definition:popover-open")).to_have_count(0)
    expect(bar_of(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(bar_of(page)).to_be_hidden()


def test_the_keyboard_comes_to_it_and_back_to_where_it_was(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(1280)
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_be_visible()
    last = page.locator("main a").last
    last.evaluate("node => node.focus({preventScroll: true})")
    page.keyboard.press("Tab")
    expect(bar_of(page).get_by_role("link")).to_be_focused()
    page.keyboard.press("Tab")
    expect(bar_of(page).get_by_role("button")).to_be_focused()
    before = page.evaluate("scrollY")
    page.keyboard.press("Enter")
    expect(bar_of(page)).to_be_hidden()
    expect(last).to_be_focused()
    assert page.evaluate("scrollY") == before


@pytest.mark.parametrize("width", [320, 1280])
def test_it_never_covers_what_has_the_focus(
    site: RunningSite, new_page: Callable[..., Page], width: int
) -> None:
    page = new_page(width)
    page.goto(site.url + LONG)
    covered, times = [], 0
    for _ in range(80):
        page.keyboard.press("Tab")
        page.wait_for_timeout(30)
        if not bar_of(page).is_visible() or page.locator(".ask-bar :focus").count():
            continue
        times += 1
        focused = page.locator(":focus")
        top = page.evaluate("document.querySelector('.ask-bar').getBoundingClientRect().top")
        if focused.count() and focused.evaluate(BOTTOM_OF) > top + 1:
            covered.append(focused.evaluate("node => node.outerHTML.slice(0, 80)"))
    assert times > 3
    assert covered == []


@pytest.mark.parametrize(
    ("width", "height"), [(320, 256), (320, 568), (360, 640), (640, 360), (1280, 800)]
)
def test_it_never_takes_more_than_a_fifth_of_the_screen(
    site: RunningSite, new_page: Callable[..., Page], width: int, height: int
) -> None:
    page = new_page(width)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(site.url + LONG)
    read_on(page)
    page.wait_for_timeout(300)
    box = bar_of(page).bounding_box() if bar_of(page).is_visible() else None
    assert box is None or box["height"] <= height / 5
    if height >= 640:
        assert box is not None
    nothing_sticks_out(page)


def test_large_letters_make_it_step_aside(site: RunningSite, new_page: Callable[..., Page]) -> None:
    page = new_page(360)
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_be_visible()
    page.evaluate("document.documentElement.style.fontSize = '300%'")
    page.set_viewport_size({"width": 361, "height": 800})
    expect(bar_of(page)).to_be_hidden()


def test_without_script_nothing_sticks_and_the_callout_is_there(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360, java_script_enabled=False)
    page.goto(site.url + LONG)
    page.mouse.wheel(0, 900)
    page.wait_for_timeout(200)
    expect(page.locator(".ask-bar")).to_be_hidden()
    expect(page.locator(".callout")).to_have_count(1)


def test_nothing_of_it_moves_and_it_interrupts_no_screen_reader(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360, reduced_motion="reduce")
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.locator(".ask-bar [aria-live], .ask-bar [role=status]").count() == 0


def test_in_forced_colours_an_edge_parts_it_from_the_text(
    site: RunningSite, new_page: Callable[..., Page]
) -> None:
    page = new_page(360, forced_colors="active", color_scheme="dark")
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_have_css("border-top-color", "rgb(255, 255, 255)")
    expect(bar_of(page)).to_have_css("background-color", "rgb(0, 0, 0)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_while_it_shows(
    site: RunningSite, new_page: Callable[..., Page], width: int, scheme: str
) -> None:
    page = new_page(width, color_scheme=scheme)
    page.goto(site.url + LONG)
    read_on(page)
    expect(bar_of(page)).to_be_visible()
    axe_finds_nothing(page)
    nothing_sticks_out(page)
