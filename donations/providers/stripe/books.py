"""The books of Stripe, for reconciling."""

from datetime import UTC, datetime
from typing import Any

from donations.providers.facts import Fact, FeeTaken, Named, Paid
from donations.providers.reading import moment, number, part, text
from donations.providers.stripe.client import asking, from_stripe
from donations.providers.stripe.objects import checkout_of, id_of, money_of, payment_names, plain
from donations.providers.stripe.telling import (
    dispute_told,
    invoice_named,
    invoice_paid,
    refund_told,
)


def book_rows(since: datetime) -> list[Any]:
    """What moved on our account since then: payments, refunds and disputes with their fees.

    Oldest first: a payment before what was given back of it.
    """
    asked: Any = {
        "created": {"gte": int(since.timestamp())},
        "limit": 100,
        "expand": ["data.source"],
    }
    with asking() as api:
        rows = api.v1.balance_transactions.list(asked).auto_paging_iter()
        return [plain(row) for row in rows][::-1]


def facts_of_row(row: Any) -> list[Fact]:
    """What one row of Stripe's books says: its fee, and what it is the fee of."""
    source = part(row, "source")
    at = moment(row.get("created")) or datetime.now(UTC)
    kind = text(source, "object")
    facts: list[Fact] = []
    if kind == "charge" and text(source, "payment_intent"):
        facts += _charge_facts(source, at)
    elif kind == "refund":
        facts += refund_told(source, at).facts
    elif kind == "dispute":
        facts += dispute_told(source, at).facts
    fee = number(row, "fee")
    currency = text(row, "currency").upper()
    if fee and kind in ("charge", "refund", "dispute"):
        refs = (text(source, "payment_intent"), id_of(source)) if kind == "charge" else ()
        facts.append(
            FeeTaken(
                happened_at=at,
                refs=refs or payment_names(source),
                key=f"{id_of(row)}:fee",
                amount_minor=from_stripe(fee, currency),
                currency=currency,
            )
        )
    return facts


def _charge_facts(charge: Any, at: datetime) -> list[Fact]:
    """A payment as its charge tells it: by our mark, or by the invoice that it paid."""
    payment = text(charge, "payment_intent")
    names = Named(happened_at=at, refs=(payment, id_of(charge)))
    checkout = checkout_of(charge)
    if checkout:
        money = money_of(charge, "amount")
        paid = Paid(happened_at=at, refs=(payment, id_of(charge)), **money, checkout=checkout)
        return [paid, names]
    asked: Any = {"payment": {"type": "payment_intent", "payment_intent": payment}}
    facts: list[Fact] = []
    with asking() as api:
        rows = [plain(row) for row in api.v1.invoice_payments.list(asked).data]
        for row in rows:
            if text(row, "payment", "payment_intent") == payment:
                invoice = plain(api.v1.invoices.retrieve(text(row, "invoice")))
                facts += invoice_paid(invoice, at).facts
                facts += invoice_named(row, at).facts
    return [*facts, names]
