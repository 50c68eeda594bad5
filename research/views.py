"""The public library of studies."""

from collections.abc import Iterable

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from research.exporting import FORMATS
from research.library import as_query, choices, chosen_sort, select
from research.models import Study

PER_PAGE = 30
EXPORT_LABELS = [("ris", "RIS"), ("bib", "BibTeX"), ("json", "CSL-JSON")]
SORT_LABELS = [("newest", "Newest first"), ("oldest", "Oldest first"), ("author", "By author")]


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """All studies, or those that fit the chosen condition, design, year and access."""
    filters, sort = choices(request.GET), chosen_sort(request.GET)
    page = Paginator(select(filters, sort), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters,
        "sort": sort,
        "sorts": SORT_LABELS,
        "exports": EXPORT_LABELS,
        "query": as_query(filters, sort),
    }
    return render(request, "research/library.html", context)


@require_safe
def export_library(request: HttpRequest, form: str) -> HttpResponse:
    """The studies that fit the chosen filters, all pages of them, as a file."""
    studies = select(choices(request.GET), chosen_sort(request.GET))
    return _as_file(studies, form, "library")


@require_safe
def export_study(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """One study as a file."""
    found = get_object_or_404(Study, slug=slug)
    return _as_file([found], form, found.slug)


def _as_file(studies: Iterable[Study], form: str, name: str) -> HttpResponse:
    write, content_type = FORMATS[form]
    response = HttpResponse(write(studies), content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


@require_safe
def study(request: HttpRequest, slug: str) -> HttpResponse:
    """One study: its citation, what it can show, and the articles about it."""
    return render(
        request,
        "research/study.html",
        {"study": get_object_or_404(Study, slug=slug)},
    )
