"""The forms of who gives."""

import re
import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings

from donations.models import Donation
from fibrosite.lib.money import exponent, format_money, to_minor

OFFLINE = (Donation.Method.CHEQUE, Donation.Method.GIFT_CARD, Donation.Method.BITCOIN)
MOST_WORDS = 500
# A sum with a sign or code of its currency before or behind it.
_AMOUNT = re.compile(
    r"(?P<before>[A-Z]{0,3}[$€£¥]|[A-Z]{3})?\s?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:[.,](?P<part>\d{1,3}))?"
    r"\s?(?P<behind>[$€£¥]|[A-Z]{3})?",
    re.ASCII,
)


def least_minor(currency: str) -> int:
    """The smallest gift, in minor units: GIFT_MIN_MINOR is in hundredths."""
    return max(1, settings.GIFT_MIN_MINOR * 10 ** exponent(currency) // 100)


def most_minor(currency: str) -> int:
    """The largest gift that the form takes, in minor units."""
    return settings.GIFT_MAX_MINOR * 10 ** exponent(currency) // 100


def step_of(currency: str) -> int:
    """What gifts are multiples of, in minor units: card networks take no third decimal."""
    return 10 if exponent(currency) == 3 else 1


def read_amount(typed: str, currency: str) -> int:
    """A sum as people type it ("25", "$25.50", "25,50", "1,000") in minor units.

    Raises ValueError with a sentence for the giver.
    """
    found = _AMOUNT.fullmatch(typed.strip())
    if not found:
        raise ValueError("Please give the amount in figures, such as 25 or 25.50.")
    if not {found["before"], found["behind"]} <= {None, *_signs_of(currency)}:
        raise ValueError(f"This form takes {currency} alone. Please give the amount in {currency}.")
    amount = Decimal(f"{found['whole'].replace(',', '')}.{found['part'] or '0'}")
    try:
        minor = to_minor(amount, currency)
    except ValueError as error:
        raise ValueError(f"{error} Please round the amount.") from error
    if minor % step_of(currency):
        raise ValueError("Cards take two decimals at most. Please round the amount.")
    _refuse_outside(minor, currency)
    return minor


def _signs_of(currency: str) -> set[str]:
    """How people mark sums of a currency: USD, $, US$."""
    sign = format_money(0, currency).removesuffix("0").strip()
    return {currency, sign, sign[-1], currency[:2] + sign[-1]}


def _refuse_outside(minor: int, currency: str) -> None:
    least, most = least_minor(currency), most_minor(currency)
    if minor < least:
        text = format_money(least, currency)
        raise ValueError(f"The smallest gift is {text}: below that, fees would take it.")
    if minor > most:
        text = format_money(most, currency)
        raise ValueError(f"This form takes gifts up to {text}. For more, please write to us.")


class AmountForm(forms.Form):
    """A sum: one of those offered, or another one. What is typed wins."""

    amount = forms.CharField(required=False, max_length=20)
    other = forms.CharField(required=False, max_length=20, label="Another amount")

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    @property
    def offered(self) -> list[tuple[str, str]]:
        """The sums to choose from, as value and as text."""
        unit = 10 ** exponent(self.currency)
        minors = [amount * unit for amount in settings.GIFT_AMOUNTS]
        return [(str(minor // unit), format_money(minor, self.currency)) for minor in minors]

    @property
    def likely(self) -> str:
        """The second of the sums offered, if there are two."""
        return self.offered[:2][-1][0]

    @property
    def chosen(self) -> str:
        """The sum that is marked: what was sent, else what the view chose, else the likely one."""
        if self.is_bound:
            return str(self.data.get("amount") or "")
        return str(self.initial.get("amount", self.likely))

    @property
    def field_name(self) -> str:
        """What the sum is called in the list of errors."""
        return "Amount"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        typed = (data.get("other") or data.get("amount") or "").strip()
        if typed in ("", "other"):
            self.add_error("amount", "Please choose an amount.")
            return data
        try:
            data["minor"] = read_amount(typed, self.currency)
        except ValueError as error:
            self.add_error("amount", str(error))
        return data


class GiverForm(AmountForm):
    """A sum, and as little of who gives as may be."""

    key = forms.UUIDField(required=False)
    drive = forms.SlugField(required=False)
    name = forms.CharField(required=False, max_length=120, label="Your name (may stay empty)")
    email = forms.EmailField(required=False, max_length=254, label="Your e-mail address")
    show_name = forms.BooleanField(required=False, label="Show my name on the site")
    message = forms.CharField(
        required=False,
        max_length=MOST_WORDS,
        widget=forms.Textarea,
        label="A few words (may stay empty)",
    )
    website = forms.CharField(required=False)

    @property
    def is_trapped(self) -> bool:
        """Whether the field that people do not see was filled in."""
        return bool(self.data.get("website"))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        # Text that every database stores.
        data["name"] = " ".join(data.get("name", "").replace("\0", " ").split())
        data["key"] = data.get("key") or uuid.uuid4()
        if data.get("show_name") and not data["name"]:
            self.add_error("name", "To show your name, please write it here.")
        return data


class GiveForm(GiverForm):
    """A gift by a payment service, once or each month."""

    often = forms.ChoiceField(
        choices=[("once", "Once"), ("monthly", "Each month")], label="How often"
    )
    cover_fee = forms.BooleanField(required=False)
    way = forms.CharField(required=False)

    @property
    def is_monthly(self) -> bool:
        """Whether "each month" is marked."""
        return self.data.get("often") == "monthly"


class PromiseForm(GiverForm):
    """A promise to send something by post or otherwise."""

    method = forms.ChoiceField(
        choices=[(method.value, method.label) for method in OFFLINE], label="How you will send it"
    )


class AddressForm(forms.Form):
    """An address to send the way to the own page to."""

    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": "Please type in your e-mail address.",
            "invalid": "This does not look like an e-mail address: it needs an @ and a dot.",
        },
    )
