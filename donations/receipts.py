"""Receipts and yearly statements as PDF, by fpdf2. Sums are of the ledger."""

import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q, Sum
from django.utils import timezone

from donations.booking import CAME
from donations.models import Donation, Donor, LedgerEntry
from fibrosite.lib.money import exponent

if TYPE_CHECKING:
    from fpdf import FPDF

# Latin, Greek and Cyrillic letters: what can be set without shaping.
_FONT_FILE = Path(__file__).parent / "fonts" / "dejavu-sans.ttf"
_FONT = "DejaVu"
# What is said of a gift of a payment service's test mode.
NOT_TAKEN = "This was a test: no money was taken, and it counts nowhere."


def gifts_of(donor: Donor) -> list[Donation]:
    """The gifts of a giver whose money came, the newest first."""
    rows = donor.donations.filter(paid_at__isnull=False).select_related("drive", "pledge")
    return list(rows.order_by("-paid_at", "-pk"))


def years_of(gifts: Sequence[Donation]) -> list[int]:
    """The years that have a statement, the newest first."""
    return sorted({day_of(gift).year for gift in gifts if _is_stated(gift)}, reverse=True)


def _is_stated(gift: Donation) -> bool:
    """Whether a gift stands in the statement of its year: something of it is left, no test."""
    return gift.held_minor > 0 and not gift.is_test


def day_of(gift: Donation) -> date:
    """The day of the site's calendar on which the money came."""
    return timezone.localdate(gift.paid_at) if gift.paid_at else gift.given_on


def amount_text(minor: int, currency: str) -> str:
    """An amount with its code, as books write it: `10.00 USD`."""
    digits = exponent(currency)
    return f"{minor / 10**digits:,.{digits}f} {currency}"


def came_minor(gift: Donation) -> int:
    """What came, before anything was given back.

    A slip that was corrected by hand is ours: the giver gave what the books say since.
    """
    slips = Q(kind=LedgerEntry.Kind.CORRECTION, source_key__startswith="hand:")
    rows = gift.entries.filter(Q(kind__in=CAME) | slips)
    return int(rows.aggregate(sum=Sum("amount_minor", default=0))["sum"])


def number_of(gift: Donation) -> str:
    """What a receipt is called by: short, and it says nothing of how many there are."""
    return str(gift.key)[:8].upper()


def receipt(gift: Donation) -> bytes:
    """The receipt of one gift."""
    pdf = _page(f"Receipt {number_of(gift)}")
    came = came_minor(gift)
    rows = [
        ("Given on", f"{day_of(gift):%-d %B %Y}"),
        ("Amount", amount_text(came, gift.currency)),
        ("By", gift.get_method_display()),
        ("For", str(gift.drive) if gift.drive else settings.SITE_NAME),
        ("From", _name(gift.donor)),
    ]
    if gift.held_minor != came:
        rows.append(("Given back", amount_text(came - gift.held_minor, gift.currency)))
    if gift.is_test:
        rows.append(("Test mode", NOT_TAKEN))
    for label, value in rows:
        _row(pdf, label, value)
    return _finish(pdf, "" if gift.is_test else deductible_words())


def statement(donor: Donor, year: int) -> bytes:
    """All that one giver gave in a year, and the sum in each currency."""
    pdf = _page(f"Gifts in {year}")
    _row(pdf, "From", _name(donor))
    pdf.ln(4)
    sums: dict[str, int] = {}
    for gift in reversed(gifts_of(donor)):
        if day_of(gift).year == year and _is_stated(gift):
            words = f"{amount_text(gift.held_minor, gift.currency)}   {gift.get_method_display()}"
            _row(pdf, f"{day_of(gift):%-d %B %Y}", words)
            sums[gift.currency] = sums.get(gift.currency, 0) + gift.held_minor
    pdf.ln(4)
    for currency, minor in sums.items():
        _row(pdf, "In all", amount_text(minor, currency))
    if not sums:
        _row(pdf, "In all", "Nothing: what came was given back.")
    return _finish(pdf, deductible_words() if sums else "")


def _page(title: str) -> "FPDF":
    from fpdf import FPDF  # noqa: PLC0415  (it takes a while, and few processes make receipts)

    pdf = FPDF(format="A4")
    pdf.set_title(_shown(f"{title}, {settings.SITE_NAME}"))
    pdf.set_lang("en")
    pdf.set_margin(25)
    pdf.add_font(_FONT, fname=_FONT_FILE)
    pdf.add_page()
    pdf.set_font(_FONT, size=18)
    pdf.multi_cell(0, 9, _shown(settings.SITE_NAME), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(_FONT, size=14)
    pdf.multi_cell(0, 10, _shown(title), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(6)
    return pdf


def _row(pdf: "FPDF", label: str, value: str) -> None:
    pdf.set_font(_FONT, size=11)
    pdf.cell(40, 7, _shown(label))
    pdf.multi_cell(0, 7, _shown(value), align="L", new_x="LMARGIN", new_y="NEXT")


def _finish(pdf: "FPDF", deductible: str) -> bytes:
    pdf.ln(10)
    pdf.set_font(_FONT, size=10)
    for words in (settings.LEGAL_STATUS, deductible, sender()):
        if words:
            pdf.multi_cell(0, 6, _shown(words), align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(2)
    return bytes(pdf.output())


def deductible_words() -> str:
    """What a receipt says of taxes: nothing, unless the status of the site allows it."""
    if not settings.TAX_DEDUCTIBLE:
        return ""
    return "This gift may be deductible; nothing was given in return for it."


def sender() -> str:
    """Who takes gifts, and where: to this address a cheque is sent."""
    return f"{settings.SENDER_NAME}, {settings.POSTAL_ADDRESS}"


def _name(donor: Donor | None) -> str:
    """The giver's name if all of it can be printed, else the address."""
    if donor is None:
        return ""
    name = _composed(donor.name)
    return name if name and all(map(_is_printable, name)) else donor.email


def _shown(words: str) -> str:
    """The words as they can be printed, with a question mark for each sign that cannot."""
    return "".join(sign if _is_printable(sign) else "?" for sign in _composed(words))


def _composed(words: str) -> str:
    """The words with one sign for a letter and its accents, wherever there is one."""
    return unicodedata.normalize("NFC", words)


def _is_printable(sign: str) -> bool:
    return sign == "\n" or ord(sign) in _letters()


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """The code points that the font has a picture of."""
    from fpdf import FPDF  # noqa: PLC0415  (as above)
    from fpdf.fonts import TTFFont  # noqa: PLC0415

    pdf = FPDF()
    pdf.add_font(_FONT, fname=_FONT_FILE)
    font = pdf.fonts[_FONT.lower()]
    assert isinstance(font, TTFFont)  # noqa: S101
    font.close()
    return frozenset(font.cmap)
