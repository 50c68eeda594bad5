"""What Stripe's events say, as facts in our words."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from donations.models import PaymentEvent
from donations.providers.facts import (
    CheckoutTold,
    Disputed,
    Fact,
    GivenBack,
    Named,
    Paid,
    Person,
    PledgeTold,
    RenewalFailed,
    Told,
)
from donations.providers.reading import clean, moment, number, part, text
from donations.providers.stripe.client import from_stripe
from donations.providers.stripe.objects import (
    DEAD,
    checkout_of,
    first_item,
    id_of,
    money_of,
    name_of,
    payment_names,
    person_of,
    pledge_of,
    rows_of,
)


def read(event: PaymentEvent) -> Told:
    """What an event says. Raises Unreadable."""
    reader = READERS.get(event.type)
    if reader is None:
        return Told(ignored=_ELSEWHERE.get(event.type, "Nothing follows from events of this type."))
    thing = part(json.loads(event.body), "data", "object")
    if not thing:
        return Told(ignored="The event holds no object.")
    return reader(thing, event.happened_at)


def _session_told(thing: Any, at: datetime) -> Told:
    """Completed, or the money of a slow method came."""
    checkout = checkout_of(thing)
    if checkout is None:
        return Told(ignored="This checkout was not started here.")
    pledge_id = name_of(thing, "subscription")
    person = person_of(thing, "customer_details")
    payment = name_of(thing, "payment_intent")
    facts: list[Fact] = []
    # The first month of a monthly gift is told by its invoice.
    if text(thing, "payment_status") == "paid" and payment and not pledge_id:
        facts.append(
            Paid(
                happened_at=at,
                refs=(payment,),
                **money_of(thing, "amount_total"),
                checkout=checkout,
                person=person,
            )
        )
    # After the money, which completes the checkout, too.
    facts.append(
        CheckoutTold(
            happened_at=at,
            checkout=checkout,
            state="completed",
            pledge_id=pledge_id,
            person=person,
        )
    )
    return Told(tuple(facts))


def _session_over(state: str) -> Callable[[Any, datetime], Told]:
    def read_it(thing: Any, at: datetime) -> Told:
        checkout = checkout_of(thing)
        if checkout is None:
            return Told(ignored="This checkout was not started here.")
        person = person_of(thing, "customer_details")
        fact = CheckoutTold(happened_at=at, checkout=checkout, state=state, person=person)
        return Told((fact,))

    return read_it


def invoice_paid(thing: Any, at: datetime) -> Told:
    """A month of a monthly gift came. Raises Unreadable."""
    money = money_of(thing, "amount_paid" if "amount_paid" in thing else "total")
    if money["amount_minor"] <= 0:
        return Told(ignored="Nothing was paid.")
    pledge_id = pledge_of(thing)
    if not pledge_id:
        return Told(ignored="This invoice is of no monthly gift.")
    names = (text(thing, "id"), name_of(thing, "payment_intent"), name_of(thing, "charge"))
    fact = Paid(
        happened_at=at,
        refs=tuple(name for name in names if name),
        **money,
        checkout=checkout_of(thing),
        pledge_id=pledge_id,
        next_due_at=_next_due(thing),
        person=Person(
            email=clean(text(thing, "customer_email")),
            name=clean(text(thing, "customer_name")),
            customer_id=name_of(thing, "customer"),
        ),
    )
    return Told((fact,))


def _next_due(invoice: Any) -> datetime | None:
    ends = [moment(part(line, "period").get("end")) for line in rows_of(invoice, "lines")]
    return max((end for end in ends if end), default=None)


def _invoice_failed(thing: Any, at: datetime) -> Told:
    pledge_id = pledge_of(thing)
    if not pledge_id:
        return Told(ignored="This invoice is of no monthly gift.")
    if text(thing, "billing_reason") == "subscription_create":
        return Told(ignored="A first payment: the giver sees it on the payment page.")
    key = f"stripe:{text(thing, 'id')}"
    checkout = checkout_of(thing)
    return Told((RenewalFailed(happened_at=at, pledge_id=pledge_id, key=key, checkout=checkout),))


def invoice_named(thing: Any, at: datetime) -> Told:
    """An invoice and the payment it was paid by are one."""
    payment = text(thing, "payment", "payment_intent")
    if not payment:
        return Told(ignored="It names no payment.")
    return Told((Named(happened_at=at, refs=(text(thing, "invoice"), payment)),))


def _subscription(thing: Any, at: datetime) -> Told:
    item = first_item(thing)
    price = part(item, "price") or part(item, "plan") or part(thing, "plan")
    currency = (text(price, "currency") or text(thing, "currency")).upper()
    amount = number(price, "unit_amount") or number(price, "amount")
    quantity = number(item, "quantity") or number(thing, "quantity") or 1
    period_end = item.get("current_period_end") or thing.get("current_period_end")
    ends = period_end if thing.get("cancel_at_period_end") else thing.get("cancel_at")
    fact = PledgeTold(
        happened_at=at,
        pledge_id=id_of(thing),
        checkout=checkout_of(thing),
        amount_minor=from_stripe(amount * quantity, currency) if currency else 0,
        currency=currency,
        next_due_at=moment(period_end),
        ends_at=moment(ends),
        ended=text(thing, "status") in DEAD,
        person=Person(customer_id=name_of(thing, "customer")),
    )
    return Told((fact,))


def refund_told(thing: Any, at: datetime) -> Told:
    """How a refund stands. Raises Unreadable."""
    status = text(thing, "status")
    if status in ("pending", "requires_action"):
        return Told(ignored="This refund is still on its way.")
    fact = GivenBack(
        happened_at=at,
        refs=payment_names(thing),
        key=id_of(thing),
        **money_of(thing, "amount"),
        failed=status in ("failed", "canceled"),
    )
    return Told((fact,))


def _charge_refunded(thing: Any, at: datetime) -> Told:
    """Older versions of the API put the refunds into the charge; newer ones tell each apart."""
    names = tuple(name for name in (name_of(thing, "payment_intent"), id_of(thing)) if name)
    given = [
        GivenBack(happened_at=at, refs=names, key=id_of(row), **money_of(row, "amount"))
        for row in rows_of(thing, "refunds")
        if text(row, "status") in ("", "succeeded")
    ]
    return Told(tuple(given), ignored="" if given else "Told by the events of each refund.")


def dispute_told(thing: Any, at: datetime) -> Told:
    """How a dispute stands. Raises Unreadable."""
    status = text(thing, "status")
    if status.startswith("warning") or status == "prevented":
        return Told(ignored="A question of the bank: no money was taken by it.")
    fact = Disputed(
        happened_at=at,
        refs=payment_names(thing),
        key=id_of(thing),
        **money_of(thing, "amount"),
        outcome=status if status in ("won", "lost") else "",
    )
    return Told((fact,))


READERS: dict[str, Callable[[Any, datetime], Told]] = {
    "checkout.session.completed": _session_told,
    "checkout.session.async_payment_succeeded": _session_told,
    "checkout.session.async_payment_failed": _session_over("failed"),
    "checkout.session.expired": _session_over("expired"),
    "invoice.paid": invoice_paid,
    "invoice.payment_succeeded": invoice_paid,
    "invoice.payment_failed": _invoice_failed,
    "invoice_payment.paid": invoice_named,
    "customer.subscription.created": _subscription,
    "customer.subscription.updated": _subscription,
    "customer.subscription.deleted": _subscription,
    "refund.created": refund_told,
    "refund.updated": refund_told,
    "refund.failed": refund_told,
    "charge.refund.updated": refund_told,
    "charge.refunded": _charge_refunded,
    "charge.dispute.created": dispute_told,
    # A question of the bank may become a dispute later.
    "charge.dispute.updated": dispute_told,
    "charge.dispute.closed": dispute_told,
}
_ELSEWHERE = {
    "payment_intent.succeeded": "Told by the checkout or the invoice.",
    "charge.succeeded": "Told by the checkout or the invoice.",
    "payment_intent.payment_failed": "The giver sees it on the payment page.",
    "charge.failed": "The giver sees it on the payment page.",
    "charge.dispute.funds_withdrawn": "Told by the dispute.",
    "charge.dispute.funds_reinstated": "Told by the dispute.",
}
