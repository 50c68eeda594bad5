"""Settings of the test suite: nothing leaves the process, passwords hash fast."""

import os
import tempfile
from pathlib import Path

# Each run writes to a folder of its own, never to the demo's.
os.environ.setdefault("VAR_DIR", str(Path(tempfile.gettempdir()) / "fibrosite-tests"))

from fibrosite.schedule import SCHEDULE
from fibrosite.settings.dev import *  # noqa: F403

SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
SITE_URL = "https://fibrosite.example"
TIME_ZONE = "UTC"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
CELERY_BEAT_SCHEDULE = SCHEDULE
# Nobody listens there: a test that looks up names its own server.
CROSSREF_URL = PUBMED_URL = "http://127.0.0.1:9"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
