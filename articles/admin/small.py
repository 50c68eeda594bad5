"""Bylines, topics, words and series."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path

from articles.models import Author, Series, Tag, Term

# As many as a list beside the text can show.
PICKED = 10


@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    """Bylines."""

    list_display = ["name", "role"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """Topics."""

    list_display = ["name", "label", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Term)
class TermAdmin(admin.ModelAdmin):
    """The glossary."""

    list_display = ["name", "definition"]
    search_fields = ["name", "definition"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.pick)
        return [path("pick/", view, name="articles_term_pick"), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Texts mark a term by its slug: it stays."""
        return ["slug"] if obj else []

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ["name"]}

    def pick(self, request: HttpRequest) -> JsonResponse:
        """Terms that hold all words typed, for the text editor."""
        if not self.has_view_permission(request):
            return JsonResponse({"error": "You may not see the glossary."}, status=403)
        found = Term.objects.all()
        for word in request.GET.get("q", "").split():
            found = found.filter(name__icontains=word)
        rows = list(found.values("slug", "name", "definition")[:PICKED])
        return JsonResponse({"terms": rows})


@admin.register(Series)
class SeriesAdmin(admin.ModelAdmin):
    """Articles in order. An article says itself which part it is."""

    list_display = ["title"]
    search_fields = ["title"]
    prepopulated_fields = {"slug": ["title"]}
