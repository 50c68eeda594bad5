"""What PayPal's events say, in our words."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from donations.models import PaymentEvent
from donations.providers.facts import (
    Fact,
    GivenBack,
    Held,
    Paid,
    Person,
    PledgeTold,
    RenewalFailed,
    Told,
    Unreadable,
)
from donations.providers.paypal.objects import minor_of, money_of
from donations.providers.paypal.taking import captured, mark_of, take
from donations.providers.reading import clean, key_of, moment, part, text

# What a reversal is, in the ledger: PayPal took the money back, we did not give it.
REVERSED = "Taken back by PayPal: a claim was lost, or a bank called the payment back"
# How a dispute ends that leaves us the money.
_WON = {"RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "RESOLVED_WITH_PAYOUT", "DENIED", "NONE"}


def read(event: PaymentEvent) -> Told:
    """What an event says; takes the money of an order that was approved. Raises Unreadable."""
    reader = READERS.get(event.type)
    if reader is None:
        return Told(ignored="Nothing follows from events of this type.")
    thing = part(json.loads(event.body), "resource")
    if not thing:
        return Told(ignored="The event holds no resource.")
    return reader(thing, event.happened_at)


def _approved(thing: Any, at: datetime) -> Told:
    """The giver agreed: only now is the money taken."""
    if mark_of(thing) is None:
        return Told(ignored="This order was not started here.")
    return take(thing, at)


def _captured(thing: Any, at: datetime) -> Told:
    return captured(thing, at)


def _denied(thing: Any, at: datetime) -> Told:
    """Money that was on its way will not come."""
    return captured({**thing, "status": "DECLINED"}, at)


def _sale(thing: Any, at: datetime) -> Told:
    pledge_id = text(thing, "billing_agreement_id")
    if not pledge_id:
        return Told(ignored="This payment is of no monthly gift.")
    money = money_of(thing, "amount")
    kept = part(thing, "transaction_fee")
    at = moment(text(thing, "create_time")) or at
    paid = Paid(
        happened_at=at,
        refs=(text(thing, "id"),),
        **money,
        checkout=key_of(text(thing, "custom") or text(thing, "custom_id")),
        pledge_id=pledge_id,
        tells_amount=True,
        fee_minor=minor_of(text(kept, "value"), money["currency"]) if kept else 0,
    )
    return Told((paid,))


def _refunded(thing: Any, at: datetime) -> Told:
    return Told((_given_back(thing, at),))


def _reversed(thing: Any, at: datetime) -> Told:
    return Told((_given_back(thing, at, reason=REVERSED),))


def _given_back(thing: Any, at: datetime, *, reason: str = "") -> Fact:
    # Which payment it is of: "up" for orders, "sale" for months of monthly gifts.
    links = [link for link in thing.get("links", []) if text(link, "rel") in ("up", "sale")]
    hrefs = [text(link, "href").rstrip("/") for link in links]
    names = [text(thing, "sale_id"), *(href.rpartition("/")[2] for href in hrefs)]
    refs = tuple(dict.fromkeys(name for name in names if name))
    key = text(thing, "id")
    if not refs or not key:
        raise Unreadable("It names no payment.")
    money = money_of(thing, "amount")
    return GivenBack(happened_at=at, refs=refs, key=key, **money, reason=reason)


def _subscription(thing: Any, at: datetime) -> Told:
    # One that is suspended can go on again, and can be stopped.
    ended = text(thing, "status") in ("CANCELLED", "EXPIRED")
    billing = part(thing, "billing_info")
    fact = PledgeTold(
        happened_at=at,
        pledge_id=text(thing, "id"),
        checkout=key_of(text(thing, "custom_id")),
        **_price(thing),
        next_due_at=moment(text(billing, "next_billing_time")),
        ended=ended,
        person=Person(email=clean(text(thing, "subscriber", "email_address"))),
    )
    return Told((fact,))


def _price(thing: Any) -> dict[str, Any]:
    """What a month costs, where a report says it; else it is known by the payments."""
    for cycle in part(thing, "plan").get("billing_cycles") or []:
        price = part(cycle, "pricing_scheme", "fixed_price")
        if text(cycle, "tenure_type") == "REGULAR" and price:
            return money_of(part(cycle, "pricing_scheme"), "fixed_price")
    return {}


def _failed(thing: Any, at: datetime) -> Told:
    pledge_id = text(thing, "id")
    key = f"paypal:{pledge_id}:{at:%Y-%m}"
    checkout = key_of(text(thing, "custom_id"))
    return Told((RenewalFailed(happened_at=at, pledge_id=pledge_id, key=key, checkout=checkout),))


def _disputed(thing: Any, at: datetime) -> Told:
    return Told((_held(thing, at),))


def _dispute_over(thing: Any, at: datetime) -> Told:
    """The end of a dispute ends the hold, whoever won: what is lost is told by a reversal."""
    won = text(thing, "dispute_outcome", "outcome_code") in _WON
    return Told((_held(thing, at, ended_at=at, won=won),))


def _held(thing: Any, at: datetime, *, ended_at: datetime | None = None, won: bool = False) -> Fact:
    rows = thing.get("disputed_transactions") or [{}]
    refs = tuple(filter(None, [text(rows[0], "seller_transaction_id")]))
    key = text(thing, "dispute_id")
    if not refs or not key:
        raise Unreadable("It names no payment.")
    # When the dispute began: the same in each report of it.
    begun = moment(text(thing, "create_time")) or at
    money = money_of(thing, "dispute_amount")
    return Held(happened_at=begun, refs=refs, key=key, **money, ended_at=ended_at, won=won)


READERS: dict[str, Callable[[Any, datetime], Told]] = {
    "CHECKOUT.ORDER.APPROVED": _approved,
    "PAYMENT.CAPTURE.PENDING": _captured,
    "PAYMENT.CAPTURE.COMPLETED": _captured,
    "PAYMENT.CAPTURE.DECLINED": _denied,
    "PAYMENT.CAPTURE.DENIED": _denied,
    "PAYMENT.CAPTURE.REFUNDED": _refunded,
    "PAYMENT.CAPTURE.REVERSED": _reversed,
    "PAYMENT.SALE.COMPLETED": _sale,
    "PAYMENT.SALE.REFUNDED": _refunded,
    "PAYMENT.SALE.REVERSED": _reversed,
    "BILLING.SUBSCRIPTION.ACTIVATED": _subscription,
    "BILLING.SUBSCRIPTION.UPDATED": _subscription,
    "BILLING.SUBSCRIPTION.CANCELLED": _subscription,
    "BILLING.SUBSCRIPTION.EXPIRED": _subscription,
    "BILLING.SUBSCRIPTION.SUSPENDED": _subscription,
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": _failed,
    "CUSTOMER.DISPUTE.CREATED": _disputed,
    "CUSTOMER.DISPUTE.RESOLVED": _dispute_over,
}
