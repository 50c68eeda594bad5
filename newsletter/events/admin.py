"""Reports and suppressions in the newsroom, to look at."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars

from newsletter.admin.base import ReadOnlyAdmin
from newsletter.models import MailEvent, Subscriber, Suppression
from newsletter.suppressing import address_hash


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """Addresses never to mail. They are known by a hash: who they are, nobody can read here."""

    list_display = ["short_hash", "reason", "source", "since_at"]
    list_filter = ["reason"]
    fields = ["reason", "source", "since_at", "note"]
    search_fields = ["address_hash"]
    search_help_text = "A whole e-mail address."
    show_full_result_count = False

    @admin.display(description="address")
    def short_hash(self, row: Suppression) -> str:
        return f"{row.address_hash[:10]}…"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        if search_term:
            queryset = queryset.filter(address_hash=address_hash(search_term))
        return queryset, False


class _EventList(ChangeList):
    """A page of events, whose readers are looked up together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        readers = Subscriber.objects.in_bulk(
            {row.detail["reader"] for row in self.result_list if row.detail.get("reader")}
        )
        for row in self.result_list:
            row.found_reader = readers.get(row.detail.get("reader"))


@admin.register(MailEvent)
class MailEventAdmin(ReadOnlyAdmin):
    """What providers and returned mail told us."""

    list_display = ["kind", "reader", "short_words", "happened_at", "provider", "digest"]
    list_filter = ["kind", "provider"]
    list_select_related = ["digest"]
    fields = [
        "kind", "reader", "digest", "delivery", "words", "provider",
        "happened_at", "received_at", "handled_at",
    ]  # fmt: skip
    search_fields = ["address_hash"]
    search_help_text = "A whole e-mail address."
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _EventList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[MailEvent], search_term: str
    ) -> tuple[QuerySet[MailEvent], bool]:
        if search_term:
            queryset = queryset.filter(address_hash=address_hash(search_term))
        return queryset, False

    @admin.display(description="reader")
    def reader(self, row: MailEvent) -> str:
        if hasattr(row, "found_reader"):
            found = row.found_reader
        else:
            found = Subscriber.objects.filter(pk=row.detail.get("reader")).first()
        return found.email if found else ""

    @admin.display(description="in the server's words")
    def words(self, row: MailEvent) -> str:
        return row.detail.get("words", "")

    @admin.display(description="in the server's words")
    def short_words(self, row: MailEvent) -> str:
        return truncatechars(self.words(row), 50)
