"""The public library of studies."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from research.embedding import highwire_tags, schema_org_html
from research.exporting import EXPORT_LABELS, studies_as_file
from research.library import SORTS, as_query, choices, chosen_sort, select
from research.models import Study

PER_PAGE = 30


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """All studies, or those that fit the chosen condition, design, year and access."""
    filters, sort = choices(request.GET), chosen_sort(request.GET)
    page = Paginator(select(filters, sort), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters,
        "sort": sort,
        "sorts": [(name, label) for name, (label, _) in SORTS.items()],
        "exports": EXPORT_LABELS,
        "query": as_query(filters, sort),
    }
    return render(request, "research/library.html", context)


@require_safe
def export_library(request: HttpRequest, form: str) -> HttpResponse:
    """The studies that fit the chosen filters, all pages of them, as a file."""
    studies = select(choices(request.GET), chosen_sort(request.GET))
    return studies_as_file(studies, form, "library")


@require_safe
def export_study(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """One study as a file."""
    found = get_object_or_404(Study, slug=slug)
    return studies_as_file([found], form, found.slug)


@require_safe
def study(request: HttpRequest, slug: str) -> HttpResponse:
    """One study: its citation, what it can show, and the articles about it."""
    found = get_object_or_404(Study, slug=slug)
    context = {
        "study": found,
        "exports": EXPORT_LABELS,
        "highwire": highwire_tags(found),
        "schema_org": schema_org_html(found),
    }
    return render(request, "research/study.html", context)
