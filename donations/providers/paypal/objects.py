"""Amounts, times and words as PayPal takes them, and reading its amounts."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from donations.providers.facts import Unreadable
from donations.providers.reading import part, text
from fibrosite.lib.money import exponent, to_minor

# PayPal's own limit for the names and descriptions of items, orders and plans.
LONGEST = 127


def amount_of(minor: int, currency: str) -> dict[str, str]:
    """An amount of ours as PayPal takes it."""
    value = Decimal(minor).scaleb(-exponent(currency))
    return {"currency_code": currency, "value": f"{value:.{exponent(currency)}f}"}


def money_of(thing: Any, field: str) -> dict[str, Any]:
    """`amount_minor` and `currency` as facts hold them, of either of PayPal's forms.

    Raises Unreadable.
    """
    amount = part(thing, field)
    currency = text(amount, "currency_code") or text(amount, "currency")
    value = text(amount, "value") or text(amount, "total")
    if not currency or not value:
        raise Unreadable(f"{field} is no amount.")
    return {"amount_minor": abs(minor_of(value, currency)), "currency": currency}


def minor_of(value: str, currency: str) -> int:
    """An amount in minor units. Raises Unreadable."""
    try:
        return to_minor(_decimal(value), currency)
    except ValueError as error:
        raise Unreadable(str(error)) from error


def _decimal(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise Unreadable(f"{value!r} is no amount.") from error


def links_of(answer: Any) -> dict[str, str]:
    """Where an answer leads on to, by what each address is for."""
    return {text(link, "rel"): text(link, "href") for link in answer.get("links") or []}


def stamp(at: datetime) -> str:
    """An instant as PayPal writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fitted(words: str, longest: int = LONGEST) -> str:
    """Words in at most so many bytes, cut at the end of a word.

    Bytes, since PayPal counts what is not ASCII for more than one.
    """
    words = " ".join(words.split())
    if len(words.encode()) <= longest:
        return words
    kept = words.encode()[: longest - len("…".encode())].decode(errors="ignore")
    if not words[len(kept)].isspace():
        kept = kept.rpartition(" ")[0] or kept
    return f"{kept.rstrip(' ,;:.-')}…"
