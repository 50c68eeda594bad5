from django.urls import path

from donations import embeds, own, views, webhooks

app_name = "donations"
urlpatterns = [
    path("donate/", views.donate, name="donate"),
    path("donate/promise/", views.promise, name="promise"),
    path("donate/promise/<uuid:key>/", views.promised, name="promised"),
    path("donate/own/", own.ask, name="own_ask"),
    path("donate/own/asked/", own.asked, name="own_asked"),
    path("donate/own/<str:token>/", own.page, name="own"),
    path("donate/own/<str:token>/erase/", own.erase, name="own_erase"),
    path("donate/own/<str:token>/monthly/<uuid:key>/", own.pledge, name="own_pledge"),
    path("donate/own/<str:token>/receipt/<uuid:key>.pdf", own.receipt, name="own_receipt"),
    path("donate/own/<str:token>/<int:year>.pdf", own.statement, name="own_statement"),
    path("donate/<uuid:key>/thanks/", views.thanks, name="thanks"),
    path("donate/<uuid:key>/cancelled/", views.cancelled, name="cancelled"),
    path("fund/", views.fund, name="fund"),
    path("fund/embed/", embeds.frame, name="fund_embed"),
    path("fund/badge.svg", embeds.badge, name="fund_badge"),
    path("fund/progress.json", embeds.figures, name="fund_figures"),
    path("drives/<slug:slug>/", views.drive, name="drive"),
    path("drives/<slug:slug>/embed/", embeds.frame, name="embed"),
    path("drives/<slug:slug>/badge.svg", embeds.badge, name="badge"),
    path("drives/<slug:slug>/progress.json", embeds.figures, name="figures"),
    path("webhooks/<slug:name>/", webhooks.webhook, name="webhook"),
]
