"""How money gets into the ledger."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from donations.models import Donation, LedgerEntry


def receive(
    donation: Donation, *, amount_minor: int, now: datetime, by: User | None = None
) -> LedgerEntry:
    """Save a gift and enter what was received, both or neither. `amount_minor` must be positive."""
    with transaction.atomic():
        donation.save()
        return LedgerEntry.objects.create(
            donation=donation,
            kind=LedgerEntry.Kind.RECEIVED,
            amount_minor=amount_minor,
            recorded_at=now,
            recorded_by=by,
        )


def correct(
    donation: Donation,
    *,
    amount_minor: int,
    reason: str,
    now: datetime,
    by: User | None = None,
) -> LedgerEntry:
    """Append a correction (+ or -) with its reason; what was entered before stays readable."""
    return LedgerEntry.objects.create(
        donation=donation,
        kind=LedgerEntry.Kind.CORRECTION,
        amount_minor=amount_minor,
        reason=reason,
        recorded_at=now,
        recorded_by=by,
    )
