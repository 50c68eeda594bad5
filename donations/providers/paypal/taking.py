"""Taking the money of an order that its giver approved, and what a payment says."""

import uuid
from datetime import datetime
from typing import Any

from donations.providers.facts import CheckoutTold, Fact, Paid, Person, Refused, Told
from donations.providers.paypal.client import ask
from donations.providers.paypal.objects import minor_of, money_of
from donations.providers.reading import clean, key_of, moment, part, text

# A payment that came, also where it was given back meanwhile; and one that will not come.
_CAME = {"COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"}
_FAILED = {"DECLINED", "FAILED"}


def collect(order: str, at: datetime) -> Told:
    """What an order says when it is asked; its money is taken if it was approved.

    The facts are those that PayPal reports, and each is entered once. `at` stands for times that
    PayPal does not tell. Raises Refused or Unavailable.
    """
    found = ask("GET", f"/v2/checkout/orders/{order}")
    if text(found, "status") == "APPROVED":
        return take(found, at)
    return _payments(found, found, at)


def take(order: Any, at: datetime) -> Told:
    """Take the money of an approved order. Raises Refused or Unavailable."""
    name = text(order, "id")
    try:
        answer = ask("POST", f"/v2/checkout/orders/{name}/capture", key=f"capture-{name}")
    except Refused as error:
        if "ALREADY_CAPTURED" in str(error):
            return Told(ignored="The money is taken already.")
        mark = mark_of(order)
        if "INSTRUMENT_DECLINED" in str(error) and mark:
            # The giver's bank said no, and trying again by ourselves would change nothing.
            email = clean(text(order, "payer", "email_address"))
            return Told((_checkout_told(mark, at, email, "failed"),))
        raise
    return _payments(answer, order, at)


def _payments(answer: Any, order: Any, at: datetime) -> Told:
    """The payments of an order, as far as they have come."""
    facts: list[Fact] = []
    who = part(answer, "payer") or part(order, "payer")
    email, mark = clean(text(who, "email_address")), mark_of(order)
    for unit in answer.get("purchase_units") or []:
        for capture in part(unit, "payments").get("captures") or []:
            facts += captured(capture, at, email=email, checkout=mark).facts
    return Told(tuple(facts), ignored="" if facts else "PayPal tells of the money later.")


def mark_of(order: Any) -> uuid.UUID | None:
    """The checkout of ours that an order was started for."""
    marks = [key_of(text(unit, "custom_id")) for unit in order.get("purchase_units") or []]
    return next(filter(None, marks), None)


def captured(
    thing: Any, at: datetime, *, email: str = "", checkout: uuid.UUID | None = None
) -> Told:
    """A payment of an order, or how it stands; `checkout` where it bears no mark of ours."""
    checkout = key_of(text(thing, "custom_id")) or checkout
    if checkout is None:
        return Told(ignored="This payment was not started here.")
    status = text(thing, "status")
    # The time of the payment itself, the same in each report of it.
    at = moment(text(thing, "create_time")) or at
    if status in _FAILED:
        return Told((_checkout_told(checkout, at, email, "failed"),))
    done = _checkout_told(checkout, at, email, "completed")
    return Told((done, _came(thing, done)) if status in _CAME else (done,))


def _checkout_told(checkout: uuid.UUID, at: datetime, email: str, state: str) -> CheckoutTold:
    person = Person(email=email)
    return CheckoutTold(happened_at=at, checkout=checkout, state=state, person=person)


def _came(thing: Any, done: CheckoutTold) -> Paid:
    money = money_of(thing, "amount")
    kept = part(thing, "seller_receivable_breakdown", "paypal_fee")
    return Paid(
        happened_at=done.happened_at,
        refs=(text(thing, "id"),),
        **money,
        checkout=done.checkout,
        person=done.person,
        fee_minor=minor_of(text(kept, "value"), money["currency"]) if kept else 0,
    )
