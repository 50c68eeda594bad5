"""Giving as people do it: on a phone, without script, with real buttons; and by keyboard alone."""

import re
import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running import RunningSite, wait_for
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out
from tests.browser.newsroom import desk, logged_in
from tests.site.walking import letter_about, link

__all__ = ["desk", "logged_in"]

pytestmark = pytest.mark.browser

PHONE = {"width": 320, "java_script_enabled": False, "has_touch": True, "is_mobile": True}


def raised(page: Page, site: RunningSite) -> float:
    """What the bar of the open drive says came in, in dollars."""
    page.goto(f"{site.url}/donate/")
    said = page.get_by_role("progressbar").first.get_attribute("aria-valuetext") or ""
    found = re.match(r"\$([\d,.]+) raised", said)
    assert found, said
    return float(found[1].replace(",", ""))


def bar_moves(page: Page, site: RunningSite, *, to: float) -> None:
    """Wait until the bar says so: the report comes in by another way than the giver."""
    wait_for(lambda: abs(raised(page, site) - to) < 0.005, seconds=30, hint=f"the bar at {to}")


def pay(page: Page, email: str) -> None:
    page.get_by_label("E-mail address for the receipt").fill(email)
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")


def own_page(page: Page, site: RunningSite, email: str) -> None:
    """Open the own page by the link in the receipt."""
    page.goto(link(letter_about(site, email, "Receipt"), "own"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Your gifts")


def test_ten_dollars_on_a_phone_move_the_bar(new_page: Callable[..., Page], site: RunningSite):
    page = new_page(**PHONE)
    before = raised(page, site)
    page.get_by_label("$10", exact=True).check()
    page.get_by_role("button", name="Give by card").click()
    expect(page.get_by_text("10.00 USD").first).to_be_visible()
    pay(page, "ten@readers.example")
    bar_moves(page, site, to=before + 10)
    own_page(page, site, "ten@readers.example")
    expect(page.get_by_text("$10", exact=True)).to_be_visible()
    nothing_sticks_out(page)


def test_a_monthly_gift_begins_and_is_stopped_in_two_presses(
    new_page: Callable[..., Page], site: RunningSite
):
    page = new_page(**PHONE)
    before = raised(page, site)
    page.get_by_label("Or another amount").fill("7.50")
    page.get_by_label("Each month").check()
    page.get_by_role("button", name="Give by PayPal").click()
    pay(page, "monthly@readers.example")
    bar_moves(page, site, to=before + 7.5)
    own_page(page, site, "monthly@readers.example")
    page.get_by_role("link", name="Change or stop it").click()
    nothing_sticks_out(page)
    page.get_by_role("button", name="Stop it now").click()
    expect(page.get_by_role("status")).to_have_text(
        "Your monthly gift is stopped. Nothing more is taken."
    )
    letter_about(site, "monthly@readers.example", "has ended")


def test_a_refused_card_takes_nothing_and_another_try_is_open(
    new_page: Callable[..., Page], site: RunningSite
):
    page = new_page(**PHONE)
    before = raised(page, site)
    page.get_by_role("button", name="Give by card").click()
    page.get_by_role("button", name="Try a card that is refused").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was paid")
    page.get_by_role("button", name="Go back without paying").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was paid")
    nothing_sticks_out(page)
    page.get_by_role("link", name="Back to the ways to give").click()
    assert raised(page, site) == before


def open_gift(treasury: Page, site: RunningSite, query: str, words: str) -> None:
    """The gift at the desk in whose row these words stand."""
    treasury.goto(f"{site.url}/admin/donations/donation/?{query}")
    treasury.get_by_role("row").filter(has_text=words).first.get_by_role("link").first.click()
    nothing_sticks_out(treasury)


def test_a_promise_counts_once_the_treasurer_received_it(
    new_page: Callable[..., Page], desk: Callable[..., Page], site: RunningSite
):
    page = new_page(**PHONE)
    before = raised(page, site)
    page.get_by_role("link", name="Tell us that you will send").click()
    nothing_sticks_out(page)
    page.get_by_label("Or another amount").fill("33")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for your promise")
    assert raised(page, site) == before
    treasury = desk(320)
    open_gift(treasury, site, "standing=awaited", "$33 promised")
    treasury.get_by_role("link", name="What came of it?").click()
    nothing_sticks_out(treasury)
    treasury.get_by_role("button", name="Received").click()
    expect(treasury.get_by_text("$33 received: it counts now.")).to_be_visible()
    assert raised(page, site) == pytest.approx(before + 33)


def test_a_gift_is_given_back_and_the_bar_and_its_giver_see_it(
    new_page: Callable[..., Page], desk: Callable[..., Page], site: RunningSite
):
    page = new_page(**PHONE)
    before = raised(page, site)
    page.get_by_label("$10", exact=True).check()
    page.get_by_role("button", name="Give by card").click()
    pay(page, "back@readers.example")
    bar_moves(page, site, to=before + 10)
    treasury = desk(320)
    open_gift(treasury, site, "q=back@readers.example", "back@readers.example")
    treasury.get_by_role("link", name="Give back").click()
    nothing_sticks_out(treasury)
    treasury.get_by_label("Amount").fill("4")
    treasury.get_by_role("button", name="Give back").click()
    bar_moves(page, site, to=before + 6)
    own_page(page, site, "back@readers.example")
    expect(page.get_by_text("Given back: $4")).to_be_visible()
    nothing_sticks_out(page)


def test_the_whole_way_by_keyboard(new_page: Callable[..., Page], site: RunningSite):
    page = new_page()
    before = raised(page, site)
    page.get_by_label("$25", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("$10", exact=True)).to_be_checked()
    # The sum, another sum, how often, the fee, the name, then the button.
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_text("Add your name")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Give by card")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("E-mail address for the receipt").focus()
    page.keyboard.type("keys@readers.example")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    bar_moves(page, site, to=before + 10)


def test_axe_finds_nothing_on_any_page_of_giving(new_page: Callable[..., Page], site: RunningSite):
    page = new_page(width=320, color_scheme="dark")
    page.goto(f"{site.url}/donate/")
    page.get_by_text("Add your name").click()
    axe_finds_nothing(page)
    nothing_sticks_out(page)
    page.get_by_label("Or another amount").fill("ten")
    page.get_by_role("button", name="Give by card").click()
    expect(page.get_by_role("alert")).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_label("Or another amount").fill("12")
    page.get_by_label("Each month").check()
    page.get_by_role("button", name="Give by card").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Payment of the demo")
    axe_finds_nothing(page)
    pay(page, "axe@readers.example")
    axe_finds_nothing(page)
    for path in ("/donate/promise/", "/donate/own/", "/drives/keep-it-readable/"):
        page.goto(f"{site.url}{path}")
        axe_finds_nothing(page)
        nothing_sticks_out(page)
    own_page(page, site, "axe@readers.example")
    axe_finds_nothing(page)
    title = page.get_by_role("heading", level=1)
    page.get_by_role("link", name="Change or stop it").click()
    expect(title).to_have_text("Your monthly gift")
    axe_finds_nothing(page)
    page.go_back()
    page.get_by_role("link", name="Erase my name and address").click()
    expect(title).to_have_text("Erase your name and address?")
    axe_finds_nothing(page)


def test_each_state_of_the_page_of_thanks_can_be_read(
    new_page: Callable[..., Page], site: RunningSite
):
    titles = {
        "open": "Thank you",
        "completed": "Thank you",
        "failed": "The payment did not go through",
        "expired": "Nothing was paid",
    }
    keys = {state: str(uuid.uuid4()) for state in titles}
    begin = (
        "from donations.models import Checkout as C; [C.objects.create(key=key, amount_minor=1000, "
        f"currency='USD', provider='stripe', state=state) for state, key in {keys}.items()]"
    )
    site.manage("shell", "-c", begin)
    page = new_page(width=320, color_scheme="dark")
    for state, title in titles.items():
        page.goto(f"{site.url}/donate/{keys[state]}/thanks/")
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        axe_finds_nothing(page)
        nothing_sticks_out(page)


def test_axe_finds_nothing_in_the_months_of_the_fund(
    new_page: Callable[..., Page], site: RunningSite
):
    receive = (
        "from django.utils.timezone import now; from donations import giving; "
        "from donations.models import Donation; "
        "giving.receive(Donation(), amount_minor=5000, now=now())"
    )
    site.manage("shell", "-c", receive)
    page = new_page(width=320)
    page.goto(f"{site.url}/fund/")
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("columnheader", name="Month")).to_be_visible()
    axe_finds_nothing(page)
    nothing_sticks_out(page)
