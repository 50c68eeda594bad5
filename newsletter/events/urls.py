from django.urls import path

from newsletter.events import webhooks

app_name = "events"
urlpatterns = [path("hooks/mail/<slug:provider>/", webhooks.webhook, name="webhook")]
