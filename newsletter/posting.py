"""The outbox of letters to one person: what is wanted is a row until the mail server took it."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import QuerySet

from newsletter.models import Letter, same_address

Kind = Letter.Kind

COOL_DOWN = timedelta(hours=24)
# What asks an address to confirm: of no use once it has.
TO_CONFIRM = (Kind.CONFIRM, Kind.REMIND)


def want(kind: Letter.Kind, email: str, *, key: uuid.UUID, now: datetime) -> Letter:
    """Have a letter sent to this address; one of its kind that still waits is outdated by it."""
    drop(email, [kind], reason="asked for anew", now=now)
    return Letter.objects.create(kind=kind, email=email, key=key, asked_at=now, due_at=now)


def drop(email: str, kinds: Iterable[Letter.Kind], *, reason: str, now: datetime) -> None:
    """Send none of the letters of these kinds that wait for this address."""
    _unsettled(email, kinds).update(dropped_at=now, reason=reason)


def _unsettled(email: str, kinds: Iterable[Letter.Kind]) -> QuerySet[Letter]:
    to_it = Letter.objects.filter(same_address(email), kind__in=list(kinds))
    return to_it.filter(sent_at=None, dropped_at=None)


def asked_lately(kind: Letter.Kind, email: str, *, now: datetime) -> bool:
    """Whether such a letter to this address was asked for within the last day."""
    lately = Letter.objects.filter(same_address(email), kind=kind, asked_at__gt=now - COOL_DOWN)
    return lately.exists()
