"""How money gets into the ledger."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum

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


def held_minor(donation: Donation) -> int:
    """What the ledger holds of one gift, in minor units."""
    return int(donation.entries.aggregate(held=Sum("amount_minor", default=0))["held"])


def amend(entry: LedgerEntry, *, now: datetime, by: User | None = None) -> LedgerEntry:
    """Append a refund or correction; what was entered before stays readable.

    Raises ValueError if the gift would hold less than nothing, also when two people refund it
    at once.
    """
    with transaction.atomic():
        donation = Donation.objects.select_for_update().get(pk=entry.donation_id)
        if held_minor(donation) + entry.amount_minor < 0:
            raise ValueError("A gift cannot give back more than it holds.")
        entry.recorded_at, entry.recorded_by = now, by
        entry.save()
        return entry
