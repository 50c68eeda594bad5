"""Reading Stripe's objects, whose fields moved between versions of its API."""

import json
import uuid
from typing import Any

from donations.providers.facts import Person, Unreadable
from donations.providers.reading import clean, key_of, number, part, text
from donations.providers.stripe.client import from_stripe

# What a subscription is when nothing more comes of it.
DEAD = {"canceled", "incomplete_expired"}


def plain(thing: Any) -> Any:
    """An object of the SDK as plain JSON."""
    return json.loads(str(thing)) if not isinstance(thing, dict) else thing


def id_of(thing: Any) -> str:
    """An object's own id. Raises Unreadable."""
    name = text(thing, "id")
    if not name:
        raise Unreadable("The object has no id.")
    return name


def name_of(thing: Any, field: str) -> str:
    """The id in a field that holds an id, or the object itself where it was expanded."""
    return text(thing, field) or text(thing, field, "id")


def rows_of(thing: Any, field: str) -> list[Any]:
    """The objects of a list in a field."""
    rows = part(thing, field).get("data")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def first_item(subscription: Any) -> Any:
    """What a subscription is of; an empty object if it does not say."""
    items = rows_of(subscription, "items")
    return items[0] if items else {}


def money_of(thing: Any, field: str) -> dict[str, Any]:
    """`amount_minor` and `currency` as facts hold them. Raises Unreadable."""
    currency = text(thing, "currency").upper()
    if not currency:
        raise Unreadable("The object has no currency.")
    return {"amount_minor": from_stripe(number(thing, field), currency), "currency": currency}


def payment_names(thing: Any) -> tuple[str, ...]:
    """The names of the payment that an object is about. Raises Unreadable."""
    names = (name_of(thing, "payment_intent"), name_of(thing, "charge"))
    found = tuple(name for name in names if name)
    if not found:
        raise Unreadable("It names no payment.")
    return found


def person_of(thing: Any, field: str) -> Person:
    """Whoever paid, as the object in a field says."""
    who = part(thing, field)
    return Person(
        email=clean(text(who, "email") or text(thing, "customer_email")),
        name=clean(text(who, "name")),
        customer_id=name_of(thing, "customer"),
    )


def pledge_of(invoice: Any) -> str:
    """The subscription of an invoice: its place moved between versions of the API."""
    return (
        text(invoice, "parent", "subscription_details", "subscription")
        or text(invoice, "parent", "subscription_details", "subscription", "id")
        or name_of(invoice, "subscription")
    )


def checkout_of(thing: Any) -> uuid.UUID | None:
    """Our own mark on an object, wherever Stripe keeps it."""
    places = (
        part(thing, "metadata"),
        part(thing, "parent", "subscription_details", "metadata"),
        part(thing, "subscription_details", "metadata"),
        *(part(line, "metadata") for line in rows_of(thing, "lines")),
    )
    for place in places:
        found = key_of(text(place, "checkout"))
        if found:
            return found
    return None
