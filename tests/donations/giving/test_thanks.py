"""The page that a payment page leads back to says how the gift stands, and what to do next."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from donations.ledger import progress
from donations.models import Checkout, Donation
from donations.tasks import collect
from tests.donations.providers.till import GIVER, Till
from tests.factories import DriveFactory
from tests.reading import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the page gives to the workers."""
    work: list[tuple[Any, ...]] = []
    monkeypatch.setattr("donations.views.enqueue", lambda *task: work.append(task))
    return work


def thanks(client: Client, checkout: Checkout) -> str:
    answer = client.get(f"/donate/{checkout.key}/thanks/")
    assert answer.status_code == 200
    return answer.content.decode()


def again(page: str) -> list[str]:
    """Where the link to look again leads."""
    return re.findall(r'href="([^"]+)">Look again', page)


def opened(till: Till, way: str = "stripe", **fields: Any) -> Checkout:
    return till.opened(way, state=Checkout.State.OPEN, **fields)


def test_a_gift_that_is_entered_is_thanked_for(till: Till, cleo: Client):
    checkout = opened(till, drive=DriveFactory.create())
    till.pays(checkout)
    till.tell()
    page = thanks(cleo, checkout)
    assert "Your gift of $10 is entered. A receipt comes by mail." in page
    assert "$10</strong> raised of $1,000 goal" in page
    assert again(page) == []


def test_a_monthly_gift_that_has_begun_says_how_to_stop_it(till: Till, cleo: Client):
    checkout = opened(till, monthly=True)
    till.pays(checkout)
    till.tell()
    page = thanks(cleo, checkout)
    assert "Your monthly gift of $10 has begun, and its first month is entered." in page
    assert "stop the monthly gift in two presses" in page


def test_money_that_takes_days_is_on_its_way(till: Till, cleo: Client):
    checkout = opened(till)
    till.server.stripe.pay_later(checkout.provider_session_id, email=GIVER, person="")
    till.tell()
    page = thanks(cleo, checkout)
    assert "Your gift of $10 is agreed, and the money is on its way." in page
    assert "is entered" not in page
    assert again(page) == [f"/donate/{checkout.key}/thanks/"]
    till.server.stripe.arrive(checkout.provider_session_id, arrives=True)
    till.tell()
    assert "Your gift of $10 is entered." in thanks(cleo, checkout)


def test_money_that_did_not_come_is_said_and_another_try_is_open(till: Till, cleo: Client):
    checkout = opened(till)
    till.server.stripe.pay_later(checkout.provider_session_id, email=GIVER, person="")
    till.server.stripe.arrive(checkout.provider_session_id, arrives=False)
    till.tell()
    page = thanks(cleo, checkout)
    assert "<h1>The payment did not go through</h1>" in page
    assert "<title>Nothing was taken" in page
    assert "Thank you" not in page
    assert 'href="/donate/">Back to the ways to give' in page
    assert again(page) == []


def test_a_page_that_was_left_took_nothing(till: Till, cleo: Client):
    checkout = opened(till)
    Checkout.objects.update(state=Checkout.State.EXPIRED)
    page = thanks(cleo, checkout)
    assert "<h1>Nothing was paid</h1>" in page
    assert 'href="/donate/">Back to the ways to give' in page


def test_before_anything_is_told_the_page_can_be_looked_at_again(till: Till, cleo: Client):
    page = thanks(cleo, opened(till))
    assert "has not told us yet of your gift of $10" in page
    assert "is entered" not in page


@pytest.mark.parametrize("state", ["open", "completed", "failed", "expired"])
def test_the_page_never_moves_by_itself(till: Till, cleo: Client, state: str):
    checkout = till.opened(state=state)
    answer = cleo.get(f"/donate/{checkout.key}/thanks/")
    tags = Page(answer.content.decode())
    assert [tag for tag in tags.all("meta") if tag.get("http-equiv", "").lower() == "refresh"] == []
    assert "Refresh" not in answer.headers


def test_who_takes_the_gift_is_said_in_every_state(till: Till, cleo: Client, settings: Any):
    settings.LEGAL_STATUS = "We are a club in Example Town."
    for state in Checkout.State.values:
        assert "We are a club in Example Town." in thanks(cleo, till.opened(state=state))


def test_who_approved_at_paypal_and_came_back_has_the_money_taken(
    till: Till, cleo: Client, django_capture_on_commit_callbacks: Any, monkeypatch
):
    """No report of PayPal's is needed for it."""
    monkeypatch.setattr(collect, "delay", collect)
    checkout = opened(till, "paypal", drive=DriveFactory.create())
    till.pays(checkout)
    with django_capture_on_commit_callbacks(execute=True):
        assert "has not told us yet" in thanks(cleo, checkout)
    assert Donation.objects.get().held_minor == 1_000
    assert "Your gift of $10 is entered." in thanks(cleo, checkout)
    till.tell()
    assert progress(checkout.drive).raised_minor == 1_000, "its reports change nothing more"


def test_paypal_is_asked_once_in_ten_seconds_however_often_one_looks(
    till: Till, cleo: Client, queued: list[Any]
):
    checkout, other = opened(till, "paypal"), opened(till, "paypal")
    at = timezone.now().replace(second=1, microsecond=0)
    with time_machine.travel(at, tick=False):
        for _ in range(5):
            thanks(cleo, checkout)
        thanks(cleo, other)
    assert queued == [(collect, checkout.pk), (collect, other.pk)]
    with time_machine.travel(at + timedelta(seconds=11), tick=False):
        thanks(cleo, checkout)
    assert queued[2:] == [(collect, checkout.pk)]


@pytest.mark.parametrize(
    ("way", "fields"),
    [
        ("stripe", {"state": "open"}),
        ("paypal", {"state": "open", "monthly": True}),
        ("paypal", {"state": "completed"}),
        ("paypal", {"state": "expired"}),
        ("paypal", {"state": "failed"}),
    ],
)
def test_where_there_is_nothing_to_take_nobody_is_asked(
    till: Till, cleo: Client, queued: list[Any], way: str, fields: dict[str, Any]
):
    thanks(cleo, till.opened(way, **fields))
    assert queued == []


def test_a_gift_that_nobody_began_has_no_page(cleo: Client):
    assert cleo.get(f"/donate/{uuid.uuid4()}/thanks/").status_code == 404
