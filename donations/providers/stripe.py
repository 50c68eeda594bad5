"""Stripe: hosted checkout by the official SDK, and what its events say.

The SDK is imported inside functions: most processes never need it.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from donations.models import Checkout, Donation, PaymentEvent, Pledge
from donations.providers.facts import (
    CheckoutTold,
    Disputed,
    Fact,
    FeeTaken,
    Forged,
    GivenBack,
    Named,
    Notice,
    Paid,
    Person,
    PledgeTold,
    Refused,
    RenewalFailed,
    Told,
    Unavailable,
    Unreadable,
)
from donations.providers.reading import clean, key_of, moment, number, part, text
from fibrosite.lib.money import exponent

if TYPE_CHECKING:
    from stripe import StripeClient

TIMEOUT_SECONDS = 10
# Older signatures are refused: Stripe signs anew for each try.
TOLERANCE_SECONDS = 300
# From Stripe's limits: a page lives a day at most.
PAGE_LIVES = timedelta(hours=23)
# Stripe counts in hundredths where the currency has none any more.
_OTHER_EXPONENTS = {"ISK": 2}
_LONGEST_NOTE = 1200
_DEAD = {"canceled", "incomplete_expired"}


def can_take(currency: str) -> bool:
    # Without its reports no gift would ever be booked.
    return bool(settings.STRIPE_API_KEY) and can_listen()


def can_listen() -> bool:
    return bool(settings.STRIPE_WEBHOOK_SECRET)


def is_live() -> bool:
    return "_live_" in settings.STRIPE_API_KEY


def to_stripe(minor: int, currency: str) -> int:
    """Our minor units in those that Stripe counts this currency in."""
    return minor * 10 ** (_OTHER_EXPONENTS.get(currency, exponent(currency)) - exponent(currency))


def from_stripe(minor: int, currency: str) -> int:
    """Stripe's minor units in ours."""
    return minor // 10 ** (_OTHER_EXPONENTS.get(currency, exponent(currency)) - exponent(currency))


def client() -> "StripeClient":
    """The SDK's client; STRIPE_API_BASE points it at another server."""
    import stripe  # noqa: PLC0415

    base: Any = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
    return stripe.StripeClient(
        settings.STRIPE_API_KEY,
        base_addresses=base,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=1,
    )


@contextmanager
def asking() -> Iterator["StripeClient"]:
    """The client; its errors become Unavailable or Refused."""
    import stripe  # noqa: PLC0415

    try:
        yield client()
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise Refused(str(error.user_message or error)) from error
    except stripe.StripeError as error:
        raise Unavailable(f"Stripe: {error}") from error


# Starting


def start(checkout: Checkout) -> str:
    """Open Stripe's page for a checkout; the same checkout gets the same page."""
    with asking() as api:
        session = api.v1.checkout.sessions.create(
            _session(checkout), {"idempotency_key": f"checkout:{checkout.key}"}
        )
    if not session.url:
        raise Refused("This checkout is over.")
    checkout.provider_session_id = session.id
    checkout.expires_at = checkout.created_at + PAGE_LIVES
    return session.url


def _session(checkout: Checkout) -> Any:
    mark = {"checkout": str(checkout.key)}
    page = f"{settings.SITE_URL}/donate/{checkout.key}"
    price: dict[str, Any] = {
        "currency": checkout.currency.lower(),
        "unit_amount": to_stripe(checkout.amount_minor, checkout.currency),
        "product_data": {"name": title_of(checkout)},
    }
    asked: dict[str, Any] = {
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": f"{page}/thanks/",
        "cancel_url": f"{page}/cancelled/",
        "client_reference_id": str(checkout.key),
        "metadata": mark,
        "custom_text": {"submit": {"message": settings.LEGAL_STATUS[:_LONGEST_NOTE]}},
        # Of the checkout's age, so that asking again asks for the very same.
        "expires_at": int((checkout.created_at + PAGE_LIVES).timestamp()),
    }
    if checkout.email:
        asked["customer_email"] = checkout.email
    if checkout.monthly:
        price["recurring"] = {"interval": "month"}
        return {**asked, "mode": "subscription", "subscription_data": {"metadata": mark}}
    intent = {"metadata": mark, "description": title_of(checkout)}
    return {**asked, "mode": "payment", "submit_type": "donate", "payment_intent_data": intent}


