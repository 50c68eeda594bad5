"""Stripe: hosted checkout by the official SDK, and what its events say."""

from donations.providers.stripe.books import book_rows, facts_of_row
from donations.providers.stripe.client import can_listen, can_take, is_live
from donations.providers.stripe.doing import change, portal, refund, stop
from donations.providers.stripe.listening import missed, verify
from donations.providers.stripe.starting import start
from donations.providers.stripe.telling import read

__all__ = [
    "book_rows",
    "can_listen",
    "can_take",
    "change",
    "facts_of_row",
    "is_live",
    "missed",
    "portal",
    "read",
    "refund",
    "start",
    "stop",
    "verify",
]
