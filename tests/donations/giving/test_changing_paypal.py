"""A giver changes the amount of a monthly gift by PayPal: there, and once PayPal tells it."""

import random
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
import urllib3
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from donations.letters import own_url
from donations.models import Donation, Pledge
from donations.providers import paypal, reconciling
from tests.donations.providers.till import Event, Till

pytestmark = pytest.mark.django_db

SITE = "https://fibrosite.example"
UPDATED = "BILLING.SUBSCRIPTION.UPDATED"


@pytest.fixture
def monthly(till: Till) -> Pledge:
    """A monthly gift of ten dollars by PayPal, begun five weeks ago."""
    with time_machine.travel(before(35)):
        till.pays(till.opened("paypal", monthly=True))
    till.tell()
    return Pledge.objects.get()


def before(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def own(pledge: Pledge) -> str:
    return own_url(pledge.donor).removeprefix(SITE)


def page_of(pledge: Pledge) -> str:
    return f"{own(pledge)}monthly/{pledge.key}/"


def asks(browser: Client, pledge: Pledge, amount: str = "15") -> Any:
    """The second press."""
    return browser.post(page_of(pledge), {"want": "change", "other": amount})


def presses(address: str, button: str, *, status: int = 303) -> str:
    """Press a button of PayPal's page; where it leads, as a path of ours."""
    answer = urllib3.request(
        "POST", address, body=urlencode({"press": button}), redirect=False, retries=False
    )
    assert answer.status == status
    return answer.headers.get("Location", "").removeprefix(SITE)


def agrees(browser: Client, pledge: Pledge, amount: str = "15") -> None:
    presses(asks(browser, pledge, amount).headers["Location"], "agree")


def amount_of(pledge: Pledge) -> int:
    return Pledge.objects.get(pk=pledge.pk).amount_minor


def without_plan(events: list[Event]) -> list[Event]:
    """The reports as PayPal may send them: what a month costs is not in them."""
    for event in events:
        event["resource"].pop("plan", None)
    return events


def test_a_monthly_gift_gets_another_amount_in_two_presses(
    cleo: Client, till: Till, monthly: Pledge
):
    first = re.search(r'href="([^"]+/monthly/[^"]+)"', cleo.get(own(monthly)).content.decode())
    assert first
    page = cleo.get(first[1])
    assert "PayPal asks you to agree; from the next month on" in page.content.decode()
    assert "https://www.paypal.com" in page.headers["Content-Security-Policy"]
    answer = asks(cleo, monthly)
    assert answer.status_code == 303
    there = answer.headers["Location"]
    assert "Agree to 15.00 USD each month" in urllib3.request("GET", there).data.decode()
    back = cleo.get(presses(there, "agree")).content.decode()
    assert "PayPal will tell us of the new amount" in back
    assert "$10 each month" in back, "nobody told of it yet"
    till.tell()
    assert "$15 each month" in cleo.get(own(monthly)).content.decode()
    till.server.paypal.renew(monthly.provider_id)
    till.tell()
    assert sorted(Donation.objects.values_list("held_minor", flat=True)) == [1_000, 1_500]


def test_what_paypal_is_asked_for_is_a_whole_plan(cleo: Client, till: Till, monthly: Pledge):
    asks(cleo, monthly, "7.50")
    [revision] = till.server.books.of("revision-paypal")
    assert revision["plan_id"] == till.named("plan-paypal")
    [cycle] = revision["cycles"]
    assert cycle["pricing_scheme"] == {"fixed_price": {"currency_code": "USD", "value": "7.50"}}
    assert (cycle["tenure_type"], cycle["total_cycles"]) == ("REGULAR", 0)
    assert cycle["frequency"] == {"interval_unit": "MONTH", "interval_count": 1}


def test_the_way_back_opens_for_an_hour(cleo: Client, till: Till, monthly: Pledge):
    asks(cleo, monthly)
    [revision] = till.server.books.of("revision-paypal")
    for name in ("return_url", "cancel_url"):
        path = revision["way"][name].removeprefix(SITE)
        assert cleo.get(path).status_code == 200
        with time_machine.travel(timezone.now() + timedelta(minutes=61)):
            assert cleo.get(path).status_code == 400


def test_who_does_not_agree_gives_as_before(cleo: Client, till: Till, monthly: Pledge):
    back = presses(asks(cleo, monthly).headers["Location"], "cancel")
    assert "Your monthly gift goes on as it was." in cleo.get(back).content.decode()
    assert till.events() == []
    till.server.paypal.renew(monthly.provider_id)
    till.tell()
    assert amount_of(monthly) == 1_000
    assert set(Donation.objects.values_list("held_minor", flat=True)) == {1_000}


def test_a_page_of_paypals_is_good_for_one_change(cleo: Client, monthly: Pledge):
    there = asks(cleo, monthly).headers["Location"]
    presses(there, "agree")
    presses(there, "agree", status=422)


def test_with_paypal_away_nothing_is_changed_and_that_is_said(
    cleo: Client, till: Till, monthly: Pledge
):
    till.server.broken = True
    answer = asks(cleo, monthly)
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.content.decode()
    assert amount_of(monthly) == 1_000


def test_what_paypal_refuses_changes_nothing(cleo: Client, till: Till, monthly: Pledge):
    till.server.books.get(monthly.provider_id)["status"] = "SUSPENDED"
    answer = asks(cleo, monthly)
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.content.decode()
    assert not till.server.books.of("revision-paypal")


def test_an_answer_that_leads_nowhere_is_a_refusal(
    cleo: Client, till: Till, monthly: Pledge, monkeypatch
):
    monkeypatch.setattr(till.server.paypal, "_revise", lambda *_: {"links": None})
    assert asks(cleo, monthly).status_code == 503


@pytest.mark.parametrize("amount", ["", "0", "ten", "-5"])
def test_what_is_no_amount_is_named_and_paypal_is_not_asked(
    cleo: Client, till: Till, monthly: Pledge, amount: str
):
    assert asks(cleo, monthly, amount).status_code == 400
    assert not till.server.books.of("revision-paypal")


def test_the_card_behind_it_is_changed_at_paypal(cleo: Client, monthly: Pledge):
    page = cleo.get(page_of(monthly)).content.decode()
    assert "is changed in your PayPal account" in page
    assert 'value="card"' not in page
    assert cleo.post(page_of(monthly), {"want": "card"}).status_code == 503


def test_opening_the_page_asks_paypal_for_nothing(cleo: Client, till: Till, monthly: Pledge):
    cleo.get(f"{page_of(monthly)}?want=change&other=15")
    assert "stands here" in cleo.get(f"{own(monthly)}?did=agreed").content.decode()
    assert not till.server.books.of("revision-paypal")
    assert amount_of(monthly) == 1_000


def test_a_report_without_the_amount_leaves_it_to_the_next_payment(
    cleo: Client, till: Till, monthly: Pledge
):
    with time_machine.travel(before(20)):
        agrees(cleo, monthly)
    till.tell(without_plan(till.events()))
    assert amount_of(monthly) == 1_000
    with time_machine.travel(before(4)):
        till.server.paypal.renew(monthly.provider_id)
    till.tell(without_plan(till.events()))
    assert amount_of(monthly) == 1_500


def test_a_payment_that_only_paypals_books_tell_of_sets_the_amount(
    cleo: Client, till: Till, monthly: Pledge
):
    agrees(cleo, monthly)
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        till.server.paypal.renew(monthly.provider_id)
        till.server.books.events.clear()
        now = timezone.now()
        reconciling.reconcile("paypal", since=now - timedelta(days=60), now=now)
    assert amount_of(monthly) == 1_500


def story(till: Till) -> list[Event]:
    """All reports of a monthly gift of ten that becomes fifteen, then seven, then is stopped."""
    service = till.server.paypal
    with time_machine.travel(before(90)):
        checkout = till.opened("paypal", monthly=True)
        till.pays(checkout)
    name = checkout.provider_session_id
    for days, amount in ((80, 1_500), (50, 700)):
        with time_machine.travel(before(days)):
            there = paypal.change(Pledge(provider_id=name, currency="USD"), amount, SITE)
            presses(there, "agree")
        with time_machine.travel(before(days - 20)):
            service.renew(name)
    with time_machine.travel(before(10)):
        path = f"/v1/billing/subscriptions/{name}/cancel"
        service.answer("POST", path, b"{}", {}, key="", here="")
    return till.events()


@pytest.mark.parametrize("names_plan", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_reports_in_any_order_end_at_the_same_amount(till: Till, seed: int, names_plan: bool):
    events = story(till) if names_plan else without_plan(story(till))
    assert len(events) == 7
    chance = random.Random(seed)
    told = events + chance.sample(events, 3)
    chance.shuffle(told)
    # First the one order that is the wrong one throughout.
    till.tell(told if seed else [*reversed(events), *events])
    pledge = Pledge.objects.get()
    assert (pledge.amount_minor, pledge.state, pledge.donations.count()) == (700, "cancelled", 3)
    call_command("replay_events", "--all")
    assert amount_of(pledge) == 700


@pytest.mark.parametrize("late", [UPDATED, "PAYMENT.SALE.COMPLETED"])
def test_an_older_report_that_comes_later_changes_nothing(
    cleo: Client, till: Till, monthly: Pledge, late: str
):
    with time_machine.travel(before(20)):
        agrees(cleo, monthly, "15")
    with time_machine.travel(before(15)):
        till.server.paypal.renew(monthly.provider_id)
    with time_machine.travel(before(5)):
        agrees(cleo, monthly, "20")
    events = till.events()
    old = next(event for event in events if event["event_type"] == late)
    events.remove(old)
    till.tell([*events, old])
    assert amount_of(monthly) == 2_000


@pytest.mark.parametrize("turned", [False, True])
def test_of_one_instant_the_report_outweighs_the_payment(
    cleo: Client, till: Till, monthly: Pledge, turned: bool
):
    with time_machine.travel(before(5), tick=False):
        till.server.paypal.renew(monthly.provider_id)
        agrees(cleo, monthly)
    sale, updated = till.events()
    till.tell([updated, sale] if turned else [sale, updated])
    assert amount_of(monthly) == 1_500


ODD_PLANS = [
    {"billing_cycles": None},
    {"billing_cycles": [None, {"tenure_type": "REGULAR"}]},
    {"billing_cycles": [{"tenure_type": "TRIAL", "pricing_scheme": {"fixed_price": {
        "currency_code": "USD", "value": "1.00"}}}]},
    {"billing_cycles": [{"tenure_type": "REGULAR", "pricing_scheme": {"fixed_price": {
        "currency_code": "USD", "value": "0.00"}}}]},
    {"billing_cycles": [{"tenure_type": "REGULAR", "pricing_scheme": {"fixed_price": {
        "currency_code": "EUR", "value": "30.00"}}}]},
]  # fmt: skip


@pytest.mark.parametrize("kind", [UPDATED, "BILLING.SUBSCRIPTION.ACTIVATED"])
@pytest.mark.parametrize("plan", ODD_PLANS)
def test_only_the_price_of_a_regular_month_is_an_amount(
    till: Till, monthly: Pledge, kind: str, plan: Any
):
    resource = {"id": monthly.provider_id, "status": "ACTIVE", "plan": plan}
    at = f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}"
    till.tell([{"id": "WH-1", "event_type": kind, "create_time": at, "resource": resource}])
    assert amount_of(monthly) == 1_000


def test_the_amount_is_what_is_charged_in_all(till: Till):
    till.pays(till.opened("paypal", monthly=True, amount_minor=1_059, fee_minor=59, cover_fee=True))
    till.tell()
    assert Pledge.objects.get().amount_minor == 1_059
