from django.urls import path, re_path

from research import views

app_name = "research"
urlpatterns = [
    path("", views.library, name="library"),
    re_path(r"^library\.(?P<form>ris|bib|json)$", views.export_library, name="export_library"),
    re_path(
        r"^(?P<slug>[-\w]+)/cite\.(?P<form>ris|bib|json)$", views.export_study, name="export_study"
    ),
    path("<slug:slug>/", views.study, name="study"),
]
