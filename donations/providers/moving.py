"""Money that went back by a provider's books: entered where it is surely missing here."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum

from donations.models import Donation, LedgerEntry
from donations.providers.entering import Books
from donations.providers.facts import GivenBack, Moved
from fibrosite.lib.money import format_money

Kind = LedgerEntry.Kind

# The provider's report and its books may give one movement two times.
CLOCKS = timedelta(days=1)


def compare(
    name: str, fact: Moved, *, since: datetime, now: datetime
) -> Iterator[tuple[str, bool]]:
    """Differences between a movement and our books, each with whether it is repaired now.

    A report may have told the same movement under another name. So it is entered only where
    that cannot be: no more went back than came, and nothing else of this sum since then.
    """
    with transaction.atomic():
        rows = Donation.objects.select_for_update(of=("self",))
        gift = rows.filter(refs__provider=name, refs__ref__in=fact.refs).first()
        if gift is None:
            # Of somebody else on this account; one of ours that is unknown is told as such.
            return
        doubt = _doubt(name, gift, fact, since=since)
        if doubt:
            yield doubt, False
        elif not _is_known(name, fact):
            yield _enter(name, fact, now=now)


def _is_known(name: str, fact: Moved) -> bool:
    return LedgerEntry.objects.filter(source_key=f"{name}:{fact.key}:refunded").exists()


def _doubt(name: str, gift: Donation, fact: Moved, *, since: datetime) -> str:
    """Why a person has to look at it first; "" if there is no doubt."""
    about = (
        f"{fact.key}: {format_money(fact.amount_minor, fact.currency)} of payment {fact.refs[0]}"
    )
    if not fact.is_loss:
        return (
            f"{about} moved in the provider's books, as when a claim was taken back. Not entered: "
            "add a correction to the gift if its sum is wrong now."
        )
    is_known = _is_known(name, fact)
    gone = _gone_minor(gift) + (0 if is_known else fact.amount_minor)
    if gone > gift.entries.get(kind=Kind.SETTLED).amount_minor:
        return f"{about} went back, and with it more than came. Please look at both books."
    if not is_known and _may_be_told_already(gift, fact, since):
        return (
            f"{about} went back. The same sum stands here under another name. Not entered: if "
            "that was another one, add a refund to the gift."
        )
    return ""


def _gone_minor(gift: Donation) -> int:
    """What was given back of a gift, in its own currency."""
    failed = gift.entries.filter(source_key__endswith=":refund-failed")
    rows = gift.entries.filter(kind=Kind.REFUNDED) | failed
    return -int(rows.aggregate(sum=Sum("amount_minor", default=0))["sum"])


def _may_be_told_already(gift: Donation, fact: Moved, since: datetime) -> bool:
    same = gift.entries.filter(kind=Kind.REFUNDED, amount_minor=-fact.amount_minor)
    return same.filter(happened_at__gte=since - CLOCKS).exists()


def _enter(name: str, fact: Moved, *, now: datetime) -> tuple[str, bool]:
    back = GivenBack(
        happened_at=fact.happened_at,
        refs=fact.refs,
        key=fact.key,
        amount_minor=fact.amount_minor,
        currency=fact.currency,
        reason=fact.reason,
    )
    amount = format_money(-fact.amount_minor, fact.currency)
    try:
        with transaction.atomic():
            Books(name, now=now).enter(back)
    except ValueError as error:
        return f"{fact.key} ({amount}): {error}", False
    return f"Refund {fact.key} ({amount}) was missing. Entered.", True
