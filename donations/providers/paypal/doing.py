"""What we ask of PayPal about gifts: give one back, change or end a monthly one."""

from donations.models import Donation, Pledge
from donations.providers.facts import Refused
from donations.providers.paypal.client import ask
from donations.providers.paypal.objects import amount_of, links_of
from donations.providers.paypal.starting import looks, monthly
from donations.providers.reading import text


def refund(donation: Donation, amount_minor: int, *, key: str) -> None:
    """Give back a part of a gift; the ledger hears of it by PayPal's event."""
    amount = amount_of(amount_minor, donation.currency)
    # A month of a monthly gift is a "sale" there, an older kind of payment.
    if donation.pledge_id:
        old = {"currency": amount["currency_code"], "total": amount["value"]}
        path = f"/v1/payments/sale/{donation.provider_id}/refund"
        ask("POST", path, {"amount": old}, key=f"refund-{key}")
    else:
        path = f"/v2/payments/captures/{donation.provider_id}/refund"
        ask("POST", path, {"amount": amount}, key=f"refund-{key}")


def stop(pledge: Pledge) -> None:
    """End a subscription now; one that is over already is no error."""
    path = f"/v1/billing/subscriptions/{pledge.provider_id}"
    if text(ask("GET", path), "status") in ("CANCELLED", "EXPIRED"):
        return
    ask("POST", f"{path}/cancel", {"reason": "At the giver's wish"})


def change(pledge: Pledge, amount_minor: int, back: str) -> str:
    """The address of PayPal's page on which a giver agrees to another amount.

    Nothing is changed before that. PayPal leads back to `back`, with `did=agreed` or `did=kept`.
    Raises Refused or Unavailable.
    """
    path = f"/v1/billing/subscriptions/{pledge.provider_id}"
    asked = {
        "plan_id": text(ask("GET", path), "plan_id"),
        # All of it: what the subscription brought of its own is forgotten by this.
        "plan": monthly(amount_of(amount_minor, pledge.currency)),
        "application_context": {
            **looks(),
            "return_url": f"{back}?did=agreed",
            "cancel_url": f"{back}?did=kept",
        },
    }
    address = links_of(ask("POST", f"{path}/revise", asked)).get("approve")
    if not address:
        raise Refused("PayPal names no page to agree on.")
    return address
