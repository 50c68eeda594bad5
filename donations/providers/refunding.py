"""Giving money back by the way it came."""

import uuid

from donations.models import Donation, LedgerEntry
from donations.providers import NAMES, provider
from donations.providers.facts import Refused
from fibrosite.lib.money import format_money


def can_refund(donation: Donation) -> bool:
    """Whether the gift came by a provider that can give it back, and holds anything."""
    return donation.provider in NAMES and donation.held_minor > 0


def refund(donation: Donation, amount_minor: int) -> str:
    """Ask the provider to give back a part of a gift; a sentence on what happens next.

    The ledger changes when the provider tells of it. Raises ValueError for an amount that the gift
    does not hold, Refused or Unavailable as the provider answers.
    """
    if donation.provider not in NAMES:
        raise Refused("This gift came by no provider: give it back by hand, then enter that.")
    held = format_money(donation.held_minor, donation.currency)
    if not 0 < amount_minor <= donation.held_minor:
        raise ValueError(f"This gift holds {held}: choose an amount up to that.")
    # Until the ledger knows more, the same amount asked for again is the same refund.
    known = donation.entries.exclude(kind=LedgerEntry.Kind.FEE).count()
    mark = f"{amount_minor}:{known}"
    provider(donation.provider).refund(
        donation, amount_minor, key=str(uuid.uuid5(donation.key, mark))
    )
    amount = format_money(amount_minor, donation.currency)
    return f"{amount} is given back. It is in the ledger as soon as the provider confirms it."
