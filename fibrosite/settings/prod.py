"""Production: everything secret or particular to a site comes from the environment."""

import os

from django.core.exceptions import ImproperlyConfigured

from fibrosite.settings.base import *  # noqa: F403
from fibrosite.settings.base import STATIC_ROOT, env

REQUIRED = {
    "SECRET_KEY": "a long random string that signs links and sessions",
    "DATABASE_URL": "the database, such as postgres://user:password@host/name",
    "REDIS_URL": "the broker and cache, such as redis://host:6379/0",
    "SITE_URL": "the public address of the site, such as https://example.org",
    "DIGEST_FROM": 'the sender of digests, such as "Our news <digest@example.org>"',
    "LETTERS_FROM": "the sender of all other mail, another address of the same domain",
    "SENDER_NAME": "the legal name of who sends, shown in each letter",
    "POSTAL_ADDRESS": "the postal address that the law wants in each letter",
    "LEGAL_STATUS": "one sentence on what kind of organisation takes the gifts",
}
_missing = [f"{name} ({what})" for name, what in REQUIRED.items() if not os.environ.get(name)]
if _missing:
    raise ImproperlyConfigured(
        "these are not set in the environment: " + "; ".join(_missing) + ". See .env.example."
    )

DEBUG = False
# Not by `env`, which takes a value that begins with $ for the name of another variable.
SECRET_KEY = os.environ["SECRET_KEY"]
SECRET_KEY_FALLBACKS = os.environ.get("SECRET_KEY_FALLBACKS", "").replace(",", " ").split()
# The loopback names are for health probes on the same machine.
ALLOWED_HOSTS = [
    env.url("SITE_URL").hostname,
    *env.str("ALLOWED_HOSTS", "").replace(",", " ").split(),
    "127.0.0.1",
    "localhost",
]

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)

SECURE_SSL_REDIRECT = True
# A health probe speaks plain HTTP to the process, not to the public address.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
if env.int("PROXY_COUNT", 0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000
# Sub-domains (a forum, an old site) may not speak HTTPS: their owner decides, not we.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
