"""PayPal: orders and subscriptions by a small client, and what its events say."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import urlencode

import urllib3
from django.conf import settings

from donations.models import Checkout, Donation, PaymentEvent, Pledge
from donations.providers.facts import (
    CheckoutTold,
    Disputed,
    Fact,
    FeeTaken,
    Forged,
    GivenBack,
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
from donations.providers.reading import clean, key_of, moment, part, text
from fibrosite.lib.money import exponent, to_minor

TIMEOUT = urllib3.Timeout(connect=3, read=10)
# PayPal repeats a report for three days, with the time of the first try.
TOLERANCE = timedelta(days=4)
# What PayPal takes, less those whose decimals it does not.
CURRENCIES = frozenset(
    {"AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "JPY", "MXN", "MYR"}
    | {"NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "USD"}
)
PRODUCT = "FIBROSITE-GIFTS"
# Asked for this long before it ends.
_EARLY_SECONDS = 60
_SIGNED = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}


def can_take(currency: str) -> bool:
    # Without its reports no gift would ever be booked.
    return can_listen() and currency in CURRENCIES


def can_listen() -> bool:
    return bool(settings.PAYPAL_CLIENT_ID and settings.PAYPAL_WEBHOOK_ID)


def is_live() -> bool:
    return "sandbox" not in settings.PAYPAL_API_BASE and "127.0.0.1" not in settings.PAYPAL_API_BASE


# Talking


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=TIMEOUT, retries=False)


_token: dict[str, tuple[str, float]] = {}


def _access_token() -> str:
    """A token of the API, kept while it lasts."""
    known = f"{settings.PAYPAL_API_BASE} {settings.PAYPAL_CLIENT_ID}"
    token, until = _token.get(known, ("", 0.0))
    if time.monotonic() < until:
        return token
    pair = f"{settings.PAYPAL_CLIENT_ID}:{settings.PAYPAL_CLIENT_SECRET}"
    headers = urllib3.make_headers(basic_auth=pair)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = _send("POST", "/v1/oauth2/token", b"grant_type=client_credentials", headers)
    lasts = int(answer.get("expires_in") or 0) - _EARLY_SECONDS
    _token[known] = (text(answer, "access_token"), time.monotonic() + lasts)
    return _token[known][0]


def _ask(method: str, path: str, asked: Any = None, *, key: str = "") -> dict[str, Any]:
    """PayPal's answer. `key` makes asking twice the same as asking once."""
    body = asked if isinstance(asked, bytes) else json.dumps(asked or {}).encode()
    headers = {
        "Authorization": f"Bearer {_access_token()}",
        "Content-Type": "application/json",
        "Prefer": "return=representation",
    }
    if key:
        headers["PayPal-Request-Id"] = key
    return _send(method, path, None if method == "GET" else body, headers)


def _send(method: str, path: str, body: bytes | None, headers: Any) -> dict[str, Any]:
    url = f"{settings.PAYPAL_API_BASE}{path}"
    try:
        answer = _pool().request(method, url, body=body, headers=headers)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"PayPal: {error}") from error
    try:
        found = json.loads(answer.data or b"{}")
    except ValueError:
        found = {}
    if answer.status in (400, 404, 409, 422):
        raise Refused(_why(found) or f"PayPal answered {answer.status}.")
    if not 200 <= answer.status < 300:
        raise Unavailable(f"PayPal answered {answer.status}.")
    return found if isinstance(found, dict) else {}


def _why(answer: Any) -> str:
    details = answer.get("details") if isinstance(answer, dict) else None
    issues = [text(one, "issue") for one in details or [] if isinstance(one, dict)]
    return ", ".join(filter(None, issues)) or text(answer, "message")


# Starting


def start(checkout: Checkout) -> str:
    """Open PayPal's page for a checkout; the same checkout gets the same page."""
    made = _subscription_for(checkout) if checkout.monthly else _order_for(checkout)
    checkout.provider_session_id = text(made, "id")
    links = {text(link, "rel"): text(link, "href") for link in made.get("links", [])}
    address = links.get("payer-action") or links.get("approve")
    if not address:
        raise Refused("This checkout is over.")
    return address


def _way(checkout: Checkout) -> dict[str, str]:
    page = f"{settings.SITE_URL}/donate/{checkout.key}"
    return {
        "brand_name": settings.SITE_NAME[:127],
        "return_url": f"{page}/thanks/",
        "cancel_url": f"{page}/cancelled/",
        "shipping_preference": "NO_SHIPPING",
    }


def _order_for(checkout: Checkout) -> dict[str, Any]:
    unit = {
        "amount": _amount(checkout.amount_minor, checkout.currency),
        "custom_id": str(checkout.key),
        "description": f"Gift to {checkout.drive or settings.SITE_NAME}"[:127],
    }
    context = {**_way(checkout), "user_action": "PAY_NOW"}
    asked = {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }
    return _ask("POST", "/v2/checkout/orders", asked, key=f"checkout-{checkout.key}")


