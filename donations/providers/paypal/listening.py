"""Which reports are PayPal's: it is asked about each; and its own list of them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from donations.providers.facts import Denied, Forged, Notice, Refused
from donations.providers.paypal.client import ask, is_live
from donations.providers.paypal.objects import links_of, stamp
from donations.providers.paypal.telling import READERS
from donations.providers.reading import moment, text

# PayPal repeats a report for three days, with the time of the first try.
TOLERANCE = timedelta(days=4)
# No field of its signature is longer.
LONGEST = 500
_SIGNED = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}


def verify(body: bytes, headers: dict[str, str]) -> Notice:
    """The report in a request, which PayPal itself is asked about.

    Raises Forged for what is plainly not PayPal's, unasked; Denied where PayPal says so;
    Unavailable where it cannot be asked.
    """
    signed = _signature(headers)
    notice = _notice(body)
    # The event goes along byte for byte: written anew, its checksum would not fit.
    head = json.dumps({**signed, "webhook_id": settings.PAYPAL_WEBHOOK_ID})[:-1].encode()
    question = head + b', "webhook_event":' + body + b"}"
    try:
        answer = ask("POST", "/v1/notifications/verify-webhook-signature", question)
    except Refused as error:
        raise Denied(str(error)) from error
    if text(answer, "verification_status") != "SUCCESS":
        raise Denied("The signature does not fit.")
    return notice


def _signature(headers: dict[str, str]) -> dict[str, str]:
    """What PayPal signed by, as far as that can be seen without asking. Raises Forged."""
    signed = {name: headers.get(header, "") for name, header in _SIGNED.items()}
    sent_at = moment(signed["transmission_time"])
    if not all(signed.values()) or sent_at is None:
        raise Forged("It is not signed.")
    if any(len(value) > LONGEST for value in signed.values()):
        raise Forged("The signature is no signature.")
    if not _is_paypals(signed["cert_url"]):
        raise Forged("The certificate is not PayPal's.")
    if abs(datetime.now(UTC) - sent_at) > TOLERANCE:
        raise Forged("The signature is too old.")
    return signed


def _is_paypals(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and f".{parts.hostname}".endswith(".paypal.com")
    except ValueError:
        return False


def _notice(body: bytes) -> Notice:
    try:
        event = json.loads(body)
        name, kind = text(event, "id"), text(event, "event_type")
        words = body.decode()
    except (ValueError, RecursionError) as error:
        raise Forged("This is no event.") from error
    if not name or not kind:
        raise Forged("This is no event.")
    return Notice(
        event_id=name[:255],
        type=kind[:100],
        # PayPal does not say: its two worlds have different keys and webhooks.
        livemode=is_live(),
        happened_at=moment(event.get("create_time")),
        body=words,
    )


def missed(since: datetime) -> list[Notice]:
    """PayPal's list of the events since then that mean something to us."""
    query = urlencode({"start_time": stamp(since), "page_size": 300})
    path = f"/v1/notifications/webhooks-events?{query}"
    rows: list[Any] = []
    while path:
        answer = ask("GET", path)
        found = answer.get("events") or []
        rows += found
        path = _next_page(answer) if found else ""
    wanted = [row for row in rows if text(row, "event_type") in READERS]
    return [_notice(json.dumps(row).encode()) for row in reversed(wanted)]


def _next_page(answer: Any) -> str:
    """Where a list goes on; "" at its end."""
    parts = urlsplit(links_of(answer).get("next", ""))
    return f"{parts.path}?{parts.query}" if parts.query else ""
