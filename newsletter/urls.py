from django.urls import path

from newsletter import archive, views

app_name = "newsletter"
urlpatterns = [
    path("digests/", archive.archive, name="archive"),
    path("digests/<int:number>/", archive.archived, name="archived"),
    path("subscribe/", views.subscribe, name="subscribe"),
    path("subscribe/check/", views.check_inbox, name="check_inbox"),
    path("confirm/<str:token>/", views.confirm, name="confirm"),
    path("preferences/<str:token>/", views.preferences, name="preferences"),
    path("preferences/<str:token>/address/", views.ask_change, name="ask_change"),
    path("change/<str:token>/", views.change, name="change"),
    path("unsubscribe/<str:token>/", views.leave, name="leave"),
    path("unsubscribe/<str:token>/undo/", views.stay, name="stay"),
    path("my-data/", views.my_data, name="my_data"),
    path("my-data/<str:token>/", views.own_data_file, name="own_data"),
    path("erase/<str:token>/", views.erase, name="erase"),
]