def _subscription_for(checkout: Checkout) -> dict[str, Any]:
    amount = _amount(checkout.amount_minor, checkout.currency)
    asked = {
        "plan_id": _plan(checkout.currency),
        "custom_id": str(checkout.key),
        "plan": {"billing_cycles": [_cycle(amount)]},
        "application_context": {**_way(checkout), "user_action": "SUBSCRIBE_NOW"},
    }
    return _ask("POST", "/v1/billing/subscriptions", asked, key=f"checkout-{checkout.key}")


def _cycle(amount: dict[str, str]) -> dict[str, Any]:
    return {
        "sequence": 1,
        "tenure_type": "REGULAR",
        "total_cycles": 0,
        "frequency": {"interval_unit": "MONTH", "interval_count": 1},
        "pricing_scheme": {"fixed_price": amount},
    }


def _plan(currency: str) -> str:
    """The plan of monthly gifts in a currency, made when it is first needed.

    Each subscription brings its own amount.
    """
    name = f"Monthly gift, {currency}"
    with suppress(Refused):  # it is there already
        _ask("POST", "/v1/catalogs/products", _product())
    query = urlencode({"product_id": PRODUCT, "page_size": 20})
    for plan in _ask("GET", f"/v1/billing/plans?{query}").get("plans", []):
        if text(plan, "name") == name and text(plan, "status") == "ACTIVE":
            return text(plan, "id")
    asked = {
        "product_id": PRODUCT,
        "name": name,
        "billing_cycles": [_cycle(_amount(10 ** exponent(currency), currency))],
        "payment_preferences": {"auto_bill_outstanding": False, "payment_failure_threshold": 3},
    }
    return text(_ask("POST", "/v1/billing/plans", asked, key=f"plan-{currency}"), "id")


def _product() -> dict[str, str]:
    return {"id": PRODUCT, "name": f"Gifts to {settings.SITE_NAME}"[:127], "type": "SERVICE"}


def _amount(minor: int, currency: str) -> dict[str, str]:
    value = Decimal(minor).scaleb(-exponent(currency))
    return {"currency_code": currency, "value": f"{value:.{exponent(currency)}f}"}


# Doing


def refund(donation: Donation, amount_minor: int, *, key: str) -> None:
    """Give back a part of a gift; the ledger hears of it by PayPal's event."""
    amount = _amount(amount_minor, donation.currency)
    # A month of a monthly gift is a "sale" there, an older kind of payment.
    if donation.pledge_id:
        old = {"currency": amount["currency_code"], "total": amount["value"]}
        path = f"/v1/payments/sale/{donation.provider_id}/refund"
        _ask("POST", path, {"amount": old}, key=f"refund-{key}")
    else:
        path = f"/v2/payments/captures/{donation.provider_id}/refund"
        _ask("POST", path, {"amount": amount}, key=f"refund-{key}")


def stop(pledge: Pledge) -> None:
    """End a subscription now; one that is over already is no error."""
    path = f"/v1/billing/subscriptions/{pledge.provider_id}"
    if text(_ask("GET", path), "status") in ("CANCELLED", "EXPIRED"):
        return
    _ask("POST", f"{path}/cancel", {"reason": "At the giver's wish"})


# Listening


def verify(body: bytes, headers: dict[str, str]) -> Notice:
    """The report in a request, which PayPal itself is asked about."""
    signed = {name: headers.get(header, "") for name, header in _SIGNED.items()}
    sent_at = moment(signed["transmission_time"])
    if not all(signed.values()) or sent_at is None:
        raise Forged("It is not signed.")
    if abs(datetime.now(UTC) - sent_at) > TOLERANCE:
        raise Forged("The signature is too old.")
    notice = _notice(body)
    # The event goes along byte for byte: written anew, its checksum would not fit.
    head = json.dumps({**signed, "webhook_id": settings.PAYPAL_WEBHOOK_ID})[:-1].encode()
    question = head + b', "webhook_event":' + body + b"}"
    try:
        answer = _ask("POST", "/v1/notifications/verify-webhook-signature", question)
    except Refused as error:
        raise Forged(str(error)) from error
    if text(answer, "verification_status") != "SUCCESS":
        raise Forged("The signature does not fit.")
    return notice


def _notice(body: bytes) -> Notice:
    try:
        event = json.loads(body)
        name, kind = text(event, "id"), text(event, "event_type")
        words = body.decode()
    except (ValueError, RecursionError) as error:
        raise Forged("This is no event.") from error
    if not name or not kind:
        raise Forged("This is no event.")
    return Notice(
        event_id=name[:255],
        type=kind[:100],
        # PayPal does not say: its two worlds have different keys and webhooks.
        livemode=is_live(),
        happened_at=moment(event.get("create_time")),
        body=words,
    )


