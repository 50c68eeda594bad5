"""Stopping monthly gifts, and leaving nothing that leads to who gave."""

import json
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q

from donations import posting
from donations.models import Checkout, Donation, Donor, GiftLetter, PaymentEvent, Pledge
from donations.providers import NAMES, provider

_GONE = "(erased)"
# Where reports say more of a person than we read.
_PERSONAL = frozenset(
    {"address", "customer_address", "customer_name", "customer_phone", "full_name", "given_name"}
    | {"phone", "phone_number", "postal_code", "shipping", "surname"}
)


def stop(pledge: Pledge, *, now: datetime) -> None:
    """End a monthly gift at its provider and here. Raises Unavailable or Refused."""
    if pledge.provider in NAMES:
        provider(pledge.provider).stop(pledge)
    with transaction.atomic():
        found = Pledge.objects.select_for_update().get(pk=pledge.pk)
        found.ended_at = found.ended_at or now
        found.state = Pledge.State.CANCELLED
        found.save(update_fields=["ended_at", "state"])
        posting.want_stopped(found, now=now)


def erase(donor: Donor, *, now: datetime) -> None:
    """Erase a giver's name, address and words everywhere; the sums stay.

    Monthly gifts are stopped first. Raises Unavailable or Refused, and then erases nothing.
    """
    for pledge in donor.pledges.exclude(state=Pledge.State.CANCELLED):
        stop(pledge, now=now)
    with transaction.atomic():
        found = Donor.objects.select_for_update().get(pk=donor.pk)
        _erase_events(found)
        _erase_log(found)
        posting.drop_all(found, now=now)
        GiftLetter.objects.filter(email__iexact=found.email).update(email="")
        _erase_rows(found)
        found.email, found.name, found.erased_at = "", "", now
        found.save(update_fields=["email", "name", "erased_at"])


def _erase_rows(donor: Donor) -> None:
    nameless = {"show_name": False, "name_shown": ""}
    Donation.objects.filter(donor=donor).update(message="", note="", **nameless)
    Pledge.objects.filter(donor=donor).update(**nameless)
    # Pages that were never paid on have no giver yet.
    theirs = Q(donor=donor) | (Q(email__iexact=donor.email) & ~Q(email=""))
    Checkout.objects.filter(theirs).update(email="", name="", message="", show_name=False)


def _erase_log(donor: Donor) -> None:
    """What the desk noted of them by name."""
    rows = LogEntry.objects.filter(content_type__app_label="donations", object_id=str(donor.pk))
    rows.filter(content_type__model="donor").update(object_repr=_GONE)


def _erase_events(donor: Donor) -> None:
    """Take the name and address out of the stored reports; they stay readable for a replay."""
    if not donor.email:
        return
    for event in PaymentEvent.objects.filter(body__icontains=donor.email):
        event.body = json.dumps(_without(json.loads(event.body), donor))
        event.save(update_fields=["body"])


def _without(thing: Any, donor: Donor) -> Any:
    """JSON without the texts that name a giver. Keys stay, and words that hold a short name."""
    if isinstance(thing, dict):
        return {
            key: _GONE if value and key in _PERSONAL else _without(value, donor)
            for key, value in thing.items()
        }
    if isinstance(thing, list):
        return [_without(value, donor) for value in thing]
    if not isinstance(thing, str):
        return thing
    told = " ".join(thing.casefold().split())
    is_name = donor.name and told == donor.name.casefold()
    return _GONE if is_name or donor.email.casefold() in told else thing
