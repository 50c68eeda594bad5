"""Payment providers: how a gift is started there, and what their reports mean in our words."""

from datetime import datetime
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings

from donations.models import Checkout, Donation, PaymentEvent, Pledge
from donations.providers.facts import Notice, Told

NAMES = ("stripe", "paypal")
LABELS = {"stripe": "card", "paypal": "PayPal"}


class Provider(Protocol):
    """What a module of this package offers."""

    def can_take(self, currency: str) -> bool:
        """Whether gifts in this currency can be started: its keys are set."""

    def can_listen(self) -> bool:
        """Whether its reports can be checked: the webhook's secret is set."""

    def is_live(self) -> bool:
        """Whether its keys move real money."""

    def start(self, checkout: Checkout) -> str:
        """The address at which the giver pays. Raises Unavailable; asks again for the same row."""

    def verify(self, body: bytes, headers: dict[str, str]) -> Notice:
        """The report in a request. Raises Forged, or Unavailable where it cannot be checked now."""

    def read(self, event: PaymentEvent) -> Told:
        """What a stored report says. Raises Unavailable where it has to be asked for more."""

    def refund(self, donation: Donation, amount_minor: int, *, key: str) -> None:
        """Give back a part of a gift. Raises Unavailable or Refused."""

    def stop(self, pledge: Pledge) -> None:
        """End a monthly gift now. Raises Unavailable."""

    def missed(self, since: datetime) -> list[Notice]:
        """The provider's list of its reports since then. Raises Unavailable."""


def provider(name: str) -> Provider:
    """The module of a provider. Imported late: the parts that need no provider start sooner."""
    if name not in NAMES:
        raise LookupError(name)
    return cast(Provider, import_module(f"donations.providers.{name}"))


def is_test(name: str, livemode: bool | None = None) -> bool:
    """Whether a payment is none of real money, and so must not count.

    `livemode` is what the provider says of the payment; without it its keys tell. Where
    TEST_GIFTS_COUNT is set, as in the demo, every payment is taken for real.
    """
    is_live = provider(name).is_live() if livemode is None else livemode
    return not is_live and not settings.TEST_GIFTS_COUNT


def taking(currency: str) -> list[str]:
    """The names of the providers through which gifts in this currency can be given now."""
    return [name for name in NAMES if provider(name).can_take(currency)]