def missed(since: datetime) -> list[Notice]:
    """PayPal's list of the events since then that mean something to us."""
    query = urlencode({"start_time": _stamp(since), "page_size": 300})
    rows = _ask("GET", f"/v1/notifications/webhooks-events?{query}").get("events", [])
    wanted = [row for row in rows if text(row, "event_type") in _READERS]
    return [_notice(json.dumps(row).encode()) for row in reversed(wanted)]


def read(event: PaymentEvent) -> Told:
    """What an event says; takes the money of an order that was approved. Raises Unreadable."""
    reader = _READERS.get(event.type)
    if reader is None:
        return Told(ignored="Nothing follows from events of this type.")
    thing = part(json.loads(event.body), "resource")
    if not thing:
        return Told(ignored="The event holds no resource.")
    return reader(thing, event.happened_at)


def _approved(thing: Any, at: datetime) -> Told:
    """The giver agreed: only now is the money taken."""
    order = text(thing, "id")
    if not any(key_of(text(unit, "custom_id")) for unit in thing.get("purchase_units") or []):
        return Told(ignored="This order was not started here.")
    try:
        answer = _ask("POST", f"/v2/checkout/orders/{order}/capture", key=f"capture-{order}")
    except Refused as error:
        if "ALREADY_CAPTURED" in str(error):
            return Told(ignored="The money is taken already.")
        raise
    who = part(answer, "payer") or part(thing, "payer")
    units = answer.get("purchase_units") or [{}]
    captures = part(units[0], "payments").get("captures") or []
    facts: list[Fact] = []
    for capture in captures:
        facts += _captured(capture, at, email=clean(text(who, "email_address"))).facts
    return Told(tuple(facts), ignored="" if facts else "PayPal tells of the money later.")


def _captured(thing: Any, at: datetime, *, email: str = "") -> Told:
    if text(thing, "status") != "COMPLETED":
        return Told(ignored="This money is still on its way.")
    checkout = key_of(text(thing, "custom_id"))
    if checkout is None:
        return Told(ignored="This payment was not started here.")
    money = _money(thing, "amount")
    kept = part(thing, "seller_receivable_breakdown", "paypal_fee")
    fee = _minor(text(kept, "value"), money["currency"]) if kept else 0
    # The time of the payment itself, the same in each report of it.
    at = moment(text(thing, "create_time")) or at
    person = Person(email=email)
    paid = Paid(
        happened_at=at,
        refs=(text(thing, "id"),),
        **money,
        checkout=checkout,
        person=person,
        fee_minor=fee,
    )
    done = CheckoutTold(happened_at=at, checkout=checkout, state="completed", person=person)
    return Told((done, paid))


def _sale(thing: Any, at: datetime) -> Told:
    pledge_id = text(thing, "billing_agreement_id")
    if not pledge_id:
        return Told(ignored="This payment is of no monthly gift.")
    money = _money(thing, "amount")
    kept = part(thing, "transaction_fee")
    at = moment(text(thing, "create_time")) or at
    paid = Paid(
        happened_at=at,
        refs=(text(thing, "id"),),
        **money,
        checkout=key_of(text(thing, "custom") or text(thing, "custom_id")),
        pledge_id=pledge_id,
        fee_minor=_minor(text(kept, "value"), money["currency"]) if kept else 0,
    )
    return Told((paid,))


def _refunded(thing: Any, at: datetime) -> Told:
    up = [text(link, "href") for link in thing.get("links", []) if text(link, "rel") == "up"]
    names = [text(thing, "sale_id"), *(href.rstrip("/").rpartition("/")[2] for href in up)]
    refs = tuple(dict.fromkeys(name for name in names if name))
    if not refs:
        raise Unreadable("It names no payment.")
    fact = GivenBack(happened_at=at, refs=refs, key=text(thing, "id"), **_money(thing, "amount"))
    return Told((fact,))


def _subscription(thing: Any, at: datetime) -> Told:
    # One that is suspended can go on again, and can be stopped.
    ended = text(thing, "status") in ("CANCELLED", "EXPIRED")
    billing = part(thing, "billing_info")
    fact = PledgeTold(
        happened_at=at,
        pledge_id=text(thing, "id"),
        checkout=key_of(text(thing, "custom_id")),
        # It does not name the amount: that is the checkout's.
        next_due_at=moment(text(billing, "next_billing_time")),
        ended=ended,
        person=Person(email=clean(text(thing, "subscriber", "email_address"))),
    )
    return Told((fact,))


