"""Settings that hold everywhere. What differs by place is read from the environment."""

import os
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from js_asset import static_lazy

from articles.prose import EXTENSIONS
from fibrosite.schedule import SCHEDULE

ROOT = Path(__file__).resolve().parents[2]
env = environ.Env()

VAR_DIR = Path(env.str("VAR_DIR", str(ROOT / "var"))).resolve()

INSTALLED_APPS = [
    "fibrosite.apps.FibrositeConfig",
    "fibrosite.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "anymail",
    "content_editor",
    "csp",
    "django_prose_editor",
    "taggit",
    "research",
    "articles",
    "newsletter",
    "donations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "fibrosite.security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "fibrosite.urls"
WSGI_APPLICATION = "fibrosite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fibrosite.context.site",
            ],
        },
    },
]

# The site itself.
SITE_NAME = env.str("SITE_NAME", "Fibrosite")
SITE_TAGLINE = env.str(
    "SITE_TAGLINE", "Research on fibromyalgia, ME/CFS and long COVID, in plain words"
)
LANGUAGE_CODE = "en"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True

# How many proxies stand in front of the site and append to X-Forwarded-For.
PROXY_COUNT = env.int("PROXY_COUNT", 0)

# Database: SQLite in the embedded default, PostgreSQL by DATABASE_URL.
DATABASE_URL = env.str("DATABASE_URL", "")
DATABASES: dict[str, dict[str, Any]] = {
    "default": (
        env.db_url_config(DATABASE_URL)
        if DATABASE_URL
        else {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "fibrosite.sqlite3"}
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # A writer that starts as a reader fails at once when another writes; IMMEDIATE waits.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

REDIS_URL = env.str("REDIS_URL", "")
CACHES = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            # A form does not wait for a cache that hangs: it goes on without a limit.
            "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

# Celery: a broker of plain files unless a server is named.
BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_URL = env.str("BROKER_URL", REDIS_URL or "filesystem://")
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR),
        "data_folder_out": str(BROKER_DIR),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.2,
    }
else:
    # Longer than any task may run, so that the broker never hands out a running task again.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 600,
        # A visitor does not wait for a broker that is down: the next tick finds the work.
        "max_retries": 0,
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
# A worker takes no more than it works on: what it held back would wait, while others are idle.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
# Nothing to remember between starts: what is due stands in the database.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5

