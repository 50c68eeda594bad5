"""Studies in the newsroom."""

from django.contrib import admin

from research.models import Condition, Study


@admin.register(Study)
class StudyAdmin(admin.ModelAdmin):
    """The library: one row a publication, and the line that readers see."""

    list_display = ["title", "short_citation", "journal", "design", "access"]
    list_filter = ["access", "design", "conditions", "year"]
    search_fields = ["title", "authors", "doi"]
    filter_horizontal = ["conditions"]
    readonly_fields = ["evidence_line"]
    fieldsets = [
        (None, {"fields": ["doi", "title", "authors", "plain_sentence"]}),
        ("Where", {"fields": ["journal", "year", "volume", "issue", "pages", "access"]}),
        (
            "What it can carry",
            {
                "fields": [
                    "conditions", "design", "patients", "controls", "criteria", "malaise",
                    "reviewed", "funding", "evidence_line",
                ]
            },
        ),
    ]  # fmt: skip


@admin.register(Condition)
class ConditionAdmin(admin.ModelAdmin):
    """Illnesses that studies are about."""

    list_display = ["name"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}
