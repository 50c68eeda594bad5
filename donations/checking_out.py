"""Starting a gift: a row first, then the payment service's page for it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Literal

from django.conf import settings
from django.db import IntegrityError, transaction

from donations import posting
from donations.booking import currency_of
from donations.donors import donor_for
from donations.forms import step_of
from donations.giving import promise
from donations.models import Checkout, Donation, Drive, Pledge
from donations.providers import is_test, provider
from donations.providers.facts import Unavailable
from fibrosite.lib.money import exponent

State = Checkout.State
Standing = Literal["entered", "on-its-way", "failed", "expired", "waiting"]

# A page that is asked for again this long before it ends is still of use.
LAST_MINUTES = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a giver asked for. `key` is that of the form as it was shown."""

    key: uuid.UUID
    drive: Drive | None
    amount_minor: int
    monthly: bool = False
    cover_fee: bool = False
    name: str = ""
    email: str = ""
    show_name: bool = False
    message: str = ""

    @property
    def currency(self) -> str:
        return currency_of(self.drive)

    @property
    def fee_minor(self) -> int:
        """What covering the fee adds."""
        return fee_of(self.amount_minor, self.currency) if self.cover_fee else 0


def unit_minor(currency: str) -> int:
    """One whole unit of a currency in its minor units."""
    return int(10 ** exponent(currency))


def fee_of(amount_minor: int, currency: str) -> int:
    """What must be added so that after the fee the amount is left, in minor units, rounded up."""
    step = step_of(currency)
    fixed = Decimal(settings.GIFT_FEE_MINOR) * 10 ** exponent(currency) / 100
    share = Decimal(str(settings.GIFT_FEE_PERCENT)) / 100
    whole = ((amount_minor + fixed) / (1 - share)).to_integral_value(ROUND_UP)
    return -(-int(whole) // step) * step - amount_minor


def open_checkout(wish: Wish, way: str, *, now: datetime) -> Checkout:
    """The checkout of a wish, with the address of the page to pay on.

    The same form sent twice, also at once, comes to the same row and the same page; a form that
    was changed comes to another. One that is completed has no address. Raises Unavailable or
    Refused; the row stays, and sending the form again goes on with it.
    """
    checkout = _row(wish, way)
    still_good = checkout.expires_at is None or checkout.expires_at > now + LAST_MINUTES
    if checkout.state == State.COMPLETED:
        return checkout
    if not still_good or checkout.state in (State.EXPIRED, State.FAILED):
        raise Unavailable("This form was open too long.")
    if checkout.url:
        return checkout
    checkout.url = provider(way).start(checkout)
    # Its report may have come meanwhile: a completed one is not opened again.
    opened = {"url": checkout.url, "opened_at": now, "expires_at": checkout.expires_at}
    opened["provider_session_id"] = checkout.provider_session_id
    rows = Checkout.objects.filter(pk=checkout.pk)
    rows.update(**opened)
    rows.filter(state=State.NEW).update(state=State.OPEN)
    return checkout


def state_of(checkout: Checkout) -> Standing:
    """How a gift stands for its giver, by what was told so far in whatever order.

    "entered": its money, or a month of its monthly gift, is in the ledger. "failed": the money
    does not come. "on-its-way": agreed, and the money is not here yet. "expired": the page was
    left without paying. "waiting": nothing is told yet.
    """
    if checkout.is_paid():
        return "entered"
    pledge = Pledge.objects.filter(checkout=checkout).first() if checkout.monthly else None
    if checkout.state == State.FAILED or (pledge and pledge.ended_at):
        return "failed"
    if checkout.state == State.COMPLETED:
        return "on-its-way"
    return "expired" if checkout.state == State.EXPIRED else "waiting"


def _row(wish: Wish, way: str) -> Checkout:
    """The row of a wish: named by the form's key and by all that was filled in."""
    details = (
        way, wish.drive and wish.drive.pk, wish.amount_minor, wish.monthly, wish.cover_fee,
        wish.name, wish.email, wish.show_name, wish.message,
    )  # fmt: skip
    checkout, _ = Checkout.objects.select_related("drive").get_or_create(
        key=uuid.uuid5(wish.key, repr(details)),
        defaults={
            "drive": wish.drive,
            "amount_minor": wish.amount_minor + wish.fee_minor,
            "fee_minor": wish.fee_minor,
            "cover_fee": wish.cover_fee,
            "currency": wish.currency,
            "monthly": wish.monthly,
            "provider": way,
            "name": wish.name,
            "email": wish.email,
            "show_name": wish.show_name,
            "message": wish.message,
            "is_test": is_test(way),
        },
    )
    return checkout


def keep_promise(wish: Wish, method: str, *, now: datetime) -> Donation:
    """Enter a promise to send something, once for a form however often it is sent.

    It never expires by itself, and counts when the treasurer receives it.
    """
    key = uuid.uuid5(wish.key, f"promise {method} {wish.amount_minor}")
    known = Donation.objects.filter(key=key).first()
    if known is not None:
        return known
    try:
        return _new_promise(wish, method, key, now=now)
    except IntegrityError:
        # Pressed twice at once: the other one was faster.
        return Donation.objects.get(key=key)


@transaction.atomic
def _new_promise(wish: Wish, method: str, key: uuid.UUID, *, now: datetime) -> Donation:
    gift = Donation(
        key=key,
        drive=wish.drive,
        donor=donor_for(name=wish.name, email=wish.email),
        method=method,
        currency=wish.currency,
        show_name=wish.show_name,
        name_shown=wish.name if wish.show_name else "",
        message=wish.message,
    )
    promise(gift, amount_minor=wish.amount_minor, now=now, source_key=f"promise:{key}")
    posting.want_promise(gift, now=now)
    return gift
