"""Studies in the newsroom."""

from django.contrib import admin

from research.models import Study


@admin.register(Study)
class StudyAdmin(admin.ModelAdmin):
    """The library: one row a publication."""

    list_display = ["title", "short_citation", "journal", "access"]
    list_filter = ["access", "year"]
    search_fields = ["title", "authors", "doi"]
