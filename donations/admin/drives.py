"""Drives, what belongs to them, and where each stands."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from js_asset import Media

from donations import booking, charts, months
from donations.admin.base import MoneyField, desk_page, major, minor_of, only_with
from donations.ledger import progress
from donations.models import Drive, DriveRate, LedgerEntry, Match, Milestone
from fibrosite.lib.money import CURRENCIES, format_money

# More than any milestone.
FAR_AWAY = 10**18
CURRENCY_CHOICES = [(code, code) for code in CURRENCIES]


class DriveForm(forms.ModelForm):
    """A drive whose goals are typed as people write them."""

    goal = MoneyField(min_value=Decimal(1), help_text="In the currency below.")
    stretch_goal = MoneyField(
        required=False, help_text="Shown as such. Leave it empty if there is none."
    )
    currency = forms.ChoiceField(choices=CURRENCY_CHOICES, initial="USD")

    class Meta:
        model = Drive
        fields = [
            "name", "slug", "currency", "starts_on", "ends_on", "story", "how_to_give", "thanks",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        drive = self.instance
        if drive.pk:
            self.initial["goal"] = major(drive.goal_minor, drive.currency)
            self.initial["stretch_goal"] = major(drive.stretch_goal_minor, drive.currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "currency" in data:
            self._set_goals(data["currency"])
        self._refuse_overlap(data)
        return data

    def _set_goals(self, currency: str) -> None:
        goal = minor_of(self, "goal", currency)
        stretch = minor_of(self, "stretch_goal", currency)
        if goal is not None:
            self.instance.goal_minor = goal
        if goal is not None and stretch is not None and stretch <= goal:
            self.add_error("stretch_goal", "The stretch goal is higher than the goal.")
            return
        self.instance.stretch_goal_minor = stretch

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


class RateForm(forms.ModelForm):
    """A rate, fixed once a gift was booked by it."""

    currency = forms.ChoiceField(choices=CURRENCY_CHOICES)

    class Meta:
        model = DriveRate
        fields = ["currency", "rate"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        rate = self.instance
        kept = DriveRate.objects.filter(pk=rate.pk).first()
        if kept and self.has_changed() and _is_used(kept):
            raise forms.ValidationError("Gifts were booked by this rate: it is fixed.")
        same = DriveRate.objects.filter(drive=rate.drive_id, currency=data.get("currency"))
        if same.exclude(pk=rate.pk).exists():
            self.add_error("currency", "It has a rate already.")
        return data


class Distinct(forms.BaseInlineFormSet):
    """Rows of a drive of which no two may say the same in the field `once`."""

    once = ""

    def clean(self) -> None:
        super().clean()
        seen = set()
        for form in self.forms:
            value = getattr(form, "cleaned_data", {}).get(self.once)
            if value is None or form in self.deleted_forms:
                continue
            if value in seen:
                form.add_error(self.once, "Another row says the same.")
            seen.add(value)


class DistinctRates(Distinct):
    """One rate a currency."""

    once = "currency"


class DistinctMilestones(Distinct):
    """One milestone a sum."""

    once = "at"


def _is_used(rate: DriveRate) -> bool:
    return LedgerEntry.objects.filter(drive=rate.drive, currency=rate.currency).exists()


class RateInline(admin.StackedInline):
    """What other currencies count in this drive."""

    model = DriveRate
    form = RateForm
    formset = DistinctRates
    extra = 0
    can_delete = False
    fields = (("currency", "rate"),)
    verbose_name = "rate of another currency"
    verbose_name_plural = "rates of other currencies"


@admin.register(DriveRate)
class FundRateAdmin(admin.ModelAdmin):
    """What other currencies count in the fund. Those of a drive stand on its own page."""

    form = RateForm
    list_display = ["currency", "rate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[DriveRate]:
        return super().get_queryset(request).filter(drive=None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MatchForm(forms.ModelForm):
    """A match whose cap is typed as people write it."""

    cap = MoneyField(
        min_value=Decimal("0.001"), help_text="In the drive's currency.",
        error_messages={"min_value": "A cap is more than zero."},
    )  # fmt: skip

    class Meta:
        model = Match
        fields = ["name", "ratio", "cap", "from_at", "until_at", "words"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["cap"] = major(self.instance.cap_minor, self.instance.drive.currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        cap = minor_of(self, "cap", self.instance.drive.currency or "USD")
        if cap is not None:
            self.instance.cap_minor = cap
        begins, ends = data.get("from_at"), data.get("until_at")
        if begins and ends and ends <= begins:
            self.add_error("until_at", "It ends before it begins.")
        if data.get("ratio") is not None and data["ratio"] <= 0:
            self.add_error("ratio", "It is more than zero: 1 doubles each gift.")
        return data


class MatchInline(admin.StackedInline):
    """Who adds to each gift."""

    model = Match
    form = MatchForm
    extra = 0
    can_delete = False
    readonly_fields = ["booked"]
    fields = ["name", ("ratio", "cap"), ("from_at", "until_at"), "words", "booked"]

    def cap(self, match: Match) -> str:
        """For those who may only look at it."""
        return format_money(match.cap_minor, match.drive.currency)

    @admin.display(description="added so far")
    def booked(self, match: Match) -> str:
        return format_money(match.booked_minor, match.drive.currency) if match.pk else "-"


class MilestoneForm(forms.ModelForm):
    """A milestone whose sum is typed as people write it."""

    at = MoneyField(
        min_value=Decimal("0.001"), help_text="In the drive's currency.",
        error_messages={"min_value": "A milestone is more than zero."},
    )  # fmt: skip

    class Meta:
        model = Milestone
        fields = ["at", "words"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["at"] = major(self.instance.at_minor, self.instance.drive.currency)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        at = minor_of(self, "at", self.instance.drive.currency or "USD")
        if at is not None:
            self.instance.at_minor = at
        return data


class MilestoneInline(admin.StackedInline):
    """Sums on the way, with words of their own."""

    model = Milestone
    form = MilestoneForm
    formset = DistinctMilestones
    extra = 0
    fields = (("at", "words"),)


@admin.register(Drive)
class DriveAdmin(admin.ModelAdmin):
    """Drives, and where each stands."""

    form = DriveForm
    list_display = ["name", "starts_on", "ends_on", "goal", "raised"]
    prepopulated_fields = {"slug": ["name"]}
    change_form_template = "admin/donations/drive/change_form.html"
    fields = [
        "name", "slug", ("goal", "stretch_goal", "currency"), ("starts_on", "ends_on"),
        "story", "how_to_give", "thanks",
    ]  # fmt: skip

    def view_on_site(self, obj: Drive) -> str | None:
        """Its page, once it has begun: before that readers find nothing there."""
        return obj.get_absolute_url() if obj.starts_on <= timezone.localdate() else None

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        # They need the currency of the drive.
        return [MatchInline, MilestoneInline, RateInline] if obj else []

    def get_urls(self) -> list[URLPattern]:
        figures = self.admin_site.admin_view(self.figures_view)
        fund = self.admin_site.admin_view(self.fund_view)
        return [
            path("<int:pk>/figures/", figures, name="donations_figures"),
            path("fund/", fund, name="donations_fund"),
            *super().get_urls(),
        ]

    @admin.display(description="raised")
    def raised(self, drive: Drive) -> str:
        state = progress(drive)
        return f"{state.raised} ({state.percent} %)"

    @only_with("donations.view_drive")
    def figures_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Where the drive stands, day by day, without a name of anybody."""
        drive, today = get_object_or_404(Drive, pk=pk), timezone.localdate()
        standing = progress(drive)
        return desk_page(
            self,
            request,
            "drive/figures",
            title="Figures",
            drive=drive,
            progress=standing,
            state=drive.state_on(today, raised_minor=standing.raised_minor),
            matches=drive.matches.all(),
            milestones=drive.milestones.all(),
            chart=charts.chart(drive, today=today),
        )

    @only_with("donations.view_drive")
    def fund_view(self, request: HttpRequest) -> HttpResponseBase:
        """What came without a drive, month by month, without a name of anybody."""
        chart = months.chart(today=timezone.localdate())
        return desk_page(
            self, request, "drive/fund", title="The fund", progress=progress(None), chart=chart
        )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        now = timezone.now()
        if formset.model is Match:
            for match in formset.save(commit=False):
                booking.save_match(match, now=now)
            return
        if formset.model is Milestone:
            _step_aside(formset)
        super().save_formset(request, form, formset, change)
        if formset.model is Milestone:
            _mark_milestones(form.instance, now=now)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["media"] = Media.from_media(context["media"], nonce=request.csp_nonce)  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)


def _step_aside(formset: Any) -> None:
    """Milestones that move pass one another: no two may stand at one sum meanwhile."""
    moved = [form.instance.pk for form in formset.initial_forms if "at" in form.changed_data]
    for place, pk in enumerate(moved, start=1):
        Milestone.objects.filter(pk=pk).update(at_minor=FAR_AWAY + place)


def _mark_milestones(drive: Drive, *, now: datetime) -> None:
    """A milestone that is entered late may be passed already."""
    raised = progress(drive).raised_minor
    drive.milestones.filter(at_minor__gt=raised).update(reached_at=None)
    drive.milestones.filter(at_minor__lte=raised, reached_at=None).update(reached_at=now)