# Mail: SMTP by default; EMAIL_BACKEND names any Anymail provider, ANYMAIL_* its keys.
EMAIL_BACKEND = env.str("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = env.str("EMAIL_HOST", "localhost")
EMAIL_PORT = env.int("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
# Not by `env`, which takes a value that begins with $ for the name of another variable.
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", False)
# Shorter than a digest's lease, so that a hanging server never outlives it.
EMAIL_TIMEOUT = 20
# How many batches of digests are sent side by side, over all workers: one for each core is enough.
MAIL_SENDERS = max(1, env.int("MAIL_SENDERS", 2))
# Where workers note what they hand over; a disk of their machine, and the same after a restart.
JOURNAL_DIR = env.str("JOURNAL_DIR", str(VAR_DIR / "journal"))
# How many connections to the mail server one worker may hold at a time.
MAIL_CONNECTIONS = env.int("MAIL_CONNECTIONS", 20)
# What was on its way when a connection broke may have arrived. False: a person decides. True: it
# goes again with the same Message-ID, by which some mailboxes know a repeat; others show it twice.
MAIL_RESEND_UNKNOWN = env.bool("MAIL_RESEND_UNKNOWN", False)
ANYMAIL = {
    key.removeprefix("ANYMAIL_"): float(value) if value.isdigit() else value
    for key, value in os.environ.items()
    if key.startswith("ANYMAIL_")
}

# Outside production: the only addresses, or @domains, that letters go to. Empty: all.
MAIL_ONLY_TO = env.list("MAIL_ONLY_TO", default=[])
# How fast letters go out, in letters a second: of the whole site, and to single destinations
# ("gmail.com=20,yahoo.com=5.5"). 0 and empty: no limit. Read by newsletter.sending.limits.
MAIL_RATE = env.str("MAIL_RATE", "0")
MAIL_DOMAIN_RATES = env.str("MAIL_DOMAIN_RATES", "")
# Hours in which no digest goes out, in TIME_ZONE: "22-7".
MAIL_QUIET_HOURS = env.str("MAIL_QUIET_HOURS", "")
# The first day of a new sending domain: 200 letters then, twice as many each day that follows.
MAIL_WARM_UP_FROM = env.str("MAIL_WARM_UP_FROM", "")
# A copy of the database under another SITE_URL sends nothing until it is told to.
HOLD_COPIES = env.bool("HOLD_COPIES", True)
# Who is asked whether letters may leave, by apps that know no other app.
MAIL_MAY_LEAVE = "newsletter.home.is_at_home"
# Who is asked whose letters do not speak of the drive, likewise.
LETTERS_SPARE = "donations.callouts.who_gave"

# How long a digest waits before it goes out, so that an editor can undo it.
DIGEST_HOLD = timedelta(minutes=env.int("DIGEST_HOLD_MINUTES", 10))

# Whether search engines may list the pages of digests that went out.
ARCHIVE_INDEX = env.bool("ARCHIVE_INDEX", False)

# Where returned mail goes and is read from, with plain SMTP; a provider's webhooks need neither.
BOUNCE_ADDRESS = env.str("BOUNCE_ADDRESS", "")
# maildir:/path or imaps://user:password@host/folder; not by `env`, as a password may begin with $.
BOUNCE_MAILBOX = os.environ.get("BOUNCE_MAILBOX", "")

# Who speaks in the letters (shown in each, as the law asks), and for whom gifts are taken.
SITE_URL = env.str("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
DIGEST_FROM = env.str("DIGEST_FROM", f"{SITE_NAME} <digest@fibrosite.example>")
DEFAULT_FROM_EMAIL = env.str("LETTERS_FROM", f"{SITE_NAME} <hello@fibrosite.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
SENDER_NAME = env.str("SENDER_NAME", f"{SITE_NAME} demo")
POSTAL_ADDRESS = env.str("POSTAL_ADDRESS", "1 Example Street, Example Town (a demo address)")
LEGAL_STATUS = env.str(
    "LEGAL_STATUS", f"{SITE_NAME} is a demo. It is not a charity and takes no money."
)
# What gifts count in that belong to no drive.
FUND_CURRENCY = env.str("FUND_CURRENCY", "USD")
# Only if LEGAL_STATUS allows it may a receipt say that the gift can be deductible.
TAX_DEDUCTIBLE = env.bool("TAX_DEDUCTIBLE", False)
# The sums to choose from, and the limits, in hundredths of the currency's unit.
GIFT_AMOUNTS = [int(amount) for amount in env.list("GIFT_AMOUNTS", default=[10, 25, 50, 100])]
GIFT_MIN_MINOR = env.int("GIFT_MIN_MINOR", 200)
GIFT_MAX_MINOR = env.int("GIFT_MAX_MINOR", 1_000_000)
# What a payment costs us, for givers who want to cover it: a share and a fixed part.
GIFT_FEE_PERCENT = env.float("GIFT_FEE_PERCENT", 2.9)
GIFT_FEE_MINOR = env.int("GIFT_FEE_MINOR", 30)

# Payment providers: without keys their buttons are not shown. Not by `env`, as above.
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "")
# More than one while a new one takes over.
STRIPE_WEBHOOK_SECRET = os.environ.get("STRIPE_WEBHOOK_SECRET", "").replace(",", " ").split()
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "").rstrip("/")
PAYPAL_CLIENT_ID = os.environ.get("PAYPAL_CLIENT_ID", "")
PAYPAL_CLIENT_SECRET = os.environ.get("PAYPAL_CLIENT_SECRET", "")
PAYPAL_WEBHOOK_ID = os.environ.get("PAYPAL_WEBHOOK_ID", "")
PAYPAL_API_BASE = env.str("PAYPAL_API_BASE", "https://api-m.paypal.com").rstrip("/")
# Payments of a provider's test mode are entered, and count nowhere unless this is set.
TEST_GIFTS_COUNT = False
# Where the form to give may lead to: browsers check the address behind it, too.
PAYMENT_PAGES = [
    "https://checkout.stripe.com",
    "https://billing.stripe.com",
    "https://www.paypal.com",
    "https://www.sandbox.paypal.com",
]
if STRIPE_API_BASE or PAYPAL_API_BASE.startswith("http://127.0.0.1"):
    PAYMENT_PAGES = sorted({STRIPE_API_BASE, PAYPAL_API_BASE} - {""})

# Where studies are looked up, and how we introduce ourselves there.
VERSION = "0.1.0"
CROSSREF_URL = env.str("CROSSREF_URL", "https://api.crossref.org").rstrip("/")
PUBMED_URL = env.str("PUBMED_URL", "https://eutils.ncbi.nlm.nih.gov/entrez/eutils").rstrip("/")
RESEARCH_CONTACT = env.str("RESEARCH_CONTACT", "") or parseaddr(DEFAULT_FROM_EMAIL)[1]

# Static files, pictures.
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [ROOT / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o644

# The text editor of the newsroom: own marks, and a toolbar of buttons that keys reach.
DJANGO_PROSE_EDITOR_EXTENSIONS = [
    {
        "js": [static_lazy(f"js/editor/{name}.js") for name in ("anchors", "marks", "picker")],
        "extensions": EXTENSIONS,
    }
]
DJANGO_PROSE_EDITOR_MENU_GROUPS = [
    {"group": group}
    for group in ("blockType -lists", "lists", "nodes -blockType", "marks", "link", "history")
]

TAGGIT_TAGS_FROM_STRING = "articles.tagging.split_tags"
TAGGIT_STRING_FROM_TAGS = "articles.tagging.join_tags"

# Security that holds everywhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
LOGIN_URL = "admin:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # Two lines for each tick would bury what people look for.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # The broker of plain files has no host, and says so with each message.
        "kombu.connection": {"level": "ERROR"},
        # Two lines for each request to it.
        "stripe": {"level": "WARNING"},
        # Dozens of lines for each receipt.
        "fontTools": {"level": "WARNING"},
    },
}
