"""The demo's payment service: the official SDK talks to it as it is, and people press buttons."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from fibrosite.demo.checkout.hooks import stripe_signature
from fibrosite.demo.checkout.server import CheckoutServer

SESSION: dict[str, Any] = {
    "mode": "payment",
    "line_items": [
        {
            "price_data": {
                "currency": "usd",
                "unit_amount": 1_000,
                "product_data": {"name": "Gift to <Winter>"},
            },
            "quantity": 1,
        }
    ],
    "success_url": "http://site.example/thanks/{CHECKOUT_SESSION_ID}/",
    "cancel_url": "http://site.example/cancelled/",
    "metadata": {"checkout": "k"},
}


class Site:
    """Takes webhooks, and refuses the first few if told to."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, dict[str, str]]] = []
        self.refuse = 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200
                if site.refuse:
                    site.refuse, status = site.refuse - 1, 500
                else:
                    site.taken.append((body, dict(self.headers)))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.taken]

    def wait_for(self, count: int) -> list[str]:
        end = time.monotonic() + 20
        while len(self.taken) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.types()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def service(site: Site, tmp_path: Path) -> Iterator[CheckoutServer]:
    server = CheckoutServer(site=site.url, file=tmp_path / "payments.json")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def api(service: CheckoutServer) -> stripe.StripeClient:
    return stripe.StripeClient(
        service.url and "sk_test_demo",
        base_addresses={"api": service.url},
        max_network_retries=0,
    )


def press(url: str, button: str, **fields: str) -> requests.Response:
    return requests.post(url, {"press": button, **fields}, allow_redirects=False, timeout=10)


def control(service: CheckoutServer, verb: str, **asked: Any) -> dict:
    answer = requests.post(f"{service.url}/control/{verb}", json=asked, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_gift_by_the_sdk_and_a_press_of_the_button(api, site: Site):
    session = api.v1.checkout.sessions.create(SESSION)
    page = requests.get(session.url, timeout=10).text
    assert "Gift to &lt;Winter&gt;" in page
    assert page.count("<button") == 3
    assert "<script" not in page
    answer = press(session.url, "pay", email="bo@readers.example")
    assert answer.headers["Location"] == f"http://site.example/thanks/{session.id}/"
    assert "checkout.session.completed" in site.wait_for(3)
    paid = api.v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.payment_status) == ("complete", "paid")
    assert press(session.url, "pay").status_code == 410


def test_each_webhook_is_signed_as_the_sdk_checks_it(api, site: Site):
    press(api.v1.checkout.sessions.create(SESSION).url, "pay")
    site.wait_for(3)
    for body, headers in site.taken:
        signature = headers["Stripe-Signature"]
        assert stripe.Webhook.construct_event(body, signature, "whsec_demo").id
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", signature, "whsec_demo")


def test_a_refused_card_leaves_the_page_open_and_the_way_back_pays_nothing(api, site: Site):
    session = api.v1.checkout.sessions.create(SESSION)
    assert "The card was refused" in press(session.url, "fail").text
    assert press(session.url, "cancel").headers["Location"] == SESSION["cancel_url"]
    assert api.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert site.wait_for(1) == ["payment_intent.payment_failed"]


def test_the_same_key_makes_the_same_page(api):
    made = [api.v1.checkout.sessions.create(SESSION, {"idempotency_key": "k"}).id for _ in "ab"]
    assert made[0] == made[1]


def test_what_makes_no_sense_is_refused_as_stripe_does(api, service: CheckoutServer):
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.checkout.sessions.create({**SESSION, "mode": "gift"})
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.refunds.create({"payment_intent": "pi_none"})
    stranger = stripe.StripeClient(
        "sk_test_other", base_addresses={"api": service.url}, max_network_retries=0
    )
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.events.list()


def test_webhooks_come_again_until_they_are_taken(api, site: Site):
    site.refuse = 2
    press(api.v1.checkout.sessions.create(SESSION).url, "pay")
    assert sorted(site.wait_for(3)) == [
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.succeeded",
    ]


def test_webhooks_come_late_twice_and_out_of_order_on_request(api, site: Site, service):
    control(service, "hooks", hold=True, times=2, order="reversed")
    press(api.v1.checkout.sessions.create(SESSION).url, "pay")
    time.sleep(0.5)
    assert site.taken == []
    control(service, "deliver")
    assert site.wait_for(6) == [
        "checkout.session.completed", "checkout.session.completed",
        "payment_intent.succeeded", "payment_intent.succeeded",
        "charge.succeeded", "charge.succeeded",
    ]  # fmt: skip


def test_all_is_still_there_after_a_restart(api, site: Site, tmp_path: Path, service):
    control(service, "hooks", hold=True)
    session = api.v1.checkout.sessions.create(SESSION)
    press(session.url, "pay")
    service.books.save()
    again = CheckoutServer(site=site.url, file=tmp_path / "payments.json")
    again.start()
    try:
        assert again.books.get(session.id)["status"] == "complete"
        assert len(site.wait_for(3)) == 3
    finally:
        again.stop()


def test_disputes_renewals_and_refunds_on_request(api, service: CheckoutServer):
    asked = {**SESSION, "mode": "subscription"}
    asked["line_items"] = [
        {
            "price_data": {
                **SESSION["line_items"][0]["price_data"],
                "recurring": {"interval": "month"},
            },
            "quantity": 1,
        }
    ]
    press(api.v1.checkout.sessions.create(asked).url, "pay")
    [subscription] = api.v1.subscriptions.list().data
    assert control(service, "renew", id=subscription.id)["status"] == "paid"
    assert control(service, "renew", id=subscription.id, paid=False)["status"] == "open"
    row = api.v1.balance_transactions.list({"expand": ["data.source"]}).data[0]
    payment = row.source.payment_intent
    dispute = control(service, "dispute", id=payment)
    assert control(service, "close-dispute", id=dispute["id"], status="lost")["status"] == "lost"
    assert api.v1.refunds.create({"payment_intent": payment, "amount": 300}).amount == 300
    portal = api.v1.billing_portal.sessions.create(
        {"customer": subscription.customer, "return_url": "http://site.example/"}
    )
    assert "Stop this monthly gift" in requests.get(portal.url, timeout=10).text
    requests.post(portal.url, {"stop": subscription.id}, timeout=10)
    assert api.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_while_it_is_broken_both_apis_say_so(api, service: CheckoutServer):
    control(service, "break", broken=True)
    with pytest.raises(stripe.APIError):
        api.v1.events.list()
    assert requests.post(f"{service.url}/v1/oauth2/token", timeout=10).status_code == 503


def test_a_signature_is_of_its_time():
    assert stripe_signature(b"{}", "s", at=1) != stripe_signature(b"{}", "s", at=2)
