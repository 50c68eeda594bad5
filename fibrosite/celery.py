"""The Celery application; every worker and the scheduler start from here."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fibrosite.settings.prod")

app = Celery("fibrosite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
