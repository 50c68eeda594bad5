"""Signed webhooks, sent by a thread with retries; on request late, twice and out of order."""

import hashlib
import hmac
import json
import random
import threading
import time
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass, field
from typing import Any

from fibrosite.demo.checkout.books import Books, Thing

TIMEOUT_SECONDS = 10
PAUSES = (0.5, 1, 2, 4, 8, 15, 30, 60)
PAYPAL_SIGNER = b"the demo's PayPal"


def stripe_signature(body: bytes, secret: str, *, at: float | None = None) -> str:
    """The Stripe-Signature header for a body."""
    stamp = int(time.time() if at is None else at)
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    return f"t={stamp},v1={signed.hexdigest()}"


def paypal_headers(body: bytes, webhook_id: str, *, at: float | None = None) -> dict[str, str]:
    """The headers that PayPal sends with a body. The demo's signature is a keyed hash."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    name = hashlib.sha256(body).hexdigest()[:32]
    return {
        "Paypal-Auth-Algo": "SHA256withRSA",
        "Paypal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/demo",
        "Paypal-Transmission-Id": name,
        "Paypal-Transmission-Time": stamp,
        "Paypal-Transmission-Sig": paypal_signature(body, name, stamp, webhook_id),
    }


def paypal_signature(body: bytes, name: str, stamp: str, webhook_id: str) -> str:
    """What PayPal signs: id, time, webhook and the checksum of the body."""
    words = f"{name}|{stamp}|{webhook_id}|{zlib.crc32(body)}"
    return hmac.new(PAYPAL_SIGNER, words.encode(), hashlib.sha256).hexdigest()


@dataclass
class Manner:
    """How webhooks are sent: kept back until released, how often each, in which order."""

    hold: bool = False
    times: int = 1
    order: str = "as-made"

    def arrange(self, names: list[str]) -> list[str]:
        """The events to send now, in the order to send them."""
        named = [name for name in names for _ in range(self.times)]
        if self.order == "reversed":
            named.reverse()
        elif self.order == "shuffled":
            random.shuffle(named)
        return named


@dataclass
class Hooks:
    """Sends the events of the books to the site until it answers 2xx to each."""

    books: Books
    site: str
    stripe_secret: str
    paypal_webhook_id: str
    manner: Manner = field(default_factory=Manner)

    def __post_init__(self) -> None:
        self.woken = threading.Event()
        self.ended = threading.Event()
        self.tries: dict[str, int] = {}
        self.due: dict[str, float] = {}
        self.thread = threading.Thread(target=self._run, daemon=True, name="webhooks")

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.ended.set()
        self.woken.set()

    def tell(self, event: Thing) -> None:
        """Have an event sent, after those that were made before it."""
        with self.books.lock:
            self.books.events.append(event)
            self.books.unsent.append(event["id"])
        self.woken.set()

    def _run(self) -> None:
        while not self.ended.is_set():
            self.woken.wait(0.2)
            self.woken.clear()
            if not self.manner.hold:
                self.send_due()

    def send_due(self) -> None:
        """Send what is due, once; what is not taken waits for its next try."""
        now = time.monotonic()
        with self.books.lock:
            names = [name for name in self.books.unsent if self.due.get(name, 0) <= now]
        for name in self.manner.arrange(names):
            self._settle(name, taken=self._send(name))

    def _settle(self, name: str, *, taken: bool) -> None:
        with self.books.lock:
            number = self.tries.get(name, 0)
            if taken or number >= len(PAUSES):
                if name in self.books.unsent:
                    self.books.unsent.remove(name)
            else:
                self.tries[name] = number + 1
                self.due[name] = time.monotonic() + PAUSES[number]
        self.books.save()

    def _send(self, name: str) -> bool:
        event = next(event for event in self.books.events if event["id"] == name)
        body = json.dumps(event).encode()
        if event.get("object") == "event":
            path = "/webhooks/stripe/"
            headers = {"Stripe-Signature": stripe_signature(body, self.stripe_secret)}
        else:
            path = "/webhooks/paypal/"
            headers = paypal_headers(body, self.paypal_webhook_id)
        return post(self.site + path, body, headers)


def post(url: str, body: bytes, headers: dict[str, Any]) -> bool:
    """Post JSON; whether the answer was 2xx."""
    request = urllib.request.Request(
        url, data=body, headers={"Content-Type": "application/json", **headers}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return 200 <= answer.status < 300
    except (urllib.error.URLError, OSError) as error:
        print(f"a webhook was not taken: {error}", flush=True)
        return False
