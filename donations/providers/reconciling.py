"""Compares our books with the provider's, and enters what is missing."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, transaction

from donations import posting
from donations.models import BooksCheck, Donation, LedgerEntry, PaymentEvent, PaymentRef
from donations.providers import NAMES, moving, paypal, provider, stripe
from donations.providers.acting import again_if_raced, handle_all
from donations.providers.entering import Books
from donations.providers.facts import (
    Fact,
    FeeTaken,
    Moved,
    Paid,
    Refused,
    Unavailable,
    Unknown,
    Unreadable,
)
from donations.providers.keeping import keep
from fibrosite.lib.money import format_money

logger = logging.getLogger(__name__)

# Longer than a night, so that a night on which it did not run is made up for.
LOOKS_BACK = timedelta(days=4)


def reconcile_all(*, now: datetime) -> list[BooksCheck]:
    """Reconcile with each provider that has keys; one that is away waits for the next night."""
    done = []
    for name in NAMES:
        if not provider(name).can_listen():
            continue
        try:
            done.append(reconcile(name, since=now - LOOKS_BACK, now=now))
        except (Unavailable, Refused) as error:
            logger.warning("The books could not be compared with %s: %s", name, error)
        except Exception:
            # Odd books of one provider do not keep the other's from being compared.
            logger.exception("The books could not be compared with %s", name)
    return done


def reconcile(name: str, *, since: datetime, now: datetime) -> BooksCheck:
    """Fetch the reports that never came, then compare payment by payment; keep what was found.

    Raises Unavailable or Refused.
    """
    lines = list(_missed(name, since, now=now))
    missed = len(lines)
    rows = {"stripe": stripe, "paypal": paypal}[name].book_rows(since)
    repaired = missed
    for row in rows:
        for words, is_repaired in _compare(name, row, since=since, now=now):
            lines.append(words)
            repaired += is_repaired
    check = BooksCheck.objects.create(
        provider=name,
        checked_at=now,
        since_at=since,
        until_at=now,
        seen=len(rows),
        missing=len(lines),
        repaired=repaired,
        words="\n".join(lines),
    )
    if len(lines) > repaired:
        words = f"The books differ from {name}'s in {len(lines) - repaired} places."
        posting.alarm(f"{words}\n\n{check.words}", once=f"books:{name}:{now:%Y-%m-%d}", now=now)
    return check


def _missed(name: str, since: datetime, *, now: datetime) -> Iterator[str]:
    """Reports that the provider sent and we never got; a line for each that we handle now."""
    notices = provider(name).missed(since)
    known = set(
        PaymentEvent.objects.filter(
            provider=name, event_id__in=[notice.event_id for notice in notices]
        ).values_list("event_id", flat=True)
    )
    kept = []
    for notice in notices:
        event = None if notice.event_id in known else keep(name, notice, now=now)
        if event is not None:
            kept.append(event.pk)
            yield f"Report {notice.event_id} ({notice.type}) had not come. Entered."
    handle_all(kept, now=now)


def _compare(name: str, row: Any, *, since: datetime, now: datetime) -> Iterator[tuple[str, bool]]:
    """Differences of one row of the provider's books, each with whether it is repaired now."""
    try:
        facts = {"stripe": stripe, "paypal": paypal}[name].facts_of_row(row)
    except Unreadable as error:
        yield f"A row of the provider's books cannot be read: {error}", False
        return
    for fact in facts:
        if isinstance(fact, Moved):
            yield from moving.compare(name, fact, since=since, now=now)
    yield from _compare_payment(name, [fact for fact in facts if not isinstance(fact, Moved)], now)


def _compare_payment(name: str, facts: list[Fact], now: datetime) -> Iterator[tuple[str, bool]]:
    """Differences of a payment and its fee, each with whether it is repaired now."""
    differences = [_differs(name, fact) for fact in facts if isinstance(fact, Paid)]
    if any(differences):
        yield from ((words, False) for words in differences if words)
        return
    before = _entries(name, facts)
    fees: list[Fact] = [fact for fact in facts if isinstance(fact, FeeTaken)]
    # A fee that cannot be entered keeps no payment out.
    payments = [fact for fact in facts if fact not in fees]
    problem = _enter(name, payments, now=now) or _enter(name, fees, now=now)
    if problem:
        yield problem, False
    # Fees are told here alone: to learn of one is no difference.
    for kind, words in sorted(_entries(name, facts) - before):
        if kind != LedgerEntry.Kind.FEE:
            yield f"{words} was missing. Entered.", True


def _enter(name: str, facts: list[Fact], *, now: datetime) -> str:
    """Enter these facts of a row, all or none; what stands in the way, if anything does."""
    try:
        # The report of the same may be handled in this moment.
        books = again_if_raced(lambda: _entered(name, facts, now=now))
    except Unknown as error:
        return f"{error} It stands in the provider's books."
    except (Error, ValueError) as error:
        return str(error)
    handle_all(books.woken(), now=now)
    return ""


@transaction.atomic
def _entered(name: str, facts: list[Fact], *, now: datetime) -> Books:
    books = Books(name, now=now)
    for fact in facts:
        books.enter(fact)
    return books


def _differs(name: str, fact: Paid) -> str:
    """Whether we booked another amount for this payment than the provider has."""
    ref = PaymentRef.objects.filter(provider=name, ref__in=fact.refs).first()
    if ref is None:
        return ""
    came = ref.donation.entries.filter(kind=LedgerEntry.Kind.SETTLED).first()
    if came is None or (came.amount_minor, came.currency) == (fact.amount_minor, fact.currency):
        return ""
    theirs = format_money(fact.amount_minor, fact.currency)
    return f"{fact.refs[0]}: we have {came.amount}, the provider has {theirs}. Not changed."


def _entries(name: str, facts: list[Fact]) -> set[tuple[str, str]]:
    """The entries of the gifts that these facts are about."""
    refs = [ref for fact in facts for ref in getattr(fact, "refs", ())]
    gifts = Donation.objects.filter(refs__provider=name, refs__ref__in=refs).values("pk")
    rows = LedgerEntry.objects.filter(donation__in=gifts)
    return {(row.kind, f"{row.source_key} ({row.amount})") for row in rows}
