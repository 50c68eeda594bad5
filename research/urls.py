from django.urls import path

from research import views

app_name = "research"
urlpatterns = [
    path("", views.library, name="library"),
    path("<slug:slug>/", views.study, name="study"),
]
