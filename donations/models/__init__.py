"""Drives, gifts and who gives them, the ledger, and what providers tell."""

from donations.models.callouts import CalloutCopy
from donations.models.donors import Donor, Pledge
from donations.models.drives import (
    NEAR,
    THANKS,
    Drive,
    DriveDay,
    DriveRate,
    DriveTotal,
    Match,
    Milestone,
)
from donations.models.gifts import Donation, Message
from donations.models.ledger import LedgerEntry
from donations.models.letters import GiftLetter
from donations.models.payments import BooksCheck, Checkout, PaymentEvent, PaymentRef

__all__ = [
    "NEAR",
    "THANKS",
    "BooksCheck",
    "CalloutCopy",
    "Checkout",
    "Donation",
    "Donor",
    "Drive",
    "DriveDay",
    "DriveRate",
    "DriveTotal",
    "GiftLetter",
    "LedgerEntry",
    "Match",
    "Message",
    "Milestone",
    "PaymentEvent",
    "PaymentRef",
    "Pledge",
]
