"""What `manage.py check --deploy` says of the way that bounces and complaints come back."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from newsletter.events.providers import PROVIDERS, SHARED_SECRET

_ANYMAIL = "anymail.backends."


@register(Tags.security, deploy=True)
def reports_arrive(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whoever sends our mail can tell us what came back, and nobody else can pretend to."""
    backend = settings.EMAIL_BACKEND
    if backend.startswith(_ANYMAIL):
        name = backend.removeprefix(_ANYMAIL).partition(".")[0]
        found = _provider(name)
    else:
        found = _mailbox()
    secret = settings.ANYMAIL.get(SHARED_SECRET)
    if secret and (":" not in str(secret) or len(str(secret)) < 20):
        found.append(
            Warning(
                "ANYMAIL_WEBHOOK_SECRET is not a name, a colon and a long password.",
                hint="Such as: hooks:$(openssl rand -hex 24). It stands in the webhook's address.",
                id="newsletter.W003",
            )
        )
    return found


def _provider(name: str) -> list[CheckMessage]:
    provider = PROVIDERS.get(name)
    if provider is None:
        hint = "Look for complaints and bounces at the provider by hand."
        return [Warning(f"{name} sends no reports to us.", hint=hint, id="newsletter.W001")]
    if not provider.is_secured:
        hint = f"Set {provider.wants}, then the webhook at the provider (docs/operators.md)."
        what = f"Bounces and complaints do not come in: the webhook of {name} has no secret."
        return [Warning(what, hint=hint, id="newsletter.W001")]
    if provider.lacks:
        what = f"The webhook of {name} needs the package {provider.lacks}."
        return [Warning(what, hint=f"Install {provider.lacks} beside ours.", id="newsletter.W002")]
    return []


def _mailbox() -> list[CheckMessage]:
    url, address = settings.BOUNCE_MAILBOX, settings.BOUNCE_ADDRESS
    is_known = url.startswith("maildir:/") or (
        url.startswith("imaps://") and bool(urlsplit(url).hostname)
    )
    if is_known and "@" in address and "+" not in address:
        return []
    hint = "Set BOUNCE_ADDRESS and BOUNCE_MAILBOX (docs/operators.md)."
    what = "Returned mail is not read: bounces and complaints have no effect."
    return [Warning(what, hint=hint, id="newsletter.W004")]
