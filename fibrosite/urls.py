"""Addresses of the whole site."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path, re_path
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from django.views.static import serve

from articles.sitemaps import (
    ArticleSitemap,
    AuthorSitemap,
    InformationSitemap,
    SeriesSitemap,
    TagSitemap,
)
from fibrosite.health import healthz
from fibrosite.sitemaps import DriveSitemap, PageSitemap, StudySitemap

SITEMAPS = {
    "pages": PageSitemap,
    "articles": ArticleSitemap,
    "tags": TagSitemap,
    "authors": AuthorSitemap,
    "series": SeriesSitemap,
    "information": InformationSitemap,
    "studies": StudySitemap,
    "drives": DriveSitemap,
}

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path(
        "robots.txt",
        TemplateView.as_view(template_name="robots.txt", content_type="text/plain"),
        name="robots",
    ),
    path("sitemap.xml", require_safe(sitemap), {"sitemaps": SITEMAPS}, name="sitemap"),
    path("studies/", include("research.urls")),
    path("", include("newsletter.urls")),
    path("", include("newsletter.events.urls")),
    path("", include("donations.urls")),
    path("", include("articles.urls")),
]

if apps.is_installed("fibrosite.demo"):
    urlpatterns += [
        path("mailbox/", include("fibrosite.demo.urls")),
        re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
    ]

handler404 = "fibrosite.errors.not_found"
handler500 = "fibrosite.errors.server_error"
