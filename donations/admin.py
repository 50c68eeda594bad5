"""Entering gifts and drives."""

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from js_asset import Media

from donations import giving
from donations.ledger import progress
from donations.models import Donation, Drive, LedgerEntry
from fibrosite.lib.money import CURRENCIES, format_money, to_minor


class MoneyField(forms.DecimalField):
    """An amount in figures. Not a number field: a turn of the mouse wheel would change it."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 12})
    default_error_messages = {"invalid": "Please give the amount in figures, such as 10.50."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=12, decimal_places=3, **kwargs)


class DriveForm(forms.ModelForm):
    """A drive whose goal is typed as people write it."""

    goal = MoneyField(min_value=Decimal(1), help_text="In the currency below.")
    currency = forms.ChoiceField(choices=[(code, code) for code in CURRENCIES], initial="USD")

    class Meta:
        model = Drive
        fields = [
            "name", "slug", "currency", "starts_on", "ends_on", "story", "how_to_give", "thanks",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            amount = Decimal(self.instance.goal_minor).scaleb(-self.instance.decimals)
            self.initial["goal"] = amount

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "goal" in data and "currency" in data:
            try:
                self.instance.goal_minor = to_minor(data["goal"], data["currency"])
            except ValueError as error:
                self.add_error("goal", str(error))
        self._refuse_overlap(data)
        return data

    def _refuse_overlap(self, data: dict[str, Any]) -> None:
        """Two drives at once would hide one: pages show the newer."""
        if not (data.get("starts_on") and data.get("ends_on")):
            return
        others = Drive.objects.exclude(pk=self.instance.pk)
        other = others.filter(
            starts_on__lte=data["ends_on"], ends_on__gte=data["starts_on"]
        ).first()
        if other:
            self.add_error("starts_on", f"“{other}” runs in some of these days.")


@admin.register(Drive)
class DriveAdmin(admin.ModelAdmin):
    """Drives, and where each stands."""

    form = DriveForm
    list_display = ["name", "starts_on", "ends_on", "goal", "raised"]
    prepopulated_fields = {"slug": ["name"]}
    fields = [
        "name", "slug", "goal", "currency", "starts_on", "ends_on",
        "story", "how_to_give", "thanks",
    ]  # fmt: skip

    def view_on_site(self, obj: Drive) -> str | None:
        """Its page, once it has begun: before that readers find nothing there."""
        return obj.get_absolute_url() if obj.starts_on <= timezone.localdate() else None

    @admin.display(description="raised")
    def raised(self, drive: Drive) -> str:
        state = progress(drive)
        return f"{state.raised} ({state.percent} %)"

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["media"] = Media.from_media(context["media"], nonce=request.csp_nonce)  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)


class DonationForm(forms.ModelForm):
    """A gift with its amount, typed in the drive's currency."""

    amount = MoneyField(
        min_value=Decimal("0.001"),
        help_text="In the drive's currency.",
        error_messages={"min_value": "A gift is more than zero."},
    )

    class Meta:
        model = Donation
        fields = ["drive", "amount", "method", "received_on", "donor_name", "note"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("received_on") and data["received_on"] > timezone.localdate():
            self.add_error("received_on", "This day is still to come.")
        self._refuse_too_early(data)
        if "amount" in data and "drive" in data:
            try:
                self.amount_minor = to_minor(data["amount"], data["drive"].currency)
            except ValueError as error:
                self.add_error("amount", str(error))
        return data

    def _refuse_too_early(self, data: dict[str, Any]) -> None:
        drive, day = data.get("drive"), data.get("received_on")
        if drive and day and day < drive.starts_on:
            self.add_error("received_on", f"The drive began later, on {drive.starts_on:%-d %B %Y}.")


class LedgerForm(forms.ModelForm):
    """A refund or correction: what changes, in the drive's currency, and why."""

    # A gift is received once, when it is entered.
    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in LedgerEntry.Kind if kind != "received"]
    )
    amount = MoneyField(help_text="Negative takes away.")

    class Meta:
        model = LedgerEntry
        fields = ["kind", "amount", "reason"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, amount = data.get("kind"), data.get("amount")
        if kind == LedgerEntry.Kind.REFUNDED and amount is not None and amount >= 0:
            self.add_error("amount", "A refund is negative, such as -10.00.")
        if kind == LedgerEntry.Kind.CORRECTION and not data.get("reason"):
            self.add_error("reason", "Say why, for whoever reads the books.")
        if amount is not None:
            self._set_minor(amount)
        return data

    def _set_minor(self, amount: Decimal) -> None:
        try:
            self.instance.amount_minor = to_minor(amount, self.instance.donation.drive.currency)
        except ValueError as error:
            self.add_error("amount", str(error))
        if amount == 0:
            self.add_error("amount", "Zero changes nothing.")
        elif not self.has_error("amount"):
            self._refuse_below_zero()

    def _refuse_below_zero(self) -> None:
        donation = self.instance.donation
        held = giving.held_minor(donation)
        if held + self.instance.amount_minor < 0:
            text = format_money(held, donation.drive.currency)
            self.add_error("amount", f"This gift holds only {text}.")


class EntriesInline(admin.StackedInline):
    """What the ledger says of this gift."""

    model = LedgerEntry
    extra = 0
    can_delete = False
    verbose_name_plural = "in the ledger"
    readonly_fields = ["kind", "amount", "reason", "recorded_at", "recorded_by"]
    fields = (("kind", "amount", "reason", "recorded_at", "recorded_by"),)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AmendInline(admin.StackedInline):
    """A refund or correction to append."""

    model = LedgerEntry
    form = LedgerForm
    extra = 0
    max_num = 1
    verbose_name = "refund or correction"
    verbose_name_plural = "refund or correct"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).none()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Donation)
class DonationAdmin(admin.ModelAdmin):
    """Gifts. Entered once; later changes are entries in the ledger."""

    list_display = ["received_on", "amount", "drive", "method", "donor_name"]
    list_filter = ["drive", "method"]
    list_select_related = ["drive"]
    search_fields = ["donor_name", "note"]
    date_hierarchy = "received_on"

    fields = ("drive", "amount", "method", "received_on", "donor_name", "note")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not change:
            kwargs["form"] = DonationForm
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["drive", "amount", "method", "received_on"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [EntriesInline, AmendInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("entries")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The open drive is the likely one."""
        current = Drive.objects.open_on(timezone.localdate()).first()
        return {"drive": current.pk} if current else {}

    @admin.display(description="amount")
    def amount(self, donation: Donation) -> str:
        """What the ledger holds of this gift."""
        total = sum(entry.amount_minor for entry in donation.entries.all())
        return format_money(total, donation.drive.currency)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        editor = cast(User, request.user)
        giving.receive(obj, amount_minor=form.amount_minor, now=timezone.now(), by=editor)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for entry in formset.save(commit=False):
            giving.amend(entry, now=timezone.now(), by=cast(User, request.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
