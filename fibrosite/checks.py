"""What `manage.py check --deploy` refuses beyond Django's own list."""

from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.mail import get_connection

from donations.providers import LABELS, NAMES, provider

# Big mailbox providers refuse or hide bulk mail that claims to come from their own addresses.
FREEMAIL = {"gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "gmx.net"}


@register(Tags.security, deploy=True)
def public_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Links in letters must work for everyone and be private on the way."""
    url = urlsplit(settings.SITE_URL)
    if url.scheme == "https" and url.hostname:
        return []
    hint = "Set SITE_URL to the public address, such as https://example.org."
    return [Error(f"SITE_URL is {settings.SITE_URL!r}.", hint=hint, id="fibrosite.E001")]


@register(Tags.security, deploy=True)
def senders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Digests and other letters come from two addresses of our own domain (mail rule R7)."""
    digest = parseaddr(settings.DIGEST_FROM)[1]
    letters = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    found: list[CheckMessage] = []
    for name, address in (("DIGEST_FROM", digest), ("LETTERS_FROM", letters)):
        domain = address.rpartition("@")[2].lower()
        if not domain or domain in FREEMAIL or domain.endswith(".example"):
            hint = f"Set {name} to an address of your own domain."
            found.append(Error(f"{name} is {address!r}.", hint=hint, id="fibrosite.E002"))
    if digest == letters:
        hint = "Use two addresses, so that a full junk folder for one does not hide the other."
        found.append(
            Error("DIGEST_FROM and LETTERS_FROM are the same.", hint=hint, id="fibrosite.E003")
        )
    return found


@register(Tags.security, deploy=True)
def no_demo(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The demo shows everybody's mail: it must not be installed in production."""
    if not apps.is_installed("fibrosite.demo"):
        return []
    hint = "Set DJANGO_SETTINGS_MODULE=fibrosite.settings.prod."
    return [Error("The demo and its open mailbox are installed.", hint=hint, id="fibrosite.E004")]


@register(Tags.security, deploy=True)
def mail_backend(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The mail backend can be made: its package is there, and its keys are set."""
    try:
        get_connection()
    except Exception as error:
        hint = (
            "See EMAIL_BACKEND and ANYMAIL_* in .env.example, and the provider's page at Anymail."
        )
        return [Error(f"The mail backend cannot be used: {error}", hint=hint, id="fibrosite.E005")]
    return []


@register(Tags.security, deploy=True)
def payment_reports(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A provider that takes gifts also reports them: else they would never be booked."""
    needs = {
        "STRIPE_WEBHOOK_SECRET": settings.STRIPE_API_KEY and not settings.STRIPE_WEBHOOK_SECRET,
        "PAYPAL_WEBHOOK_ID": settings.PAYPAL_CLIENT_ID and not settings.PAYPAL_WEBHOOK_ID,
    }
    hint = "See docs/operators.md, Gifts; until then its button is not shown."
    return [
        Error(f"{name} is not set.", hint=hint, id="fibrosite.E006")
        for name, is_missing in needs.items()
        if is_missing
    ]


@register(Tags.security, deploy=True)
def live_payment_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Gifts by keys of the test mode are entered, move no money and do not count."""
    hint = "Before givers come, set the keys of the live mode, and its webhook's secret or id."
    return [
        Warning(f"Gifts by {LABELS[name]} are of the test mode.", hint=hint, id="fibrosite.W001")
        for name in NAMES
        if provider(name).can_listen() and not provider(name).is_live()
    ]
