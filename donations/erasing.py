"""Stopping monthly gifts, and leaving nothing that leads to who gave."""

import re
from datetime import datetime

from django.db import transaction

from donations import posting
from donations.models import Checkout, Donation, Donor, GiftLetter, PaymentEvent, Pledge
from donations.providers import NAMES, provider

_GONE = "(erased)"


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
        posting.drop_all(found, now=now)
        GiftLetter.objects.filter(email__iexact=found.email).update(email="")
        _erase_rows(found)
        found.email, found.name, found.erased_at = "", "", now
        found.save(update_fields=["email", "name", "erased_at"])


def _erase_rows(donor: Donor) -> None:
    nameless = {"show_name": False, "name_shown": ""}
    Donation.objects.filter(donor=donor).update(message="", note="", **nameless)
    Pledge.objects.filter(donor=donor).update(**nameless)
    Checkout.objects.filter(donor=donor).update(email="", name="", message="", show_name=False)


def _erase_events(donor: Donor) -> None:
    """Take the name and address out of the stored reports; they stay readable for a replay."""
    words = [word for word in (donor.email, donor.name) if word]
    if not donor.email:
        return
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    for event in PaymentEvent.objects.filter(body__icontains=donor.email):
        event.body = pattern.sub(_GONE, event.body)
        event.save(update_fields=["body"])
