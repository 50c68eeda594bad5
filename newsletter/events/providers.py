"""The mail providers that Anymail knows: when their reports may come in, and what they say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.base import AnymailBaseWebhookView
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetTrackingWebhookView
from anymail.webhooks.mailtrap import MailtrapTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postal import PostalTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from django.conf import settings

from newsletter.events.refusals import judge
from newsletter.models import MailEvent

Kind = MailEvent.Kind
SHARED_SECRET = "WEBHOOK_SECRET"  # noqa: S105 - the name of a setting


@dataclass(frozen=True)
class Provider:
    """One provider's door: Anymail's view, and the settings of ANYMAIL that secure it.

    `keys`: any of them signs its reports. `takes_secret`: the shared user:password will do.
    `needs`: the package that reads its signatures, or all that it sends if it has no `keys`.
    """

    view: type[AnymailBaseWebhookView]
    keys: tuple[str, ...] = ()
    takes_secret: bool = True
    needs: str = ""

    @property
    def is_secured(self) -> bool:
        """Whether a report can be told from a forged one with the settings as they are."""
        secret = bool(settings.ANYMAIL.get(SHARED_SECRET)) and self.takes_secret
        return secret or self._has_key

    @property
    def lacks(self) -> str:
        """The package without which its reports cannot be read; "" if all is there."""
        is_needed = self.needs and (self._has_key or not self.keys)
        return self.needs if is_needed and find_spec(self.needs) is None else ""

    @property
    def _has_key(self) -> bool:
        return any(_setting(key) for key in self.keys)

    @property
    def wants(self) -> str:
        """The settings that would secure it, for people."""
        names = [*self.keys, *([SHARED_SECRET] if self.takes_secret else [])]
        return " or ".join(f"ANYMAIL_{name}" for name in names)


def _setting(name: str) -> Any:
    # Anymail reads some keys as settings of their own, too.
    return settings.ANYMAIL.get(name) or getattr(settings, name, None)


PROVIDERS: dict[str, Provider] = {
    "amazon_ses": Provider(AmazonSESTrackingWebhookView, needs="boto3"),
    "brevo": Provider(BrevoTrackingWebhookView),
    "mailersend": Provider(
        MailerSendTrackingWebhookView, ("MAILERSEND_SIGNING_SECRET",), takes_secret=False
    ),
    "mailgun": Provider(
        MailgunTrackingWebhookView,
        ("MAILGUN_WEBHOOK_SIGNING_KEY", "MAILGUN_API_KEY"),
        takes_secret=False,
    ),
    "mailjet": Provider(MailjetTrackingWebhookView),
    "mailtrap": Provider(MailtrapTrackingWebhookView, ("MAILTRAP_TRACKING_SECRET",)),
    "mandrill": Provider(
        MandrillCombinedWebhookView, ("MANDRILL_WEBHOOK_KEY",), takes_secret=False
    ),
    "postal": Provider(
        PostalTrackingWebhookView, ("POSTAL_WEBHOOK_KEY",), takes_secret=False, needs="cryptography"
    ),
    "postmark": Provider(PostmarkTrackingWebhookView),
    "resend": Provider(ResendTrackingWebhookView, ("RESEND_SIGNING_SECRET",), needs="svix"),
    "sendgrid": Provider(
        SendGridTrackingWebhookView,
        ("SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY",),
        needs="cryptography",
    ),
    "sparkpost": Provider(SparkPostTrackingWebhookView),
    "unisender_go": Provider(
        UnisenderGoTrackingWebhookView, ("UNISENDER_GO_API_KEY",), takes_secret=False
    ),
}


@dataclass(frozen=True)
class _Said:
    """Where a provider's own report says that a bounce is hard or soft, and by which words."""

    where: tuple[str, ...]
    hard: frozenset[str]
    soft: frozenset[str] = frozenset()


def _said(where: str, hard: str, soft: str = "") -> _Said:
    return _Said(tuple(where.split(".")), frozenset(hard.split()), frozenset(soft.split()))


# As the providers' references list them; what stands in neither is judged by the server's answer.
_BOUNCES: dict[str, _Said] = {
    "Amazon SES": _said("bounce.bounceType", "Permanent", "Transient Undetermined"),
    "Brevo": _said("event", "hard_bounce invalid_email", "soft_bounce"),
    "MailerSend": _said("data.type", "hard_bounced", "soft_bounced"),
    "Mailgun": _said("event-data.reason", "suppress-bounce"),
    "Mailjet": _said("hard_bounce", "True", "False"),
    "Mailtrap": _said("bounce_category", "hard"),
    "Mandrill": _said("event", "hard_bounce", "soft_bounce"),
    "Postmark": _said("Type", "HardBounce", "SoftBounce VirusNotification"),
    "Resend": _said("data.bounce.type", "Permanent", "Transient Undetermined"),
    "SparkPost": _said("msys.*.bounce_class", "10 30", "1 20 21 22 24 40 70"),
    "Unisender Go": _said(
        "delivery_info.delivery_status",
        "err_user_unknown err_user_inactive err_domain_inactive",
        "err_mailbox_full err_mailbox_discarded err_unreachable err_will_retry",
    ),
}

_PLAIN = {
    EventType.DELIVERED: Kind.DELIVERED,
    EventType.DEFERRED: Kind.DEFERRED,
    EventType.COMPLAINED: Kind.COMPLAINT,
    EventType.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
    EventType.REJECTED: Kind.REJECTED,
    EventType.FAILED: Kind.REJECTED,
    EventType.AUTORESPONDED: Kind.AUTO_REPLY,
    EventType.UNKNOWN: Kind.UNKNOWN,
}


def kind_of(event: AnymailTrackingEvent, provider: str) -> MailEvent.Kind | None:
    """What a report means to us; None for what we do not keep.

    That is who opened or clicked, as we do not watch readers, and what says nothing of arrival.
    """
    answered = event.event_type == EventType.BOUNCED
    # Postal calls a letter that the other server refused a failed one.
    if answered or (event.event_type == EventType.FAILED and provider == "Postal"):
        return _bounce(event, provider)
    return _PLAIN.get(event.event_type)


def _bounce(event: AnymailTrackingEvent, provider: str) -> MailEvent.Kind:
    said = _BOUNCES.get(provider)
    value = str(_dig(event.esp_event, said.where)) if said else ""
    if said and value in said.hard:
        return Kind.HARD_BOUNCE
    if said and value in said.soft:
        return Kind.SOFT_BOUNCE
    return judge(f"{event.mta_response or ''} {event.description or ''}")


def _dig(fields: Any, where: tuple[str, ...]) -> Any:
    for name in where:
        if not isinstance(fields, Mapping):
            return ""
        fields = next(iter(fields.values()), "") if name == "*" else fields.get(name, "")
    return fields


def refused_because(event: AnymailTrackingEvent, provider: str) -> str:
    """Why the provider would not send: complaint, unsubscribed, rejected; "" if not the reader's.

    The provider keeps a list of its own of people not to write to; ours should say the same.
    """
    if event.event_type != EventType.REJECTED:
        return ""
    # SparkPost calls a letter that looks like spam what others call a reader who complained.
    if event.reject_reason == RejectReason.SPAM and provider == "SparkPost":
        return ""
    if re.fullmatch("unsub(scribed?)?", event.description or "", re.I):
        return "unsubscribed"
    return {
        RejectReason.SPAM: "complaint",
        RejectReason.UNSUBSCRIBED: "unsubscribed",
        RejectReason.BOUNCED: "rejected",
        RejectReason.INVALID: "rejected",
    }.get(event.reject_reason, "")
