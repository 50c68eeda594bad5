"""What our keys allow at PayPal, and how it is asked."""

import json
import time
from functools import cache
from typing import Any

import urllib3
from django.conf import settings

from donations.providers.facts import Refused, Unavailable
from donations.providers.reading import text

TIMEOUT = urllib3.Timeout(connect=3, read=10)
# What PayPal takes, less those whose decimals it does not.
CURRENCIES = frozenset(
    {"AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "JPY", "MXN", "MYR"}
    | {"NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "USD"}
)
# Asked for this long before it ends.
_EARLY_SECONDS = 60


class _TokenOver(Unavailable):
    """The token is not taken: it ended early, or was taken back."""


def can_take(currency: str) -> bool:
    # Without its reports no gift would ever be booked.
    return can_listen() and currency in CURRENCIES


def can_listen() -> bool:
    return bool(settings.PAYPAL_CLIENT_ID and settings.PAYPAL_WEBHOOK_ID)


def is_live() -> bool:
    return "sandbox" not in settings.PAYPAL_API_BASE and "127.0.0.1" not in settings.PAYPAL_API_BASE


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=TIMEOUT, retries=False)


_tokens: dict[str, tuple[str, float]] = {}


def _place() -> str:
    """Where the kept token is good."""
    return f"{settings.PAYPAL_API_BASE} {settings.PAYPAL_CLIENT_ID}"


def _access_token() -> str:
    """A token of the API, kept while it lasts."""
    token, until = _tokens.get(_place(), ("", 0.0))
    if time.monotonic() < until:
        return token
    pair = f"{settings.PAYPAL_CLIENT_ID}:{settings.PAYPAL_CLIENT_SECRET}"
    headers = urllib3.make_headers(basic_auth=pair)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = _send("POST", "/v1/oauth2/token", b"grant_type=client_credentials", headers)
    token = text(answer, "access_token")
    lasts = int(answer.get("expires_in") or 0) - _EARLY_SECONDS
    _tokens[_place()] = (token, time.monotonic() + lasts)
    return token


def ask(method: str, path: str, asked: Any = None, *, key: str = "") -> dict[str, Any]:
    """PayPal's answer. `key` makes asking twice the same as asking once.

    Raises Refused where it says no, Unavailable where it cannot be asked now.
    """
    body = asked if isinstance(asked, bytes) else json.dumps(asked or {}).encode()
    sent = None if method == "GET" else body
    kept = _access_token()
    try:
        return _send(method, path, sent, _headers(kept, key))
    except _TokenOver:
        # Taken back before its time, as after a change of keys: a new one may do.
        _tokens.pop(_place(), None)
        return _send(method, path, sent, _headers(_access_token(), key))


def _headers(token: str, key: str) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Prefer": "return=representation",
    }
    return {**headers, "PayPal-Request-Id": key} if key else headers


def _send(method: str, path: str, body: bytes | None, headers: Any) -> dict[str, Any]:
    url = f"{settings.PAYPAL_API_BASE}{path}"
    try:
        answer = _pool().request(method, url, body=body, headers=headers)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"PayPal: {error}") from error
    try:
        found = json.loads(answer.data or b"{}")
    except ValueError:
        found = {}
    if answer.status == 401:
        raise _TokenOver("PayPal answered 401.")
    if answer.status in (400, 404, 409, 422):
        raise Refused(_why(found) or f"PayPal answered {answer.status}.")
    if not 200 <= answer.status < 300:
        raise Unavailable(f"PayPal answered {answer.status}.")
    return found if isinstance(found, dict) else {}


def _why(answer: Any) -> str:
    details = answer.get("details") if isinstance(answer, dict) else None
    issues = [text(one, "issue") for one in details or [] if isinstance(one, dict)]
    return ", ".join(filter(None, issues)) or text(answer, "message")
