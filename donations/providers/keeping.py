"""Stores each report once, before anything is done about it."""

from datetime import datetime

from django.db import IntegrityError, transaction

from donations.models import PaymentEvent
from donations.providers import provider
from donations.providers.facts import Notice

State = PaymentEvent.State


def keep(name: str, notice: Notice, *, now: datetime) -> PaymentEvent | None:
    """Store a report; None if it is known already.

    One of the test mode is stored and refused where real money moves.
    """
    refused = provider(name).is_live() and not notice.livemode
    event = PaymentEvent(
        provider=name,
        event_id=notice.event_id,
        type=notice.type,
        livemode=notice.livemode,
        body=notice.body,
        happened_at=min(notice.happened_at or now, now),
        received_at=now,
        due_at=now,
        state=State.REFUSED if refused else State.NEW,
        outcome="Of the test mode, and this site is live." if refused else "",
        handled_at=now if refused else None,
    )
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:
        return None
    return event
