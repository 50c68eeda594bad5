"""What we ask of Stripe about gifts: give one back, change or end a monthly one."""

from typing import TYPE_CHECKING, Any

from donations.models import Donation, Pledge
from donations.providers.facts import Refused
from donations.providers.reading import text
from donations.providers.stripe.client import asking, to_stripe
from donations.providers.stripe.objects import DEAD, first_item, plain

if TYPE_CHECKING:
    from stripe import StripeClient


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
        return text(plain(row), "payment", "payment_intent")
    raise Refused("Stripe does not say by which payment this gift came.")


def stop(pledge: Pledge) -> None:
    """End a subscription now; one that is over already is no error."""
    with asking() as api:
        if _status(pledge, api) not in DEAD:
            api.v1.subscriptions.cancel(pledge.provider_id)


def _status(pledge: Pledge, api: "StripeClient") -> str:
    return str(api.v1.subscriptions.retrieve(pledge.provider_id).status)


def change(pledge: Pledge, amount_minor: int) -> None:
    """Take another amount from the next month on."""
    with asking() as api:
        found = plain(api.v1.subscriptions.retrieve(pledge.provider_id))
        item = first_item(found)
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
