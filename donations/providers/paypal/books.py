"""The books of PayPal, for reconciling."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from donations.providers.facts import Fact, FeeTaken, Moved, Paid
from donations.providers.paypal.client import ask
from donations.providers.paypal.objects import minor_of, stamp
from donations.providers.paypal.telling import REVERSED
from donations.providers.reading import key_of, moment, part, text

# What a payment loses for good: reversed by PayPal, refunded by us, charged back by a bank.
_LOSSES = {"T1106": REVERSED, "T1107": "", "T1201": REVERSED}
# Money that is held and let go again, and fees: no payment is more or less by them.
_NEITHER = {"T1105", "T1108", "T1109", "T1110", "T1111"}


def book_rows(since: datetime) -> list[Any]:
    """What moved on our account since then, oldest first; PayPal's list runs some hours behind."""
    rows: list[Any] = []
    page, pages = 1, 1
    while page <= pages:
        query = urlencode(
            {
                "start_date": stamp(since),
                "end_date": stamp(datetime.now(UTC) + timedelta(minutes=1)),
                "fields": "transaction_info",
                "page": page,
                "page_size": 500,
            }
        )
        answer = ask("GET", f"/v1/reporting/transactions?{query}")
        rows += [part(row, "transaction_info") for row in answer.get("transaction_details", [])]
        pages, page = int(answer.get("total_pages") or 1), page + 1
    # A payment before what was given back of it.
    return sorted(rows, key=_when)


def facts_of_row(row: Any) -> list[Fact]:
    """What one row of PayPal's books says: a payment of ours and its fee, or money that left."""
    code = text(row, "transaction_event_code")
    if text(row, "transaction_status") != "S":
        return []
    if code.startswith("T00"):
        return _payment(row)
    # Holds and reversals bear the mark of their payment, too.
    if code.startswith(("T11", "T12")) and code not in _NEITHER:
        return _moved_back(row, code)
    return []


def _when(row: Any) -> datetime:
    return moment(text(row, "transaction_initiation_date")) or datetime.now(UTC)


def _payment(row: Any) -> list[Fact]:
    at, refs = _when(row), (text(row, "transaction_id"),)
    checkout, pledge_id = key_of(text(row, "custom_field")), text(row, "paypal_reference_id")
    if not pledge_id.startswith("I-"):
        # The order, for one, or another payment.
        pledge_id = ""
    if not checkout and not pledge_id:
        return []
    minor, currency = _amount(row)
    if minor <= 0:
        return []
    paid = Paid(
        happened_at=at,
        refs=refs,
        amount_minor=minor,
        currency=currency,
        checkout=checkout,
        pledge_id=pledge_id,
        tells_amount=bool(pledge_id),
    )
    fee = -minor_of(text(row, "fee_amount", "value") or "0", currency)
    if not fee:
        return [paid]
    key = f"{refs[0]}:fee"
    return [
        paid,
        FeeTaken(happened_at=at, refs=refs, key=key, amount_minor=fee, currency=currency),
    ]


def _moved_back(row: Any, code: str) -> list[Fact]:
    """Money of a payment that went, or came again: the row names the payment it is about."""
    if text(row, "paypal_reference_id_type") != "TXN":
        return []
    minor, currency = _amount(row)
    moved = Moved(
        happened_at=_when(row),
        refs=(text(row, "paypal_reference_id"),),
        key=text(row, "transaction_id"),
        amount_minor=abs(minor),
        currency=currency,
        is_loss=minor < 0 and code in _LOSSES,
        reason=_LOSSES.get(code, ""),
    )
    return [moved] if minor else []


def _amount(row: Any) -> tuple[int, str]:
    """What a row moved, signed. Raises Unreadable."""
    amount = part(row, "transaction_amount")
    currency = text(amount, "currency_code")
    return minor_of(text(amount, "value"), currency), currency
