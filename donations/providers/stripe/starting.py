"""Opening Stripe's page for a checkout."""

from datetime import timedelta
from typing import Any

from django.conf import settings

from donations.models import Checkout
from donations.providers.facts import Refused
from donations.providers.stripe.client import asking, to_stripe

# From Stripe's limits: a page lives a day at most.
PAGE_LIVES = timedelta(hours=23)
_LONGEST_NOTE = 1200


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
        "product_data": {"name": _title_of(checkout)},
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
    intent = {"metadata": mark, "description": _title_of(checkout)}
    return {**asked, "mode": "payment", "submit_type": "donate", "payment_intent_data": intent}


def _title_of(checkout: Checkout) -> str:
    """What the payment page says that is paid for."""
    what = "Monthly gift" if checkout.monthly else "Gift"
    return f"{what} to {checkout.drive.name if checkout.drive else settings.SITE_NAME}"[:250]