def title_of(checkout: Checkout) -> str:
    """What the payment page says that is paid for."""
    what = "Monthly gift" if checkout.monthly else "Gift"
    return f"{what} to {checkout.drive.name if checkout.drive else settings.SITE_NAME}"[:250]


# Doing


def refund(donation: Donation, amount_minor: int, *, key: str) -> None:
    """Give back a part of a gift; the ledger hears of it by Stripe's event."""
    asked: Any = {"amount": to_stripe(amount_minor, donation.currency), "metadata": {"by": key}}
    with asking() as api:
        asked["payment_intent"] = _payment_of(donation, api)
        api.v1.refunds.create(asked, {"idempotency_key": f"refund:{key}"})


def _payment_of(donation: Donation, api: "StripeClient") -> str:
    if donation.provider_id.startswith("pi_"):
        return donation.provider_id
    for ref in donation.refs.values_list("ref", flat=True):
        if ref.startswith("pi_"):
            return str(ref)
    for row in api.v1.invoice_payments.list({"invoice": donation.provider_id}).data:
        return text(_plain(row), "payment", "payment_intent")
    raise Refused("Stripe does not say by which payment this gift came.")


def stop(pledge: Pledge) -> None:
    """End a subscription now; one that is over already is no error."""
    with asking() as api:
        if _status(pledge, api) not in _DEAD:
            api.v1.subscriptions.cancel(pledge.provider_id)


def _status(pledge: Pledge, api: "StripeClient") -> str:
    return str(api.v1.subscriptions.retrieve(pledge.provider_id).status)


def change(pledge: Pledge, amount_minor: int) -> None:
    """Take another amount from the next month on."""
    with asking() as api:
        found = _plain(api.v1.subscriptions.retrieve(pledge.provider_id))
        item = _first_item(found)
        price: Any = {
            "currency": pledge.currency.lower(),
            "product": text(item, "price", "product"),
            "unit_amount": to_stripe(amount_minor, pledge.currency),
            "recurring": {"interval": "month"},
        }
        asked: Any = {
            "items": [{"id": text(item, "id"), "price_data": price}],
            "proration_behavior": "none",
        }
        api.v1.subscriptions.update(pledge.provider_id, asked)


def portal(pledge: Pledge, back: str) -> str:
    """The address of Stripe's own page on which a giver changes the card."""
    with asking() as api:
        asked: Any = {"customer": pledge.customer_id, "return_url": back}
        return api.v1.billing_portal.sessions.create(asked).url


# Listening


def verify(body: bytes, headers: dict[str, str]) -> Notice:
    """The report in a request, signed by one of our secrets within TOLERANCE_SECONDS."""
    import stripe  # noqa: PLC0415

    for secret in settings.STRIPE_WEBHOOK_SECRET:
        try:
            stripe.WebhookSignature.verify_header(
                body, headers.get("stripe-signature"), secret, TOLERANCE_SECONDS
            )
        except (stripe.SignatureVerificationError, ValueError):
            continue
        return _notice(body.decode())
    raise Forged("The signature does not fit, or is too old.")


def _notice(body: str) -> Notice:
    try:
        event = json.loads(body)
        name, kind = text(event, "id"), text(event, "type")
    except (ValueError, RecursionError) as error:
        raise Forged("This is no event.") from error
    if not name or not kind:
        raise Forged("This is no event.")
    return Notice(
        event_id=name[:255],
        type=kind[:100],
        livemode=event.get("livemode") is True,
        happened_at=moment(event.get("created")),
        body=body,
    )


