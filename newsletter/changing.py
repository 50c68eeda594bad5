"""A subscriber moves to another address: its owner confirms by letter, the old one is told."""

import uuid
from datetime import datetime
from enum import Enum

from django.db import IntegrityError, transaction
from django.db.models import Q

from newsletter import posting, suppressing
from newsletter.models import AddressChange, ConsentEvent, SignUp, Subscriber, same_address
from newsletter.posting import COOL_DOWN, Kind

CHANGES_A_DAY = 3


class Changed(Enum):
    """What came of confirming a new address."""

    DONE = "done"
    TAKEN = "taken"


@transaction.atomic
def ask_change(reader: Subscriber, email: str, *, now: datetime) -> None:
    """Have a letter sent to the address to which a reader wants to move; until it is confirmed
    nothing changes.

    The caller learns nothing of the new address. It gets one such letter a day at most, and one
    reader causes few.
    """
    Subscriber.objects.select_for_update().get(pk=reader.pk)
    lately = reader.changes.filter(asked_at__gt=now - COOL_DOWN).count()
    if reader.email.lower() == email.lower() or lately >= CHANGES_A_DAY:
        return
    if posting.asked_lately(Kind.CHANGE, email, now=now):
        return
    change = AddressChange.objects.create(subscriber=reader, email=email, asked_at=now)
    posting.want(Kind.CHANGE, email, key=change.key, now=now)


def confirm_change(key: uuid.UUID, *, now: datetime) -> Changed | None:
    """Move a subscriber to the new address; None if there is no such change any more.

    TAKEN, and no change, if the address has or had a subscription of its own. Safe to repeat. An
    address that was never to be mailed may be mailed again: its owner pressed the button.
    """
    try:
        with transaction.atomic():
            return _confirm(key, now)
    except IntegrityError:
        # Another subscriber got this address at this very moment.
        return Changed.TAKEN


def _confirm(key: uuid.UUID, now: datetime) -> Changed | None:
    change = AddressChange.objects.select_for_update().filter(key=key).first()
    if change is None:
        return None
    reader = Subscriber.objects.active().select_for_update().filter(pk=change.subscriber_id).first()
    if reader is None:
        return None
    if change.confirmed_at is not None:
        return Changed.DONE if reader.email == change.email else None
    if Subscriber.objects.with_address(change.email).exclude(pk=reader.pk).exists():
        return Changed.TAKEN
    _move(reader, change, now)
    return Changed.DONE


def _move(reader: Subscriber, change: AddressChange, now: datetime) -> None:
    old, reader.email = reader.email, change.email
    reader.save(update_fields=["email"])
    change.confirmed_at = now
    change.save(update_fields=["confirmed_at"])
    reader.changes.filter(confirmed_at=None).delete()
    suppressing.restore(reader.email)
    ConsentEvent.objects.create(
        subscriber=reader,
        kind=ConsentEvent.Kind.CHANGED,
        method=ConsentEvent.Method.PAGE,
        form="preferences",
        asked_at=change.asked_at,
        happened_at=now,
    )
    SignUp.objects.filter(Q(same_address(old)) | Q(same_address(reader.email))).delete()
    for address in (old, reader.email):
        posting.drop(address, list(Kind), reason="the address was changed", now=now)
    posting.want(Kind.CHANGED, old, key=reader.key, now=now)
