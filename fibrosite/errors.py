"""Pages for what went wrong; they look like the site."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, with ways on."""
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, from a template that needs neither the database nor the request."""
    return HttpResponse(render_to_string("500.html"), status=500)
