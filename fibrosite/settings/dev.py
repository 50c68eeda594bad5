"""The whole site on one machine: what `make run` starts. Never for the open internet."""

from datetime import timedelta

from django.core.management.utils import get_random_secret_key

from fibrosite.schedule import SCHEDULE
from fibrosite.settings.base import *  # noqa: F403
from fibrosite.settings.base import BROKER_DIR, INSTALLED_APPS, STATIC_ROOT, VAR_DIR, env

for folder in (STATIC_ROOT, BROKER_DIR / "control"):
    folder.mkdir(parents=True, exist_ok=True)


def _kept_secret_key() -> str:
    """A key made once for this machine, so that mailed links outlive a restart."""
    path = VAR_DIR / "secret-key"
    try:
        with path.open("x") as new:
            new.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text()


SECRET_KEY = _kept_secret_key()
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = [*INSTALLED_APPS, "fibrosite.demo"]
MAILBOX_DIR = env.path("MAILBOX_DIR", str(VAR_DIR / "mail"))

# Files come straight from their folders: no collectstatic on a newcomer's machine.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# The demo has nobody whom the registers could write to, so it does not ask them by itself.
if not env.str("RESEARCH_CONTACT", ""):
    CELERY_BEAT_SCHEDULE = {
        name: entry for name, entry in SCHEDULE.items() if name != "watch studies"
    }

# Whoever tries the demo sees the letter at once.
DIGEST_HOLD = timedelta(minutes=env.int("DIGEST_HOLD_MINUTES", 0))

# The demo's payment service moves no money, and its bar moves.
TEST_GIFTS_COUNT = True

# A demo on another port is the same demo.
HOLD_COPIES = env.bool("HOLD_COPIES", False)
