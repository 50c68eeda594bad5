"""What is only looked at: the ledger, donors, monthly gifts, what providers told."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone

from donations import exporting
from donations.admin.base import BY_DRIVE, NamesDrive, ReadOnlyAdmin, desk_page, only_with
from donations.admin.forms import ExportForm
from donations.models import BooksCheck, Donation, Donor, LedgerEntry, PaymentEvent, Pledge
from fibrosite.lib.money import format_money


@admin.register(LedgerEntry)
class LedgerAdmin(NamesDrive, ReadOnlyAdmin):
    """The books, as they were written."""

    list_display = [
        "happened_at",
        "kind",
        "amount",
        "goes_to",
        "donation",
        "reason",
        "recorded_by",
    ]
    list_filter = ["kind", BY_DRIVE, "currency"]
    list_select_related = ["drive", "donation__drive", "recorded_by"]
    search_fields = ["source_key", "reason", "donation__provider_id"]
    date_hierarchy = "happened_at"
    ordering = ["-happened_at", "-pk"]
    change_list_template = "admin/donations/ledger_list.html"

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/", export, name="donations_export"), *super().get_urls()]

    @only_with("donations.view_donor")
    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """GET asks for the days; POST hands the file over."""
        form = ExportForm(request.POST) if request.method == "POST" else ExportForm()
        if not form.is_valid():
            return desk_page(self, request, "export", title="Export the ledger", form=form)
        first, last = form.cleaned_data["first"], form.cleaned_data["last"]
        content = exporting.ledger(first, last, drive=form.cleaned_data["drive"])
        response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
        name = f"ledger-{first or 'start'}-{last or timezone.localdate()}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class GiftsInline(NamesDrive, admin.StackedInline):
    """All gifts of one donor."""

    model = Donation
    extra = 0
    can_delete = False
    readonly_fields = ("given_on", "goes_to", "method", "held", "paid_at")
    fields = (readonly_fields,)
    show_change_link = True
    verbose_name_plural = "gifts"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Donor)
class DonorAdmin(admin.ModelAdmin):
    """Who gave. For the treasurer alone."""

    list_display = ["__str__", "email", "created_at"]
    search_fields = ["name", "email"]
    fields = ["name", "email"]
    inlines = [GiftsInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Pledge)
class PledgeAdmin(NamesDrive, ReadOnlyAdmin):
    """Monthly gifts."""

    list_display = ["donor", "amount", "state", "last_paid_at", "next_due_on"]
    list_filter = ["state", "provider"]
    list_select_related = ["donor"]
    search_fields = ["donor__name", "donor__email", "provider_id"]
    readonly_fields = ["goes_to"]
    fields = [
        "donor", "goes_to", "amount", "state", "started_at", "last_paid_at", "next_due_on",
        "failed_at", "ends_on", "ended_at", "provider", "provider_id",
    ]  # fmt: skip

    @admin.display(description="each month", ordering="amount_minor")
    def amount(self, pledge: Pledge) -> str:
        """As people write it."""
        return format_money(pledge.amount_minor, pledge.currency)


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    """What providers told, and what became of it."""

    list_display = ["received_at", "provider", "type", "state", "outcome"]
    list_filter = ["state", "provider", "type"]
    search_fields = ["event_id", "subject"]
    date_hierarchy = "received_at"


@admin.register(BooksCheck)
class BooksCheckAdmin(ReadOnlyAdmin):
    """Comparisons of the ledger with the providers' lists."""

    list_display = ["checked_at", "provider", "seen", "missing", "repaired"]
    list_filter = ["provider"]
