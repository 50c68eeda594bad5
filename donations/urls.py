from django.urls import path

from donations import views

app_name = "donations"
urlpatterns = [
    path("donate/", views.donate, name="donate"),
    path("drives/<slug:slug>/", views.drive, name="drive"),
]
