"""The official SDK's client, what our keys allow, and Stripe's own minor units.

The SDK is imported inside functions: most processes never need it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings

from donations.providers.facts import Refused, Unavailable
from fibrosite.lib.money import exponent

if TYPE_CHECKING:
    from stripe import StripeClient

TIMEOUT_SECONDS = 10
# Stripe counts in hundredths where the currency has none any more.
_OTHER_EXPONENTS = {"ISK": 2}


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
