"""Opening PayPal's page for a gift: an order for one, a subscription for a monthly one."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from donations.models import Checkout
from donations.providers.facts import Refused
from donations.providers.paypal.client import ask
from donations.providers.paypal.objects import amount_of, fitted, links_of
from donations.providers.reading import text
from fibrosite.lib.money import exponent

PRODUCT = "FIBROSITE-GIFTS"
LONGEST_OF_PRODUCT = 256


def start(checkout: Checkout) -> str:
    """Open PayPal's page for a checkout; the same checkout gets the same page."""
    made = _subscription_for(checkout) if checkout.monthly else _order_for(checkout)
    checkout.provider_session_id = text(made, "id")
    links = links_of(made)
    address = links.get("payer-action") or links.get("approve")
    if not address:
        raise Refused("This checkout is over.")
    return address


def _way(checkout: Checkout) -> dict[str, str]:
    page = f"{settings.SITE_URL}/donate/{checkout.key}"
    return {**looks(), "return_url": f"{page}/thanks/", "cancel_url": f"{page}/cancelled/"}


def looks() -> dict[str, str]:
    """How PayPal's page names us, and that nothing is sent to anybody."""
    return {"brand_name": fitted(settings.SITE_NAME), "shipping_preference": "NO_SHIPPING"}


def _order_for(checkout: Checkout) -> dict[str, Any]:
    amount = amount_of(checkout.amount_minor, checkout.currency)
    name = fitted(f"Gift to {checkout.drive or settings.SITE_NAME}")
    # The page shows an item's name and, under it, its description.
    item = {
        "name": name,
        "description": fitted(settings.LEGAL_STATUS),
        "quantity": "1",
        "unit_amount": amount,
    }
    unit = {
        "amount": {**amount, "breakdown": {"item_total": amount}},
        "custom_id": str(checkout.key),
        "description": name,
        "items": [item],
    }
    context = {**_way(checkout), "user_action": "PAY_NOW"}
    asked = {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }
    return ask("POST", "/v2/checkout/orders", asked, key=f"checkout-{checkout.key}")


def _subscription_for(checkout: Checkout) -> dict[str, Any]:
    amount = amount_of(checkout.amount_minor, checkout.currency)
    asked = {
        "plan_id": _plan(checkout.currency),
        "custom_id": str(checkout.key),
        "plan": monthly(amount),
        "application_context": {**_way(checkout), "user_action": "SUBSCRIBE_NOW"},
    }
    return ask("POST", "/v1/billing/subscriptions", asked, key=f"checkout-{checkout.key}")


def monthly(amount: dict[str, str]) -> dict[str, Any]:
    """What a subscription of this amount brings of its own, in place of what its plan says."""
    return {"billing_cycles": [_cycle(amount)]}


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

    Each subscription brings its own amount. The page shows what product and plan say of
    themselves, so a legal sentence that was changed is put there.
    """
    name, words = f"Monthly gift, {currency}", fitted(settings.LEGAL_STATUS)
    with suppress(Refused):  # it is there already
        ask("POST", "/v1/catalogs/products", _product())
    query = urlencode({"product_id": PRODUCT, "page_size": 20})
    for plan in ask("GET", f"/v1/billing/plans?{query}").get("plans", []):
        if text(plan, "name") == name and text(plan, "status") == "ACTIVE":
            if text(plan, "description") != words:
                _describe_anew(text(plan, "id"), words)
            return text(plan, "id")
    asked = {
        "product_id": PRODUCT,
        "name": name,
        "description": words,
        "billing_cycles": [_cycle(amount_of(10 ** exponent(currency), currency))],
        "payment_preferences": {"auto_bill_outstanding": False, "payment_failure_threshold": 3},
    }
    return text(ask("POST", "/v1/billing/plans", asked, key=f"plan-{currency}"), "id")


def _product() -> dict[str, str]:
    return {
        "id": PRODUCT,
        "name": fitted(f"Gifts to {settings.SITE_NAME}"),
        "description": fitted(settings.LEGAL_STATUS, LONGEST_OF_PRODUCT),
        "type": "SERVICE",
    }


def _describe_anew(plan: str, words: str) -> None:
    places = {
        f"/v1/catalogs/products/{PRODUCT}": _product()["description"],
        f"/v1/billing/plans/{plan}": words,
    }
    for path, value in places.items():
        ask("PATCH", path, [{"op": "replace", "path": "/description", "value": value}])