def missed(since: datetime) -> list[Notice]:
    """Stripe's list of the events since then that mean something to us (kept for 30 days)."""
    asked: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    with asking() as api:
        rows = [_plain(row) for row in api.v1.events.list(asked).auto_paging_iter()]
    wanted = [row for row in rows if row["type"] in _READERS]
    # Oldest first, as they happened.
    return [_notice(json.dumps(row)) for row in reversed(wanted)]


def read(event: PaymentEvent) -> Told:
    """What an event says. Raises Unreadable."""
    reader = _READERS.get(event.type)
    if reader is None:
        return Told(ignored=_ELSEWHERE.get(event.type, "Nothing follows from events of this type."))
    thing = part(json.loads(event.body), "data", "object")
    if not thing:
        return Told(ignored="The event holds no object.")
    return reader(thing, event.happened_at)


def _session_told(thing: Any, at: datetime) -> Told:
    """Completed, or the money of a slow method came."""
    checkout = _checkout_of(thing)
    if checkout is None:
        return Told(ignored="This checkout was not started here.")
    pledge_id = _name(thing, "subscription")
    person = _person(thing, "customer_details")
    payment = _name(thing, "payment_intent")
    facts: list[Fact] = []
    # The first month of a monthly gift is told by its invoice.
    if text(thing, "payment_status") == "paid" and payment and not pledge_id:
        facts.append(
            Paid(
                happened_at=at,
                refs=(payment,),
                **_money(thing, "amount_total"),
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
        checkout = _checkout_of(thing)
        if checkout is None:
            return Told(ignored="This checkout was not started here.")
        person = _person(thing, "customer_details")
        fact = CheckoutTold(happened_at=at, checkout=checkout, state=state, person=person)
        return Told((fact,))

    return read_it


def _invoice_paid(thing: Any, at: datetime) -> Told:
    money = _money(thing, "amount_paid" if "amount_paid" in thing else "total")
    if money["amount_minor"] <= 0:
        return Told(ignored="Nothing was paid.")
    pledge_id = _pledge_of(thing)
    if not pledge_id:
        return Told(ignored="This invoice is of no monthly gift.")
    names = (text(thing, "id"), _name(thing, "payment_intent"), _name(thing, "charge"))
    fact = Paid(
        happened_at=at,
        refs=tuple(name for name in names if name),
        **money,
        checkout=_checkout_of(thing),
        pledge_id=pledge_id,
        next_due_at=_next_due(thing),
        person=Person(
            email=clean(text(thing, "customer_email")),
            name=clean(text(thing, "customer_name")),
            customer_id=_name(thing, "customer"),
        ),
    )
    return Told((fact,))


def _next_due(invoice: Any) -> datetime | None:
    ends = [moment(part(line, "period").get("end")) for line in _rows(invoice, "lines")]
    return max((end for end in ends if end), default=None)


def _invoice_failed(thing: Any, at: datetime) -> Told:
    pledge_id = _pledge_of(thing)
    if not pledge_id:
        return Told(ignored="This invoice is of no monthly gift.")
    if text(thing, "billing_reason") == "subscription_create":
        return Told(ignored="A first payment: the giver sees it on the payment page.")
    key = f"stripe:{text(thing, 'id')}"
    checkout = _checkout_of(thing)
    return Told((RenewalFailed(happened_at=at, pledge_id=pledge_id, key=key, checkout=checkout),))


def _invoice_named(thing: Any, at: datetime) -> Told:
    payment = text(thing, "payment", "payment_intent")
    if not payment:
        return Told(ignored="It names no payment.")
    return Told((Named(happened_at=at, refs=(text(thing, "invoice"), payment)),))


def _subscription(thing: Any, at: datetime) -> Told:
    item = _first_item(thing)
    price = part(item, "price") or part(item, "plan") or part(thing, "plan")
    currency = (text(price, "currency") or text(thing, "currency")).upper()
    amount = number(price, "unit_amount") or number(price, "amount")
    quantity = number(item, "quantity") or number(thing, "quantity") or 1
    period_end = item.get("current_period_end") or thing.get("current_period_end")
    ends = period_end if thing.get("cancel_at_period_end") else thing.get("cancel_at")
    fact = PledgeTold(
        happened_at=at,
        pledge_id=_id(thing),
        checkout=_checkout_of(thing),
        amount_minor=from_stripe(amount * quantity, currency) if currency else 0,
        currency=currency,
        next_due_at=moment(period_end),
        ends_at=moment(ends),
        ended=text(thing, "status") in _DEAD,
        person=Person(customer_id=_name(thing, "customer")),
    )
    return Told((fact,))


def _refund_told(thing: Any, at: datetime) -> Told:
    status = text(thing, "status")
    if status in ("pending", "requires_action"):
        return Told(ignored="This refund is still on its way.")
    fact = GivenBack(
        happened_at=at,
        refs=_payment_names(thing),
        key=_id(thing),
        **_money(thing, "amount"),
        failed=status in ("failed", "canceled"),
    )
    return Told((fact,))


def _charge_refunded(thing: Any, at: datetime) -> Told:
    """Older versions of the API put the refunds into the charge; newer ones tell each apart."""
    names = tuple(name for name in (_name(thing, "payment_intent"), _id(thing)) if name)
    given = [
        GivenBack(happened_at=at, refs=names, key=_id(row), **_money(row, "amount"))
        for row in _rows(thing, "refunds")
        if text(row, "status") in ("", "succeeded")
    ]
    return Told(tuple(given), ignored="" if given else "Told by the events of each refund.")


def _dispute(thing: Any, at: datetime) -> Told:
    status = text(thing, "status")
    if status.startswith("warning") or status == "prevented":
        return Told(ignored="A question of the bank: no money was taken by it.")
    fact = Disputed(
        happened_at=at,
        refs=_payment_names(thing),
        key=_id(thing),
        **_money(thing, "amount"),
        outcome=status if status in ("won", "lost") else "",
    )
    return Told((fact,))


_READERS: dict[str, Callable[[Any, datetime], Told]] = {
    "checkout.session.completed": _session_told,
    "checkout.session.async_payment_succeeded": _session_told,
    "checkout.session.async_payment_failed": _session_over("failed"),
    "checkout.session.expired": _session_over("expired"),
    "invoice.paid": _invoice_paid,
    "invoice.payment_succeeded": _invoice_paid,
    "invoice.payment_failed": _invoice_failed,
    "invoice_payment.paid": _invoice_named,
    "customer.subscription.created": _subscription,
    "customer.subscription.updated": _subscription,
    "customer.subscription.deleted": _subscription,
    "refund.created": _refund_told,
    "refund.updated": _refund_told,
    "refund.failed": _refund_told,
    "charge.refund.updated": _refund_told,
    "charge.refunded": _charge_refunded,
    "charge.dispute.created": _dispute,
    # A question of the bank may become a dispute later.
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
}
_ELSEWHERE = {
    "payment_intent.succeeded": "Told by the checkout or the invoice.",
    "charge.succeeded": "Told by the checkout or the invoice.",
    "payment_intent.payment_failed": "The giver sees it on the payment page.",
    "charge.failed": "The giver sees it on the payment page.",
    "charge.dispute.funds_withdrawn": "Told by the dispute.",
    "charge.dispute.funds_reinstated": "Told by the dispute.",
}


# The books of Stripe, for reconciling


def book_rows(since: datetime) -> list[Any]:
    """What moved on our account since then: payments, refunds and disputes with their fees."""
    asked: Any = {
        "created": {"gte": int(since.timestamp())},
        "limit": 100,
        "expand": ["data.source"],
    }
    with asking() as api:
        rows = api.v1.balance_transactions.list(asked).auto_paging_iter()
        return [_plain(row) for row in rows]


def facts_of_row(row: Any) -> list[Fact]:
    """What one row of Stripe's books says: its fee, and what it is the fee of."""
    source = part(row, "source")
    at = moment(row.get("created")) or datetime.now(UTC)
    kind = text(source, "object")
    facts: list[Fact] = []
    if kind == "charge" and text(source, "payment_intent"):
        facts += _charge_facts(source, at)
    elif kind == "refund":
        facts += _refund_told(source, at).facts
    elif kind == "dispute":
        facts += _dispute(source, at).facts
    fee = number(row, "fee")
    currency = text(row, "currency").upper()
    if fee and kind in ("charge", "refund", "dispute"):
        refs = (text(source, "payment_intent"), _id(source)) if kind == "charge" else ()
        facts.append(
            FeeTaken(
                happened_at=at,
                refs=refs or _payment_names(source),
                key=f"{_id(row)}:fee",
                amount_minor=from_stripe(fee, currency),
                currency=currency,
            )
        )
    return facts


def _charge_facts(charge: Any, at: datetime) -> list[Fact]:
    """A payment as its charge tells it: by our mark, or by the invoice that it paid."""
    payment = text(charge, "payment_intent")
    names = Named(happened_at=at, refs=(payment, _id(charge)))
    checkout = _checkout_of(charge)
    if checkout:
        money = _money(charge, "amount")
        paid = Paid(happened_at=at, refs=(payment, _id(charge)), **money, checkout=checkout)
        return [paid, names]
    asked: Any = {"payment": {"type": "payment_intent", "payment_intent": payment}}
    facts: list[Fact] = []
    with asking() as api:
        rows = [_plain(row) for row in api.v1.invoice_payments.list(asked).data]
        for row in rows:
            if text(row, "payment", "payment_intent") == payment:
                invoice = _plain(api.v1.invoices.retrieve(text(row, "invoice")))
                facts += _invoice_paid(invoice, at).facts
                facts += _invoice_named(row, at).facts
    return [*facts, names]


# Reading objects


def _plain(thing: Any) -> Any:
    """An object of the SDK as plain JSON."""
    return json.loads(str(thing)) if not isinstance(thing, dict) else thing


def _id(thing: Any) -> str:
    name = text(thing, "id")
    if not name:
        raise Unreadable("The object has no id.")
    return name


def _name(thing: Any, field: str) -> str:
    """The id in a field that holds an id, or the object itself where it was expanded."""
    return text(thing, field) or text(thing, field, "id")


def _rows(thing: Any, field: str) -> list[Any]:
    rows = part(thing, field).get("data")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _first_item(subscription: Any) -> Any:
    items = _rows(subscription, "items")
    return items[0] if items else {}


def _money(thing: Any, field: str) -> dict[str, Any]:
    currency = text(thing, "currency").upper()
    if not currency:
        raise Unreadable("The object has no currency.")
    return {"amount_minor": from_stripe(number(thing, field), currency), "currency": currency}


def _payment_names(thing: Any) -> tuple[str, ...]:
    names = (_name(thing, "payment_intent"), _name(thing, "charge"))
    found = tuple(name for name in names if name)
    if not found:
        raise Unreadable("It names no payment.")
    return found


def _person(thing: Any, field: str) -> Person:
    who = part(thing, field)
    return Person(
        email=clean(text(who, "email") or text(thing, "customer_email")),
        name=clean(text(who, "name")),
        customer_id=_name(thing, "customer"),
    )


def _pledge_of(invoice: Any) -> str:
    """The subscription of an invoice: its place moved between versions of the API."""
    return (
        text(invoice, "parent", "subscription_details", "subscription")
        or text(invoice, "parent", "subscription_details", "subscription", "id")
        or _name(invoice, "subscription")
    )


def _checkout_of(thing: Any) -> uuid.UUID | None:
    """Our own mark on an object, wherever Stripe keeps it."""
    places = (
        part(thing, "metadata"),
        part(thing, "parent", "subscription_details", "metadata"),
        part(thing, "subscription_details", "metadata"),
        *(part(line, "metadata") for line in _rows(thing, "lines")),
    )
    for place in places:
        found = key_of(text(place, "checkout"))
        if found:
            return found
    return None
