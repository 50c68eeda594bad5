"""Gifts: entered by the treasurer one by one, several at once or from a file, and amended."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from donations import booking, giving
from donations.admin import batches, files
from donations.admin.base import (
    BY_DRIVE,
    NamesDrive,
    desk_page,
    major,
    only_with,
    person,
)
from donations.admin.forms import AmendForm, ArrivedForm, GiftForm, RefundForm, ReleaseForm
from donations.models import Donation, Drive, LedgerEntry, Pledge
from donations.providers import refunding
from donations.providers.facts import Refused, Unavailable
from fibrosite.lib.money import format_money


class EntriesInline(admin.StackedInline):
    """What the ledger says of this gift."""

    model = LedgerEntry
    extra = 0
    can_delete = False
    verbose_name_plural = "in the ledger"
    readonly_fields = ("kind", "amount", "reason", "happened_at", "recorded_by")
    fields = (readonly_fields,)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AmendInline(admin.StackedInline):
    """A refund or correction to append."""

    model = LedgerEntry
    form = AmendForm
    extra = 0
    max_num = 1
    verbose_name = "refund or correction"
    verbose_name_plural = "refund or correct"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).none()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StandingFilter(admin.SimpleListFilter):
    """Gifts by what became of them."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("awaited", "Promised, not here yet"), ("here", "Here"), ("gone", "Given back")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = {
            "awaited": {"paid_at__isnull": True, "promised_minor__gt": 0},
            "here": {"held_minor__gt": 0},
            "gone": {"paid_at__isnull": False, "held_minor__lte": 0},
        }
        return rows.filter(**cast(dict[str, Any], asked.get(self.value() or "", {})))


@admin.register(Donation)
class DonationAdmin(NamesDrive, admin.ModelAdmin):
    """Gifts. Entered once; later changes are entries in the ledger."""

    list_display = ["given_on", "amount", "goes_to", "method", "donor", "standing"]
    list_filter = [StandingFilter, BY_DRIVE, "method"]
    list_select_related = ["drive", "donor"]
    search_fields = ["donor__name", "donor__email", "note", "provider_id"]
    date_hierarchy = "given_on"
    change_list_template = "admin/donations/donation/change_list.html"
    change_form_template = "admin/donations/donation/change_form.html"
    actions = ["hide_name"]
    add_fields = (
        "drive", ("amount", "currency"), "method", "given_on", ("donor_name", "donor_email"),
        "promised", "note", "another",
    )  # fmt: skip
    kept_fields = (
        "goes_to", "amount", "standing", "method", "given_on", "donor", "provider_id", "pledge",
        "note",
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"donations_{name}")

        return [
            named("several/", self.several_view, "several"),
            named("file/", self.file_view, "file"),
            named("<int:pk>/promise/", self.promise_view, "promise"),
            named("<int:pk>/refund/", self.refund_view, "refund"),
            *super().get_urls(),
        ]

    # Entered once

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not change:
            kwargs["form"] = GiftForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.kept_fields if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [name for name in self.kept_fields if name != "note"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [EntriesInline, AmendInline] if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The open drive is the likely one."""
        current = Drive.objects.open_on(timezone.localdate()).first()
        return {"drive": current.pk} if current else {}

    @admin.display(description="amount", ordering="held_minor")
    def amount(self, gift: Donation) -> str:
        """What the ledger holds of this gift."""
        return gift.held

    @admin.display(description="standing")
    def standing(self, gift: Donation) -> str:
        """What became of it, in a word or two."""
        if gift.paid_at is None and gift.promised_minor > 0:
            currency = booking.currency_of(gift.drive)
            return f"{format_money(gift.promised_minor, currency)} promised"
        if gift.held_minor > 0:
            return "test" if gift.is_test else "here"
        return "given back" if gift.paid_at else "nothing came"

    @admin.action(description="Hide the name on the site", permissions=["change"])
    def hide_name(self, request: HttpRequest, rows: QuerySet[Donation]) -> None:
        """Also of the months to come. The giver can show it again."""
        keys = list(rows.values_list("pk", flat=True))
        hidden = {"show_name": False, "name_shown": ""}
        Pledge.objects.filter(donations__in=keys).update(**hidden)
        Donation.objects.filter(pk__in=keys).update(**hidden)
        self.message_user(request, "The name is not shown any more.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["note"])
            return
        form.enter(now=timezone.now(), by=person(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        now, by = timezone.now(), person(request)
        for entry in formset.save(commit=False):
            gift, minor = entry.donation, entry.amount_minor
            giving.amend(gift, entry.kind, minor, reason=entry.reason, now=now, by=by)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # Promises

    @only_with("donations.change_donation")
    def promise_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """GET asks what became of a promise; POST enters what came, or lets it go."""
        gift = get_object_or_404(Donation, pk=pk)
        leave = "release" in request.POST
        is_post = request.method == "POST"
        promised = sum(
            one.amount_minor for one in gift.entries.filter(kind=LedgerEntry.Kind.PLEDGED)
        )
        initial = {"amount": major(promised, gift.currency)}
        arrived = ArrivedForm(
            gift, request.POST if is_post and not leave else None, initial=initial
        )
        release = ReleaseForm(request.POST if leave else None)
        form: Any = release if leave else arrived
        if is_post and form.is_valid():
            return self._settle(request, gift, form)
        return desk_page(
            self, request, "donation/promise", title="What came of it?", gift=gift,
            promised=format_money(promised, gift.currency), arrived=arrived, release=release,
            form=form,
        )  # fmt: skip

    def _settle(self, request: HttpRequest, gift: Donation, form: Any) -> HttpResponseBase:
        now, by = timezone.now(), person(request)
        try:
            if isinstance(form, ReleaseForm):
                giving.release(gift, reason=form.cleaned_data["reason"], now=now, by=by)
                text = "The promise is let go."
            else:
                minor, day = form.amount_minor, form.cleaned_data["given_on"]
                giving.receive_promised(gift, amount_minor=minor, on=day, now=now, by=by)
                text = f"{format_money(minor, gift.currency)} received: it counts now."
        except ValueError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:donations_donation_change", args=[gift.pk]))

    # Refunds

    @only_with("donations.change_donation")
    def refund_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """GET asks how much; POST has the provider give it back."""
        gift = get_object_or_404(Donation, pk=pk)
        if not refunding.can_refund(gift):
            raise Http404
        initial = {"amount": major(gift.held_minor, gift.currency)}
        posted = request.POST if request.method == "POST" else None
        form = RefundForm(gift, posted, initial=initial)
        if posted is None or not form.is_valid():
            title = "Give back"
            return desk_page(self, request, "donation/refund", title=title, gift=gift, form=form)
        try:
            text = refunding.refund(gift, form.amount_minor)
        except (ValueError, Refused, Unavailable) as error:
            self.message_user(request, f"Nothing was given back. {error}", messages.ERROR)
        else:
            self.log_change(request, gift, text)
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:donations_donation_change", args=[pk]))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The gift, with the verbs that make sense now."""
        gift = Donation.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        can_refund = gift is not None and refunding.can_refund(gift)
        context = {**(extra_context or {}), "can_refund": can_refund}
        return super().change_view(request, object_id, form_url, context)

    # Several

    @only_with("donations.add_donation")
    def several_view(self, request: HttpRequest) -> HttpResponseBase:
        """A page for the post of a day."""
        return batches.several(self, request)

    @only_with("donations.add_donation")
    def file_view(self, request: HttpRequest) -> HttpResponseBase:
        """A file of gifts, looked through before anything is entered."""
        return files.file(self, request)
