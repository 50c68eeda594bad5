"""What tests do at the payment service, and how its reports come to the site."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from donations.models import Checkout, Donation, Drive, PaymentEvent
from donations.providers import acting, provider
from fibrosite.demo.checkout.hooks import paypal_headers, stripe_signature
from fibrosite.demo.checkout.server import CheckoutServer

Event = dict[str, Any]
GIVER = "giver@readers.example"


def post_event(event: Event, *, secret: str = "whsec_demo", at: float | None = None) -> Any:
    """Post one event as Stripe does."""
    body = json.dumps(event).encode()
    signed = {"Stripe-Signature": stripe_signature(body, secret, at=at)}
    return Client().post("/webhooks/stripe/", body, content_type="application/json", headers=signed)


def post_paypal(event: Event, *, webhook_id: str = "demo", at: float | None = None) -> Any:
    """Post one event as PayPal does."""
    body = json.dumps(event).encode()
    signed = paypal_headers(body, webhook_id, at=at)
    return Client().post("/webhooks/paypal/", body, content_type="application/json", headers=signed)


def handle_all() -> None:
    """Handle what is stored, as a worker does."""
    events = PaymentEvent.objects.filter(handled_at=None).order_by("pk")
    acting.handle_all(events.values_list("pk", flat=True), now=timezone.now())


@dataclass
class Till:
    """The payment service as a test uses it."""

    server: CheckoutServer
    told: int = field(default=0)

    def events(self) -> list[Event]:
        """The reports that were not handed over yet, as they were made."""
        fresh = self.server.books.events[self.told :]
        self.told = len(self.server.books.events)
        return fresh

    def tell(self, events: list[Event] | None = None) -> None:
        """Hand over reports (all that are new) and have them handled, one after the other."""
        for event in self.events() if events is None else events:
            answer: HttpResponse = post_event(event) if "type" in event else post_paypal(event)
            assert answer.status_code == 200, answer.content
            handle_all()

    def opened(self, way: str = "stripe", *, drive: Drive | None = None, **fields: Any) -> Checkout:
        """A checkout whose page is open."""
        defaults = {"amount_minor": 1_000, "currency": "USD", "provider": way}
        checkout = Checkout.objects.create(drive=drive, **{**defaults, **fields})
        checkout.url = provider(way).start(checkout)
        checkout.save()
        return checkout

    def pays(self, checkout: Checkout, *, email: str = GIVER, person: str = "") -> None:
        """The giver presses "pay"."""
        session = checkout.provider_session_id
        if checkout.provider == "stripe":
            self.server.stripe.pay(session, email=email, person=person)
        elif checkout.monthly:
            self.server.paypal.begin(session, email=email)
        else:
            self.server.paypal.approve(session, email=email)

    def gift(self, way: str = "stripe", *, drive: Drive | None = None, **fields: Any) -> Donation:
        """A gift that was paid and told of."""
        checkout = self.opened(way, drive=drive, **fields)
        self.pays(checkout)
        self.tell()
        return Donation.objects.get(checkout=checkout)

    def named(self, kind: str) -> str:
        """The newest object of a kind."""
        return str(self.server.books.of(kind)[0]["id"])