def _failed(thing: Any, at: datetime) -> Told:
    pledge_id = text(thing, "id")
    key = f"paypal:{pledge_id}:{at:%Y-%m}"
    checkout = key_of(text(thing, "custom_id"))
    return Told((RenewalFailed(happened_at=at, pledge_id=pledge_id, key=key, checkout=checkout),))


def _dispute(thing: Any, at: datetime) -> Told:
    rows = thing.get("disputed_transactions") or [{}]
    refs = tuple(filter(None, [text(rows[0], "seller_transaction_id")]))
    if not refs:
        raise Unreadable("It names no payment.")
    decided = text(thing, "dispute_outcome", "outcome_code")
    outcome = {"RESOLVED_SELLER_FAVOUR": "won", "CANCELED_BY_BUYER": "won"}.get(decided, "")
    if decided in ("RESOLVED_BUYER_FAVOUR", "ACCEPTED"):
        outcome = "lost"
    fact = Disputed(
        happened_at=at,
        refs=refs,
        key=text(thing, "dispute_id"),
        **_money(thing, "dispute_amount"),
        outcome=outcome,
    )
    return Told((fact,))


_READERS: dict[str, Callable[[Any, datetime], Told]] = {
    "CHECKOUT.ORDER.APPROVED": _approved,
    "PAYMENT.CAPTURE.COMPLETED": _captured,
    "PAYMENT.CAPTURE.REFUNDED": _refunded,
    "PAYMENT.CAPTURE.REVERSED": _refunded,
    "PAYMENT.SALE.COMPLETED": _sale,
    "PAYMENT.SALE.REFUNDED": _refunded,
    "PAYMENT.SALE.REVERSED": _refunded,
    "BILLING.SUBSCRIPTION.ACTIVATED": _subscription,
    "BILLING.SUBSCRIPTION.UPDATED": _subscription,
    "BILLING.SUBSCRIPTION.CANCELLED": _subscription,
    "BILLING.SUBSCRIPTION.EXPIRED": _subscription,
    "BILLING.SUBSCRIPTION.SUSPENDED": _subscription,
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": _failed,
    "CUSTOMER.DISPUTE.CREATED": _dispute,
    "CUSTOMER.DISPUTE.RESOLVED": _dispute,
}


# The books of PayPal, for reconciling


def book_rows(since: datetime) -> list[Any]:
    """What moved on our account since then; PayPal's list runs some hours behind."""
    rows: list[Any] = []
    page, pages = 1, 1
    while page <= pages:
        query = urlencode(
            {
                "start_date": _stamp(since),
                "end_date": _stamp(datetime.now(UTC) + timedelta(minutes=1)),
                "fields": "transaction_info",
                "page": page,
                "page_size": 500,
            }
        )
        answer = _ask("GET", f"/v1/reporting/transactions?{query}")
        rows += [part(row, "transaction_info") for row in answer.get("transaction_details", [])]
        pages, page = int(answer.get("total_pages") or 1), page + 1
    return rows


def facts_of_row(row: Any) -> list[Fact]:
    """What one row of PayPal's books says: a payment of ours and its fee."""
    at = moment(text(row, "transaction_initiation_date")) or datetime.now(UTC)
    checkout, pledge_id = key_of(text(row, "custom_field")), text(row, "paypal_reference_id")
    amount = part(row, "transaction_amount")
    currency = text(amount, "currency_code")
    # Holds and reversals come back under new names, with the mark of their payment on them.
    is_payment = text(row, "transaction_event_code").startswith("T00")
    ours = is_payment and (checkout or pledge_id.startswith("I-"))
    if not ours or text(row, "transaction_status") != "S" or _decimal(text(amount, "value")) <= 0:
        return []
    refs = (text(row, "transaction_id"),)
    fee = -_minor(text(row, "fee_amount", "value") or "0", currency)
    paid = Paid(
        happened_at=at,
        refs=refs,
        amount_minor=_minor(text(amount, "value"), currency),
        currency=currency,
        checkout=checkout,
        pledge_id=pledge_id,
    )
    if not fee:
        return [paid]
    key = f"{refs[0]}:fee"
    return [
        paid,
        FeeTaken(happened_at=at, refs=refs, key=key, amount_minor=fee, currency=currency),
    ]


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Reading objects


def _money(thing: Any, field: str) -> dict[str, Any]:
    """An amount of either of PayPal's forms."""
    amount = part(thing, field)
    currency = text(amount, "currency_code") or text(amount, "currency")
    value = text(amount, "value") or text(amount, "total")
    if not currency or not value:
        raise Unreadable(f"{field} is no amount.")
    return {"amount_minor": abs(_minor(value, currency)), "currency": currency}


def _minor(value: str, currency: str) -> int:
    try:
        return to_minor(_decimal(value), currency)
    except ValueError as error:
        raise Unreadable(str(error)) from error


def _decimal(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise Unreadable(f"{value!r} is no amount.") from error
