from django.urls import path, re_path
from django.views.decorators.http import require_safe

from research import views
from research.feeds import LatestStudies

app_name = "research"
urlpatterns = [
    path("", views.library, name="library"),
    path("feed/", require_safe(LatestStudies()), name="feed"),
    re_path(r"^library\.(?P<form>ris|bib|json)$", views.export_library, name="export_library"),
    re_path(
        r"^(?P<slug>[-\w]+)/cite\.(?P<form>ris|bib|json)$", views.export_study, name="export_study"
    ),
    path("<slug:slug>/", views.study, name="study"),
]
