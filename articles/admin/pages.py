"""Evergreen pages in the newsroom."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest

from articles.admin.blocks import PAGE_INLINES
from articles.admin.documents import DocumentAdmin
from articles.admin.references import PageReferenceInline
from articles.models import Page
from articles.views import page_context


@admin.register(Page)
class PageAdmin(DocumentAdmin):
    """Write, have it reviewed, publish."""

    inlines: ClassVar[list[Any]] = [PageReferenceInline, *PAGE_INLINES]
    list_display = ["title", "state", "reviewer", "reviewed_on"]
    list_filter = ["state", "reviewer"]
    list_select_related = ["reviewer"]
    search_fields = ["title", "standfirst", "slug"]
    prepopulated_fields = {"slug": ["title"]}
    fieldsets = [
        (None, {"fields": ["title", "standfirst", "slug"]}),
        ("Review and publication", {"fields": ["reviewer", "reviewed_on", "state"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Publishing needs the permission."""
        return [] if request.user.has_perm("articles.publish_page") else ["state"]

    def holds(self, document: Page, form: Any) -> bool:
        before = form.initial.get("state", Page.State.DRAFT)
        if not document.is_public() or before == Page.State.PUBLISHED:
            return False
        document.state = before
        document.save(update_fields=["state", "updated_at"])
        return True

    def after_saving(self, request: HttpRequest, document: Page, form: Any) -> None:
        if "state" in form.changed_data and document.is_public():
            self.message_user(request, f"Readers see “{document}” now.", messages.SUCCESS)

    def shown(self, document: Page) -> tuple[str, dict[str, Any]]:
        return "articles/page.html", page_context(document)
