"""What waits for the treasurer, or for who reads messages, stands on the newsroom's first page."""

import pytest
from django.test import Client
from django.utils import timezone

from donations import giving
from donations.models import Donation, Donor, PaymentEvent, Pledge
from tests.factories import NOON, DriveFactory, given

pytestmark = pytest.mark.django_db

FIRST_PAGE = "/admin/"


def promised() -> Donation:
    today = timezone.localdate()
    gift = Donation(method="cheque", currency="USD", given_on=today)
    giving.promise(gift, amount_minor=3300, now=timezone.now())
    return gift


def failed_event() -> PaymentEvent:
    return PaymentEvent.objects.create(
        provider="stripe", event_id="evt_1", type="charge.succeeded", body="{}", livemode=False,
        happened_at=NOON, received_at=NOON, due_at=NOON, state=PaymentEvent.State.FAILED,
    )  # fmt: skip


def test_the_treasurer_sees_promises_and_reports_that_wait(edna_browses: Client):
    promised()
    failed_event()
    html = edna_browses.get(FIRST_PAGE).content.decode()
    assert "1 promised gift</a> not here yet" in html
    assert "1 report of payment services</a>" in html
    assert "The next automatic digest" not in html


def test_without_anything_that_waits_the_treasurer_sees_no_list(edna_browses: Client):
    assert "What waits" not in edna_browses.get(FIRST_PAGE).content.decode()


def test_an_editor_sees_messages_that_wait_and_nothing_of_promises(ada_browses: Client):
    promised()
    drive = DriveFactory.create()
    given(drive, 1000, message="Kind words", message_state=Donation.MessageState.WAITING)
    given(drive, 1000, message="Read before", message_state=Donation.MessageState.SHOWN)
    given(drive, 1000)
    html = ada_browses.get(FIRST_PAGE).content.decode()
    assert "1 message of givers</a> to read before it is shown" in html
    assert "promised" not in html


def test_a_promise_that_came_waits_no_longer(edna_browses: Client):
    gift = promised()
    now = timezone.now()
    giving.receive_promised(gift, amount_minor=3300, on=timezone.localdate(), now=now)
    assert "promised" not in edna_browses.get(FIRST_PAGE).content.decode()


def test_monthly_gifts_are_listed_with_money_as_people_write_it(edna_browses: Client):
    donor = Donor.objects.create(email="moe@readers.example")
    Pledge.objects.create(
        donor=donor, provider="stripe", provider_id="sub_1", amount_minor=750, currency="USD",
        started_at=NOON,
    )  # fmt: skip
    html = edna_browses.get("/admin/donations/pledge/").content.decode()
    assert "$7.50" in html
    assert ">750<" not in html
