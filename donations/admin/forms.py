"""What the treasurer fills in."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.validators import validate_email
from django.utils import timezone

from donations import booking, giving
from donations.admin.base import MoneyField, likely_year, minor_of
from donations.donors import donor_for
from donations.models import Donation, Drive, LedgerEntry
from donations.providers.refunding import can_refund
from fibrosite.lib.money import CURRENCIES, format_money

Kind = LedgerEntry.Kind

# Gifts of one donor, alike in all else, on days so near each other may be one gift.
ALIKE_WITHIN = timedelta(days=10)
DAY_WIDGET = {"type": "date"}


class GiftForm(forms.ModelForm):
    """A gift with its amount, typed in the drive's currency unless another is named."""

    amount = MoneyField(
        min_value=Decimal("0.001"),
        error_messages={"min_value": "A gift is more than zero."},
    )
    currency = forms.ChoiceField(
        choices=[("", "drive's"), *((code, code) for code in CURRENCIES)], required=False
    )
    donor_name = forms.CharField(label="Donor", max_length=200, required=False)
    donor_email = forms.CharField(
        label="E-mail", max_length=254, required=False, validators=[validate_email]
    )
    promised = forms.BooleanField(
        label="Only promised", required=False, help_text="It counts once it is received."
    )
    another = forms.BooleanField(
        label="It is another gift: enter it too", required=False, widget=forms.HiddenInput
    )

    class Meta:
        model = Donation
        fields = [
            "drive", "amount", "currency", "method", "given_on", "donor_name", "donor_email",
            "promised", "note", "another",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "drive" in self.fields:
            field: Any = self.fields["drive"]
            field.empty_label = "The fund (no drive)"
        self._ask_for_day(self.fields["given_on"])
        ways = ", ".join(Donation.Method.labels)
        self.fields["method"].error_messages["invalid_choice"] = (
            f"“%(value)s” is no way to give here. These are: {ways}."
        )
        self.amount_minor = 0

    def _ask_for_day(self, field: Any) -> None:
        """As the browser's calendar writes it: what 03/05 is, is not the same everywhere."""
        field.input_formats = ["%Y-%m-%d"]
        field.error_messages["invalid"] = "Please give the day as 2026-03-05."
        field.validators = [*field.validators, likely_year]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        drive = data.get("drive", self.instance.drive)
        self._refuse_days(drive, data.get("given_on"))
        data["currency"] = data.get("currency") or booking.currency_of(drive)
        self.amount_minor = minor_of(self, "amount", data["currency"]) or 0
        try:
            booking.rate_of(drive, data["currency"])
        except booking.NoRateError as error:
            self.add_error("currency", str(error))
        if not self.errors and not data.get("another"):
            self._warn_of_twin(drive, data)
        return data

    def _refuse_days(self, drive: Drive | None, day: date | None) -> None:
        if day and day > timezone.localdate():
            self.add_error("given_on", "This day is still to come.")
        if drive and day and day < drive.starts_on:
            self.add_error("given_on", f"The drive began later, on {drive.starts_on:%-d %B %Y}.")

    def _warn_of_twin(self, drive: Drive | None, data: dict[str, Any]) -> None:
        """A gift that is in already is easily entered again."""
        twin = twin_of(drive, data, self.amount_minor)
        if twin is None:
            return
        label = f"{twin.given_on:%-d %B %Y}, {twin.get_method_display().lower()}"
        amount = format_money(self.amount_minor, data["currency"])
        self.fields["another"].widget = forms.CheckboxInput()
        self.add_error(
            "amount", f"{amount} of this donor may be in already ({label}). Tick if not."
        )

    def enter(self, *, now: datetime, by: User, source_key: str = "") -> LedgerEntry:
        """Save the gift and book it: received, or promised. Raises BookedAlreadyError."""
        data = self.cleaned_data
        gift = self.instance
        gift.currency = data["currency"]
        gift.donor = donor_for(name=data["donor_name"], email=data["donor_email"])
        act = giving.promise if data["promised"] else giving.receive
        return act(gift, amount_minor=self.amount_minor, now=now, by=by, source_key=source_key)


def twin_of(drive: Drive | None, data: dict[str, Any], amount_minor: int) -> Donation | None:
    """A gift that is in and may be this very one: donor, amount and way alike, days near."""
    day = data["given_on"]
    alike = Donation.objects.filter(
        drive=drive,
        method=data["method"],
        currency=data["currency"],
        given_on__range=(day - ALIKE_WITHIN, day + ALIKE_WITHIN),
        entries__amount_minor=amount_minor,
        entries__kind__in=[*booking.CAME, Kind.PLEDGED],
    )
    if data["donor_email"]:
        alike = alike.filter(donor__email__iexact=data["donor_email"])
    elif data["donor_name"]:
        alike = alike.filter(donor__name__iexact=" ".join(data["donor_name"].split()))
    else:
        alike = alike.filter(donor__isnull=True, given_on=day)
    return alike.order_by("-given_on").first()


class AmendForm(forms.ModelForm):
    """A refund or correction: what changes, in the gift's currency, and why."""

    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in (Kind.REFUNDED, Kind.CORRECTION)]
    )
    amount = MoneyField(help_text="Negative takes away.")

    class Meta:
        model = LedgerEntry
        fields = ["kind", "amount", "reason"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, amount = data.get("kind"), data.get("amount")
        if kind == Kind.REFUNDED and amount is not None and amount >= 0:
            self.add_error("amount", "A refund is negative, such as -10.00.")
        if kind == Kind.REFUNDED and can_refund(self.instance.donation):
            self.add_error("kind", "Refund it through its provider, by the button above.")
        if kind == Kind.CORRECTION and not data.get("reason"):
            self.add_error("reason", "Say why, for whoever reads the books.")
        if amount == 0 and not self.has_error("amount"):
            self.add_error("amount", "Zero changes nothing.")
        gift = self.instance.donation
        minor = minor_of(self, "amount", gift.currency)
        if minor is not None and not self.has_error("amount"):
            self._set_minor(gift, minor)
        return data

    def _set_minor(self, gift: Donation, minor: int) -> None:
        self.instance.amount_minor = minor
        if gift.held_minor + minor < 0:
            self.add_error("amount", f"This gift holds only {gift.held}.")


class ArrivedForm(forms.Form):
    """What came of a promise."""

    amount = MoneyField(
        min_value=Decimal("0.001"), error_messages={"min_value": "A gift is more than zero."}
    )
    given_on = forms.DateField(
        label="Came on", initial=timezone.localdate, validators=[likely_year],
        widget=forms.DateInput(attrs=DAY_WIDGET),
    )  # fmt: skip

    def __init__(self, gift: Donation, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gift, self.amount_minor = gift, 0
        self.fields["amount"].help_text = f"In {gift.currency}."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.amount_minor = minor_of(self, "amount", self.gift.currency) or 0
        day = data.get("given_on")
        if day and day > timezone.localdate():
            self.add_error("given_on", "This day is still to come.")
        return data


class RefundForm(forms.Form):
    """How much of a gift goes back by the way it came."""

    amount = MoneyField(
        min_value=Decimal("0.001"), error_messages={"min_value": "A refund is more than zero."}
    )

    def __init__(self, gift: Donation, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gift, self.amount_minor = gift, 0
        self.fields["amount"].help_text = f"Up to {gift.held}."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.amount_minor = minor_of(self, "amount", self.gift.currency) or 0
        if self.amount_minor > self.gift.held_minor:
            self.add_error("amount", f"This gift holds only {self.gift.held}.")
        return data


class ReleaseForm(forms.Form):
    """Why a promise is let go."""

    reason = forms.CharField(
        max_length=300,
        help_text="Such as: wrote on 3 May that it will not come.",
        error_messages={"required": "Say why, for whoever reads the books."},
    )


class ExportForm(forms.Form):
    """Which entries."""

    first = forms.DateField(
        label="From", required=False, validators=[likely_year],
        widget=forms.DateInput(attrs=DAY_WIDGET),
        help_text="Empty: from the first entry on.",
    )  # fmt: skip
    last = forms.DateField(
        label="To", required=False, validators=[likely_year],
        widget=forms.DateInput(attrs=DAY_WIDGET),
        help_text="Empty: to this day.",
    )  # fmt: skip
    drive = forms.ModelChoiceField(
        Drive.objects.all(), required=False, empty_label="All drives and the fund"
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("first") and data.get("last") and data["last"] < data["first"]:
            self.add_error("last", "It ends before it begins.")
        return data


class BatchForm(forms.Form):
    """What gifts of one post have in common, and the key that keeps them from coming twice."""

    drive = forms.ModelChoiceField(
        Drive.objects.all(), required=False, empty_label="The fund (no drive)"
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


class FileForm(forms.Form):
    """A file of gifts, first looked through, then entered."""

    drive = forms.ModelChoiceField(
        Drive.objects.all(), required=False, empty_label="The fund (no drive)"
    )
    file = forms.FileField(
        required=False,
        help_text="CSV with the columns amount and date (such as 2026-03-05), and, if you have "
        "them, method, name, email, note, currency, promised. Up to 1 MB.",
    )
    text = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)
