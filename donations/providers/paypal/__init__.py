"""PayPal: orders and subscriptions by a small client, and what its events say."""

from donations.providers.paypal.books import book_rows, facts_of_row
from donations.providers.paypal.client import can_listen, can_take, is_live
from donations.providers.paypal.doing import change, refund, stop
from donations.providers.paypal.listening import missed, verify
from donations.providers.paypal.starting import start
from donations.providers.paypal.taking import collect
from donations.providers.paypal.telling import read

__all__ = [
    "book_rows",
    "can_listen",
    "can_take",
    "change",
    "collect",
    "facts_of_row",
    "is_live",
    "missed",
    "read",
    "refund",
    "start",
    "stop",
    "verify",
]
