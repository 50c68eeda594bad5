"""The ledger of copies."""

from django.contrib import admin

from newsletter.admin.base import ReadOnlyAdmin
from newsletter.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The ledger of copies."""

    list_display = ["subscriber", "digest", "state", "reason", "attempts", "settled_at"]
    list_filter = ["state", "digest"]
    list_select_related = ["subscriber", "digest"]
    search_fields = ["subscriber__email"]
    show_full_result_count = False
