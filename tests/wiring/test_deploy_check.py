"""Production starts only when it is safe, and says in a sentence what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FULL = {
    "SECRET_KEY": "fJ2!kd8#Lq0ZtPw5_xY7vB3nM9cR1sH6gU4eA-oI+zXyQwErTy",
    "DATABASE_URL": "postgres://fibrosite:secret@127.0.0.1:1/fibrosite",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SITE_URL": "https://news.example.org",
    "DIGEST_FROM": "Our news <digest@example.org>",
    "LETTERS_FROM": "Our news <hello@example.org>",
    "SENDER_NAME": "Our news association",
    "POSTAL_ADDRESS": "1 Long Road, Example Town",
    "LEGAL_STATUS": "Our news is a club; gifts are not tax-deductible.",
}
# Without them the site starts, and is warned of.
WATCHFUL = {
    "BOUNCE_ADDRESS": "bounces@example.org",
    "BOUNCE_MAILBOX": "imaps://bounces%40example.org:secret@mail.example.org/INBOX",
}
CHECK = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]


def run(
    arguments: list[str], tmp_path: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python under the production settings, with nothing in the environment but this."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    place = {"DJANGO_SETTINGS_MODULE": "fibrosite.settings.prod", "VAR_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, **place, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_full_environment_is_clean(tmp_path: Path):
    done = run(CHECK, tmp_path, **FULL, **WATCHFUL)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", FULL)
def test_each_missing_variable_is_named_in_a_sentence(tmp_path: Path, name: str):
    done = run(CHECK, tmp_path, **{**FULL, name: ""})
    assert done.returncode == 1
    sentence = f"Fibrosite cannot start: these are not set in the environment: {name} ("
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert [other for other in FULL if f"{other} (" in done.stderr] == [name]


def test_an_empty_environment_names_all_at_once(tmp_path: Path):
    done = run(CHECK, tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [name for name in FULL if f"{name} (" not in done.stderr] == []


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("SITE_URL", "http://news.example.org", "fibrosite.E001"),
        ("DIGEST_FROM", "us@gmail.com", "fibrosite.E002"),
        ("LETTERS_FROM", "us@fibrosite.example", "fibrosite.E002"),
        ("LETTERS_FROM", "Our news <digest@example.org>", "fibrosite.E003"),
        ("SECRET_KEY", "short", "security.W009"),
    ],
)
def test_an_unsafe_value_is_refused(tmp_path: Path, name: str, value: str, check: str):
    done = run(CHECK, tmp_path, **{**FULL, name: value})
    assert done.returncode == 1
    assert check in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_and_its_mailbox_are_not_in_production(tmp_path: Path):
    code = """
import django
django.setup()
from django.apps import apps
from django.conf import settings
from django.urls import Resolver404, resolve
assert not apps.is_installed("fibrosite.demo")
for path in ("/mailbox/", "/media/articles/x.jpg"):
    try:
        print("found", path, resolve(path))
    except Resolver404:
        print("missing", path)
print(settings.DEBUG, settings.SECURE_HSTS_SECONDS > 0, settings.ALLOWED_HOSTS[0])
"""
    done = run(["-c", code], tmp_path, **FULL)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "missing /mailbox/",
        "missing /media/articles/x.jpg",
        "False True news.example.org",
    ]


def test_the_demos_settings_do_not_pass_for_production(tmp_path: Path):
    done = run(CHECK, tmp_path, **{**FULL, "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev"})
    assert done.returncode == 1
    assert "fibrosite.E004" in done.stderr


def test_a_provider_without_its_key_is_refused(tmp_path: Path):
    provider = "anymail.backends.mailgun.EmailBackend"
    done = run(CHECK, tmp_path, **FULL, EMAIL_BACKEND=provider)
    assert done.returncode != 0
    assert "fibrosite.E005" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_that_begins_with_a_dollar_stays_itself(tmp_path: Path):
    show = "from django.conf import settings as s; print(s.SECRET_KEY, s.EMAIL_HOST_PASSWORD)"
    secrets = {**FULL, "SECRET_KEY": "$abc" * 20, "EMAIL_HOST_PASSWORD": "$ecret"}
    done = run(["-c", show], tmp_path, **secrets)
    assert done.stdout == f"{'$abc' * 20} $ecret\n"


def test_lists_may_have_spaces(tmp_path: Path):
    show = "from django.conf import settings as s; print(s.ALLOWED_HOSTS, s.SECRET_KEY_FALLBACKS)"
    lists = {**FULL, "ALLOWED_HOSTS": "a.example, b.example", "SECRET_KEY_FALLBACKS": "one, two"}
    done = run(["-c", show], tmp_path, **lists)
    assert "'a.example', 'b.example'" in done.stdout
    assert done.stdout.endswith("['one', 'two']\n")


def test_the_web_refuses_in_one_sentence_too(tmp_path: Path):
    done = run(["-c", "import fibrosite.wsgi"], tmp_path)
    assert done.returncode == 1
    assert "SECRET_KEY (" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_with_odd_signs_keeps_its_database(tmp_path: Path):
    show = "from django.conf import settings as s; print(s.DATABASES['default']['NAME'])"
    odd = tmp_path / "c#d?e"
    development = {"DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev", "VAR_DIR": str(odd)}
    done = run(["-c", show], tmp_path, **development)
    assert done.stdout == f"{odd / 'fibrosite.sqlite3'}\n"


STRIPE = {"STRIPE_WEBHOOK_SECRET": "whsec_x"}
PAYPAL = {"PAYPAL_CLIENT_ID": "x", "PAYPAL_WEBHOOK_ID": "x"}


@pytest.mark.parametrize(
    ("keys", "warnings"),
    [
        ({**STRIPE, "STRIPE_API_KEY": "sk_test_x"}, ["card"]),
        ({**STRIPE, "STRIPE_API_KEY": "sk_live_x"}, []),
        ({**PAYPAL, "PAYPAL_API_BASE": "https://api-m.sandbox.paypal.com"}, ["PayPal"]),
        (PAYPAL, []),
    ],
)
def test_keys_of_the_test_mode_are_warned_of(
    tmp_path: Path, keys: dict[str, str], warnings: list[str]
):
    done = run(CHECK, tmp_path, **FULL, **WATCHFUL, **keys)
    assert done.returncode == len(warnings)
    assert done.stderr.count("fibrosite.W001") == len(warnings)
    assert all(f"Gifts by {one} are of the test mode." in done.stderr for one in warnings)


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ({"STRIPE_API_KEY": "sk_live_x"}, "STRIPE_WEBHOOK_SECRET"),
        ({"PAYPAL_CLIENT_ID": "x"}, "PAYPAL_WEBHOOK_ID"),
    ],
)
def test_gifts_that_would_never_be_booked_are_refused(
    tmp_path: Path, keys: dict[str, str], missing: str
):
    done = run(CHECK, tmp_path, **FULL, **WATCHFUL, **keys)
    assert done.returncode == 1
    assert f"{missing} is not set." in done.stderr
