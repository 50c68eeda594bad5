"""Studies in the newsroom."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.timezone import localtime

from research.forms import StudyForm
from research.importing_views import ImportViews
from research.looking_up_views import LookUpViews
from research.models import Condition, Study
from research.notice_admin import NoticeAdmin

__all__ = ["ConditionAdmin", "NoticeAdmin", "StudyAdmin"]


@admin.register(Study)
class StudyAdmin(LookUpViews, ImportViews, admin.ModelAdmin):
    """The library: one row a publication, and the line that readers see."""

    form = StudyForm
    change_list_template = "admin/research/study/change_list.html"
    change_form_template = "admin/research/study/change_form.html"
    list_display = ["title", "short_citation", "status", "design", "access", "journal"]
    list_filter = ["conditions", "design", "access", "status", "year"]
    search_fields = ["title", "authors", "doi", "pmid"]
    radio_fields = {"access": admin.HORIZONTAL}
    readonly_fields = ["evidence_line", "standing", "last_checked", "last_fetched"]
    fieldsets = [
        ("What it is", {"fields": ["doi", "pmid", "kind", "title", "authors"]}),
        (
            "Where it appeared",
            {
                "fields": [
                    "journal", ("year", "month", "day"), ("volume", "issue", "pages"),
                    "publisher", "place", "url", "access",
                ]
            },
        ),
        ("In plain words", {"fields": ["plain_sentence", "conditions"]}),
        (
            "What it can carry",
            {
                "description": "Record only what the study itself says. What is empty reads "
                "“not stated”.",
                "fields": [
                    "design", ("patients", "controls"), "criteria", "malaise", "reviewed",
                    "funding", "evidence_line",
                ],
            },
        ),
        ("What is known of it since", {"fields": ["standing", "last_checked", "last_fetched"]}),
    ]  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Study | None = None) -> Any:
        """Of a study that is not there yet, nothing is known since."""
        return self.fieldsets if obj else self.fieldsets[:-1]

    def save_model(self, request: HttpRequest, obj: Study, form: Any, change: bool) -> None:
        """Write what the form holds and nothing else: the watch writes the status meanwhile."""
        held = {field.name for field in Study._meta.concrete_fields} & set(form.cleaned_data)
        if change and form.initial["doi"] != obj.doi:
            # What was heard about another publication says nothing of this one.
            obj.checked_at = obj.check_again_at = None
            held |= {"checked_at", "check_again_at"}
        obj.save(update_fields=held if change else None)

    @admin.display(description="status")
    def standing(self, study: Study) -> str:
        """Such as "Retracted", or that nothing is known against it."""
        return str(study.get_status_display())

    @admin.display(description="last checked")
    def last_checked(self, study: Study) -> str:
        """When the source last answered about corrections and retractions."""
        if not study.doi:
            return "Never: without a DOI, nobody tells us of corrections and retractions."
        return f"{localtime(study.checked_at):%-d %B %Y, %H:%M}" if study.checked_at else "Not yet."

    @admin.display(description="last fetched")
    def last_fetched(self, study: Study) -> str:
        """When the fields above were last compared with the source."""
        if not study.fetched_at:
            return "Never: it was entered by hand or from a file."
        return f"{localtime(study.fetched_at):%-d %B %Y, %H:%M}"


@admin.register(Condition)
class ConditionAdmin(admin.ModelAdmin):
    """Illnesses that studies are about."""

    list_display = ["name"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
