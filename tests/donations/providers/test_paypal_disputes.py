"""Claims at PayPal: a hold takes the money, its end gives it back, a reversal takes it for good."""

import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from donations.ledger import progress
from donations.models import Donation, Drive, GiftLetter, PaymentEvent
from donations.proving import differences
from tests.donations.providers.till import Till
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db

WON = ["RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "RESOLVED_WITH_PAYOUT", "DENIED", "NONE"]
LOST = ["RESOLVED_BUYER_FAVOUR", "ACCEPTED"]


@pytest.fixture
def drive() -> Drive:
    return DriveFactory.create()


def claimed(till: Till, drive: Drive, outcome: str, *, value: str = "", **fields: Any) -> Donation:
    """A gift that was claimed back; what PayPal tells of the claim is not handed over yet."""
    gift = till.gift("paypal", drive=drive, **fields)
    till.tell()
    dispute = till.server.paypal.dispute(gift.provider_id, value=value)
    if outcome:
        till.server.paypal.close_dispute(dispute["id"], outcome)
    return gift


def rows_of(gift: Donation) -> list[tuple[str, int]]:
    rows = gift.entries.exclude(kind__in=["fee", "settled"])
    return sorted(rows.values_list("kind", "amount_minor"))


def test_a_claim_holds_the_money_and_the_treasurers_are_told(till: Till, drive: Drive):
    User.objects.create_superuser("tessa", "tessa@readers.example")
    gift = claimed(till, drive, "")
    till.tell()
    assert rows_of(gift) == [("disputed", -1_000)]
    assert progress(drive).raised_minor == 0
    letter = GiftLetter.objects.get(kind="alarm")
    assert f"claims gift {gift.pk} back" in letter.words


@pytest.mark.parametrize("outcome", WON)
def test_a_claim_that_is_not_upheld_gives_the_money_back(till: Till, drive: Drive, outcome: str):
    gift = claimed(till, drive, outcome)
    till.tell()
    assert rows_of(gift) == [("dispute-won", 1_000), ("disputed", -1_000)]
    assert progress(drive).raised_minor == 1_000


@pytest.mark.parametrize("outcome", LOST)
def test_a_lost_claim_takes_the_money_once(till: Till, drive: Drive, outcome: str):
    gift = claimed(till, drive, outcome)
    till.tell()
    assert rows_of(gift) == [("correction", 1_000), ("disputed", -1_000), ("refunded", -1_000)]
    assert progress(drive).raised_minor == 0
    gone = gift.entries.get(kind="refunded")
    assert gone.reason.startswith("Taken back by PayPal: a claim was lost")


@pytest.mark.parametrize("monthly", [False, True], ids=["once", "monthly"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_in_whatever_order_it_is_told_and_however_often(
    till: Till, drive: Drive, order: tuple[int, ...], monthly: bool
):
    gift = claimed(till, drive, "RESOLVED_BUYER_FAVOUR", value="4.00", monthly=monthly)
    events = till.events()
    told = [events[number] for number in order]
    till.tell([*told, *told])
    assert rows_of(gift) == [("correction", 400), ("disputed", -400), ("refunded", -400)]
    assert progress(drive).raised_minor == 600
    assert list(differences()) == []
    held, ended, _ = (
        gift.entries.get(kind=kind) for kind in ("disputed", "correction", "refunded")
    )
    assert held.happened_at <= ended.happened_at


def test_before_its_payment_is_known_all_of_it_waits(till: Till, drive: Drive):
    checkout = till.opened("paypal", drive=drive)
    till.pays(checkout)
    path = f"/v2/checkout/orders/{checkout.provider_session_id}/capture"
    till.server.paypal.answer("POST", path, b"{}", {}, key="", here="")
    dispute = till.server.paypal.dispute(till.named("capture"))
    till.server.paypal.close_dispute(dispute["id"], "ACCEPTED")
    events = list(reversed(till.events()))
    till.tell(events[:3])
    assert set(PaymentEvent.objects.values_list("state", flat=True)) == {"waiting"}
    till.tell(events[3:])
    assert not PaymentEvent.objects.filter(handled_at=None).exists()
    assert rows_of(Donation.objects.get()) == [
        ("correction", 1_000), ("disputed", -1_000), ("refunded", -1_000),
    ]  # fmt: skip


def test_an_end_alone_ends_the_hold_and_a_late_begin_changes_nothing(till: Till, drive: Drive):
    gift = claimed(till, drive, "CANCELED_BY_BUYER")
    created, resolved = till.events()
    resolved["resource"]["create_time"] = "2026-03-05T12:00:00Z"
    till.tell([resolved])
    assert progress(drive).raised_minor == 1_000
    held, ended = gift.entries.get(kind="disputed"), gift.entries.get(kind="dispute-won")
    assert held.happened_at == datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert ended.happened_at > held.happened_at
    assert not GiftLetter.objects.filter(kind="alarm").exists()
    till.tell([created])
    assert rows_of(gift) == [("dispute-won", 1_000), ("disputed", -1_000)]


def test_a_claim_that_changed_its_sum_ends_with_what_was_held(till: Till, drive: Drive):
    gift = claimed(till, drive, "NONE", value="4.00")
    created, resolved = till.events()
    resolved["resource"]["dispute_amount"]["value"] = "7.00"
    till.tell([created, resolved])
    assert rows_of(gift) == [("dispute-won", 400), ("disputed", -400)]


def test_a_claim_that_is_decided_anew_gives_the_money_back_once(till: Till, drive: Drive):
    gift = claimed(till, drive, "RESOLVED_BUYER_FAVOUR")
    *before, reversed_ = till.events()
    again = {**before[1], "id": "WH-again"}
    again["resource"] = {
        **again["resource"],
        "dispute_outcome": {"outcome_code": "RESOLVED_SELLER_FAVOUR"},
    }
    till.tell([*before, again])
    gift.refresh_from_db()
    assert gift.held_minor == 1_000
    till.tell([reversed_])
    gift.refresh_from_db()
    assert gift.held_minor == 0


def test_what_happens_between_begin_and_end_is_recorded_as_ignored(till: Till, drive: Drive):
    claimed(till, drive, "")
    [created] = till.events()
    till.tell([{**created, "id": "WH-u", "event_type": "CUSTOMER.DISPUTE.UPDATED"}])
    assert PaymentEvent.objects.get(event_id="WH-u").state == "ignored"
    assert progress(drive).raised_minor == 1_000


def test_a_reversal_without_a_claim_is_booked(till: Till, drive: Drive):
    gift = till.gift("paypal", drive=drive)
    till.server.paypal.reverse(gift.provider_id, value="3.00")
    till.tell()
    assert rows_of(gift) == [("refunded", -300)]


@pytest.mark.parametrize(
    "lost",
    ["disputed_transactions", "dispute_id", "dispute_amount"],
)
def test_a_claim_that_does_not_say_of_what_fails_where_it_is_seen(
    till: Till, drive: Drive, lost: str
):
    claimed(till, drive, "")
    [created] = till.events()
    del created["resource"][lost]
    till.tell([created])
    event = PaymentEvent.objects.get(event_id=created["id"])
    assert event.state == "failed"
    assert event.outcome.startswith("It cannot be read")
    assert progress(drive).raised_minor == 1_000


@pytest.mark.parametrize("seed", range(8))
def test_many_claims_in_any_order_leave_what_was_not_lost(till: Till, drive: Drive, seed: int):
    chance = random.Random(seed)
    left = 0
    for _ in range(4):
        outcome = chance.choice([*WON, *LOST, "", "reversed"])
        minor = chance.randint(2, 90) * 100
        part = chance.randint(1, minor // 100)
        gift = till.gift("paypal", drive=drive, amount_minor=minor, monthly=chance.random() < 0.3)
        if outcome == "reversed":
            till.server.paypal.reverse(gift.provider_id, value=f"{part}.00")
        else:
            dispute = till.server.paypal.dispute(gift.provider_id, value=f"{part}.00")
            if outcome:
                till.server.paypal.close_dispute(dispute["id"], outcome)
        left += minor if outcome in WON else minor - part * 100
    events = till.events()
    told = [*events, *chance.sample(events, len(events) // 2)]
    chance.shuffle(told)
    till.tell(told)
    assert progress(drive).raised_minor == left
    assert list(differences()) == []
