"""Notices about studies in the newsroom: found by the watch, dealt with by editors."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from research import watching
from research.models import Notice

SHOWN = (
    "study", "kind", "the_notice", "told_by", "dated_on", "noticed_at", "stands",
    "settled_at", "settled_by",
)  # fmt: skip


class OpenFilter(admin.SimpleListFilter):
    """Those that wait for an editor, or those that do not."""

    title = "dealt with"
    parameter_name = "settled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Waits for an editor"), ("yes", "Dealt with")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notice]) -> QuerySet[Notice]:
        if self.value() in ("no", "yes"):
            return queryset.filter(settled_at__isnull=self.value() == "no")
        return queryset


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin):
    """What the watch found. Its words are the source's; what becomes of it is the editors'."""

    list_display = ["kind", "cited", "dated_on", "told_by", "stands", "settled_at", "settled_by"]
    list_filter = [OpenFilter, "kind", "stands"]
    list_select_related = ["study", "settled_by"]
    search_fields = ["study__title", "study__authors", "study__doi", "doi"]
    ordering = ["-noticed_at", "-pk"]
    actions = ["deal_with", "set_aside", "let_stand"]
    fields = SHOWN
    readonly_fields = SHOWN

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        # A row that is gone would come back with the next check.
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Django's, without buttons to save: nothing on it is typed."""
        no_buttons = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **no_buttons}
        )

    @admin.display(description="study", ordering="study__authors")
    def cited(self, notice: Notice) -> str:
        """Such as "Gentile et al 2019"."""
        return notice.study.short_citation

    @admin.display(description="the notice")
    def the_notice(self, notice: Notice) -> str:
        """A link to it, if its DOI is known."""
        if not notice.doi:
            return "its DOI is not known"
        return format_html('<a href="{}">{}</a>', notice.doi_url, notice.doi)

    @admin.display(description="who says so")
    def told_by(self, notice: Notice) -> str:
        """Such as "the publisher and Retraction Watch"."""
        return notice.told_by

    def get_urls(self) -> list[URLPattern]:
        settle = self.admin_site.admin_view(require_POST(self.settle_view))
        return [
            path("<int:pk>/settle/", settle, name="research_notice_settle"),
            *super().get_urls(),
        ]

    def settle_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The button on the newsroom's first page."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        self.deal_with(request, Notice.objects.filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:index"))

    @admin.action(
        description="Dealt with: take it off the list of what waits", permissions=["change"]
    )
    def deal_with(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        count = watching.settle(queryset, request.user, now=timezone.now())  # type: ignore[arg-type]
        self._say(request, count, "dealt with")

    @admin.action(description="Set aside: readers no longer see it", permissions=["change"])
    def set_aside(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        self._let(request, queryset, stands=False)

    @admin.action(description="Let it stand: readers see it again", permissions=["change"])
    def let_stand(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        self._let(request, queryset, stands=True)

    def _let(self, request: HttpRequest, queryset: QuerySet[Notice], *, stands: bool) -> None:
        now = timezone.now()
        count = watching.set_aside(queryset, request.user, stands=stands, now=now)  # type: ignore[arg-type]
        self._say(request, count, "shown to readers again" if stands else "set aside")

    def _say(self, request: HttpRequest, count: int, what: str) -> None:
        if count:
            text = f"{count} notice{pluralize(count)} {what}."
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, "Nothing has changed: that was done before.")
