"""The public library of studies."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from research.models import Study

PER_PAGE = 30


@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """All studies, the newest year first."""
    page = Paginator(Study.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "research/library.html", {"page": page})


@require_safe
def study(request: HttpRequest, slug: str) -> HttpResponse:
    """One study: its citation, what it can show, and the articles about it."""
    return render(request, "research/study.html", {"study": get_object_or_404(Study, slug=slug)})
