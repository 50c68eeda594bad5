"""One HTTP server for both APIs, the pages, and what tests may ask for."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from fibrosite.demo.checkout import pages
from fibrosite.demo.checkout.books import Books, Missing, Refused, Thing
from fibrosite.demo.checkout.hooks import Hooks, Manner
from fibrosite.demo.checkout.paypal import PayPal
from fibrosite.demo.checkout.paypal_forms import money, price_of
from fibrosite.demo.checkout.stripe import Stripe, nested

HOST = "127.0.0.1"
MOST_BYTES = 1_000_000
SOMEBODY = "giver@readers.example"
PAYPAL_PATHS = (
    "/v1/oauth2/", "/v2/checkout/", "/v2/payments/", "/v1/payments/", "/v1/catalogs/",
    "/v1/billing/", "/v1/reporting/", "/v1/notifications/",
)  # fmt: skip


class CheckoutServer(ThreadingHTTPServer):
    """The payment service at one port. `start` and `stop` for tests; `serve_forever` for the demo.

    Nothing stops it from being asked many things at once; the books are locked.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int = 0,
        *,
        site: str,
        file: Path | None = None,
        stripe_key: str = "sk_test_demo",
        stripe_secret: str = "whsec_demo",
        paypal_webhook_id: str = "demo",
    ) -> None:
        super().__init__((HOST, port), Handler)
        self.stripe_key = stripe_key
        self.books = Books(file)
        self.hooks = Hooks(self.books, site, stripe_secret, paypal_webhook_id)
        self.stripe = Stripe(self.books, self.hooks)
        self.paypal = PayPal(self.books, self.hooks)
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"

    def start(self) -> None:
        """Serve in a thread, and send webhooks in another."""
        self.hooks.start()
        # Asked often whether to end, so that tests do not wait for it.
        serve = {"poll_interval": 0.05}
        threading.Thread(target=self.serve_forever, kwargs=serve, daemon=True).start()

    def stop(self) -> None:
        self.hooks.stop()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Reads a request, finds who answers it, writes the answer."""

    server: CheckoutServer
    protocol_version = "HTTP/1.1"
    # Without it each small answer waits for the client's acknowledgement of its head.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:
        return

    def _answer(self) -> None:
        self.url = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(min(size, MOST_BYTES))
        try:
            self._dispatch()
        except Missing as error:
            self._fail(404, str(error.args[0]), "resource_missing")
        except (Refused, KeyError, ValueError) as error:
            self._fail(400 if self._is_stripe() else 422, str(error), "refused")

    def _is_stripe(self) -> bool:
        path = self.url.path
        # Both services have a /v1/billing...: Stripe's has an underscore.
        return path.startswith("/v1/") and not path.startswith(PAYPAL_PATHS)

    def _dispatch(self) -> None:
        if self.url.path.startswith("/control/"):
            self._control(self.url.path.removeprefix("/control/"))
        elif self.server.broken:
            self._fail(503, "The service is away.", "api_error")
        elif self._is_stripe():
            self._stripe()
        elif self.url.path.startswith(PAYPAL_PATHS):
            self._paypal()
        else:
            self._page()

    def _here(self) -> str:
        return f"http://{self.headers.get('Host', self.server.url.removeprefix('http://'))}"

    # The two APIs

    def _stripe(self) -> None:
        if self.headers.get("Authorization", "") != f"Bearer {self.server.stripe_key}":
            self._fail(401, "Invalid API Key provided", "invalid_request_error")
            return
        pairs = parse_qsl(self.url.query) + parse_qsl(self.body.decode(), keep_blank_values=True)
        key = self.headers.get("Idempotency-Key", "") if self.command == "POST" else ""
        form = nested(pairs)
        self._json(
            self.server.stripe.answer(self.command, self.url.path, form, key=key, here=self._here())
        )

    def _paypal(self) -> None:
        query = {name: values[0] for name, values in parse_qs(self.url.query).items()}
        is_form = "urlencoded" in self.headers.get("Content-Type", "")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.url.path != "/v1/oauth2/token" and token not in self.server.paypal.tokens:
            self._fail(401, "Authentication failed.", "invalid_token")
            return
        given = self.server.paypal.answer(
            self.command,
            self.url.path,
            b"" if is_form else self.body,
            query,
            key=self.headers.get("PayPal-Request-Id", ""),
            here=self._here(),
        )
        self._json(given, status=201 if self.command == "POST" and "id" in given else 200)

    # What people see

    def _page(self) -> None:
        form = {name: values[0] for name, values in parse_qs(self.body.decode()).items()}
        query = {name: values[0] for name, values in parse_qs(self.url.query).items()}
        token = query.get("token", "")
        parts = self.url.path.strip("/").split("/")
        match parts:
            case ["pay", name]:
                self._stripe_page(name, form)
            case ["checkoutnow"]:
                self._order_page(token, form)
            case ["subscribe"]:
                self._subscribe_page(token, form)
            case ["subscribe", "update"]:
                self._revise_page(query.get("ba_token", ""), form)
            case ["portal", name]:
                self._portal_page(name, form)
            case _:
                raise Missing(self.url.path)

    def _stripe_page(self, name: str, form: dict[str, str]) -> None:
        session = self.server.books.get(name, "checkout.session")
        amount = pages.money_text(session["amount_total"], session["currency"])
        item = next(iter(session["asked_for"]["line_items"].values()))["price_data"]
        shown: dict[str, str] = {
            "what": item["product_data"]["name"],
            "amount": f"{amount} each month" if session["mode"] == "subscription" else amount,
            "email": form.get("email") or session["customer_email"] or "",
            "words": session["custom_text"].get("submit", {}).get("message", ""),
        }
        if session["status"] != "open":
            self._html(pages.page("This page was used already", ""), status=410)
        elif form.get("press") == "pay":
            email = form.get("email") or session["customer_email"] or SOMEBODY
            self.server.stripe.pay(name, email=email, person=form.get("person", ""))
            self._redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", name))
        elif form.get("press") == "later":
            email = form.get("email") or SOMEBODY
            self.server.stripe.pay_later(name, email=email, person="")
            self._redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", name))
        elif form.get("press") == "fail":
            self.server.stripe.refuse_card(name)
            error = "The card was refused. Nothing was paid. Another card may work."
            self._html(pages.pay_page(**shown, error=error))
        elif form.get("press") == "cancel":
            self._redirect(session["cancel_url"])
        else:
            self._html(pages.pay_page(**shown))

    def _order_page(self, name: str, form: dict[str, str]) -> None:
        order = self.server.books.get(name, "order")
        unit = order["purchase_units"][0]
        way = order["asked_for"]["payment_source"]["paypal"]["experience_context"]
        item = unit["items"][0] if unit.get("items") else unit
        self._paypal_page(order, unit["amount"], item, way, form)

    def _subscribe_page(self, name: str, form: dict[str, str]) -> None:
        subscription = self.server.books.get(name, "subscription-paypal")
        way = subscription["asked_for"]["application_context"]
        plan = self.server.books.get(subscription["plan_id"], "plan-paypal")
        self._paypal_page(subscription, subscription["price"], plan, way, form)

    def _revise_page(self, name: str, form: dict[str, str]) -> None:
        revision = self.server.books.get(name, "revision-paypal")
        way, price = revision["way"], price_of(revision["cycles"])
        plan = self.server.books.get(revision["plan_id"], "plan-paypal")
        if form.get("press") == "cancel":
            self._redirect(way["cancel_url"])
        elif form.get("press") == "agree":
            self.server.paypal.agree(name)
            more = urlencode({"subscription_id": revision["subscription"], "ba_token": name})
            self._redirect(f"{way['return_url']}&{more}")
        else:
            amount = f"{price['value']} {price['currency_code']} each month"
            self._html(pages.agree_page(what=plan["name"], amount=amount))

    def _paypal_page(
        self, thing: Thing, amount: Thing, item: Thing, way: Thing, form: dict[str, str]
    ) -> None:
        """PayPal shows the name of an item (of a plan) and, under it, its description."""
        what, words = item.get("name", ""), item.get("description", "")
        often = "" if thing["object"] == "order" else " each month"
        text = f"{money(amount)['value']} {money(amount)['currency_code']}{often}"
        if form.get("press") == "cancel":
            self._redirect(way["cancel_url"])
        elif form.get("press") == "pay":
            email = form.get("email") or SOMEBODY
            if thing["object"] == "order":
                self.server.paypal.approve(thing["id"], email=email)
            else:
                self.server.paypal.begin(thing["id"], email=email)
            more = urlencode({"token": thing["id"]})
            self._redirect(f"{way['return_url']}?{more}")
        else:
            error = "That was refused. Nothing was paid." if form.get("press") == "fail" else ""
            shown = {"what": what, "words": words, "amount": text, "email": ""}
            self._html(pages.pay_page(**shown, error=error))

    def _portal_page(self, name: str, form: dict[str, str]) -> None:
        session = self.server.books.get(name, "billing_portal.session")
        if form.get("stop"):
            path = f"/v1/subscriptions/{form['stop']}"
            self.server.stripe.answer("DELETE", path, {}, key="", here=self._here())
        running = [
            one
            for one in self.server.books.of("subscription")
            if one["customer"] == session["customer"] and one["status"] != "canceled"
        ]
        self._html(pages.portal_page(running, session["return_url"]))

    # What tests and the curious may ask for

    def _control(self, verb: str) -> None:
        """A JSON object in, a JSON object out; `hooks` sets how webhooks are sent."""
        asked = json.loads(self.body or b"{}")
        stripe = self.server.stripe
        verbs: dict[str, Callable[[], Any]] = {
            "hooks": lambda: self._set_manner(asked),
            "deliver": self.server.hooks.send_due,
            "break": lambda: setattr(self.server, "broken", bool(asked.get("broken"))),
            "renew": lambda: self._renew(asked["id"], paid=asked.get("paid", True)),
            "arrive": lambda: stripe.arrive(asked["id"], arrives=asked.get("arrives", True)),
            "dispute": lambda: self._of(asked["id"]).dispute(asked["id"]),
            "close-dispute": lambda: self._of(asked["id"]).close_dispute(
                asked["id"], asked["status"]
            ),
            "state": self._state,
        }
        if verb not in verbs:
            raise Missing(verb)
        self._json(verbs[verb]() or {})

    def _set_manner(self, asked: Thing) -> None:
        self.server.hooks.manner = Manner(**asked)
        self.server.hooks.woken.set()

    def _of(self, name: str) -> Stripe | PayPal:
        """The service whose payment or dispute this is: Stripe's have an underscore."""
        return self.server.stripe if "_" in name else self.server.paypal

    def _renew(self, name: str, *, paid: bool) -> Thing:
        if name.startswith("sub_"):
            return self.server.stripe.renew(name, paid=paid)
        return self.server.paypal.renew(name, paid=paid)

    def _state(self) -> Thing:
        books = self.server.books
        objects = list(books.objects.values())
        return {"objects": objects, "events": books.events, "unsent": books.unsent}

    # Answers

    def _json(self, thing: Any, *, status: int = 200) -> None:
        if isinstance(thing, dict):
            thing = {name: value for name, value in thing.items() if name != "asked_for"}
        self._send(status, json.dumps(thing).encode(), "application/json")

    def _html(self, text: str, *, status: int = 200) -> None:
        self._send(status, text.encode(), "text/html; charset=utf-8")

    def _redirect(self, url: str) -> None:
        self._send(303, b"", "text/plain", Location=url)

    def _fail(self, status: int, words: str, code: str) -> None:
        kind = "api_error" if status >= 500 else "invalid_request_error"
        error = {"error": {"message": words, "type": kind, "code": code}}
        # PayPal's errors have a name and details instead.
        other = {"name": words, "message": words, "details": [{"issue": words}]}
        self._json({**error, **other}, status=status)

    def _send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
