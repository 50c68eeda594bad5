"""Letters as messages: their words come from templates, their headers from the mail rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from articles.plain_text import wrapped
from newsletter.events import copies
from newsletter.layout import in_layout
from newsletter.models import Delivery, Digest, Subscriber, Variant
from newsletter.tokens import leave_token, preferences_token

# Private-use characters cannot be typed by accident, so no article can hold the slot by chance.
LEAVE_SLOT = "\ue000leave\ue001"
PREFERENCES_SLOT = "\ue000preferences\ue001"
CORRECTIONS_SLOT = "\ue000corrections\ue001"


@dataclass(frozen=True)
class Words:
    """One letter's subject and its two equal parts."""

    subject: str
    text: str
    html: str


def absolute(path: str) -> str:
    """A path of this site as an address that works in a mail."""
    return f"{settings.SITE_URL}{path}"


def mail_domain() -> str:
    """The host in Message-ID and List-ID: the site's own."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def render_letter(name: str, context: Mapping[str, object]) -> Words:
    """Render templates/newsletter/letters/<name>.{subject.txt,txt,html}.

    `subject` in the context takes the place of the template's, `preview_line` is optional.
    """
    words = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "sender_name": settings.SENDER_NAME,
        "postal_address": settings.POSTAL_ADDRESS,
        "legal_status": settings.LEGAL_STATUS,
        **context,
    }
    folder = f"newsletter/letters/{name}"
    subject = str(words.get("subject") or render_to_string(f"{folder}.subject.txt", words))
    subject = " ".join(subject.split())
    html = render_to_string(f"{folder}.html", words)
    return Words(
        subject=subject,
        text=wrapped(render_to_string(f"{folder}.txt", words)) + "\n",
        html=in_layout(html, subject=subject, preview_line=str(words.get("preview_line", ""))),
    )


def leave_url(subscriber: Subscriber) -> str:
    """The address at which this subscriber, and nobody else, leaves."""
    return absolute(reverse("newsletter:leave", args=[leave_token(subscriber.key)]))


def preferences_url(subscriber: Subscriber) -> str:
    """The address at which this subscriber, and nobody else, pauses."""
    return absolute(reverse("newsletter:preferences", args=[preferences_token(subscriber.key)]))


def reader_address(view: str, token: str) -> str:
    """The address of one reader's own page; `token` may be a slot to be filled later."""
    before, after = absolute(reverse(view, args=["TOKEN"])).rsplit("TOKEN", 1)
    return f"{before}{token}{after}"


def fill_slots(words: str, *, leave: str, preferences: str, corrections: str = "") -> str:
    """Frozen words of a digest with what is one reader's own in its places."""
    filled = words.replace(LEAVE_SLOT, leave).replace(PREFERENCES_SLOT, preferences)
    return filled.replace(CORRECTIONS_SLOT, corrections)


def digest_letter(
    digest: Digest, variant: Variant, delivery: Delivery, subscriber: Subscriber
) -> EmailMultiAlternatives:
    """One reader's copy of a digest, from the words frozen in it (mail rules R1-R12)."""
    url, preferences = leave_url(subscriber), preferences_url(subscriber)
    lines = list(delivery.corrections.all())
    message = EmailMultiAlternatives(
        subject=variant.subject or digest.subject,
        body=fill_slots(
            variant.text,
            leave=url,
            preferences=preferences,
            corrections="".join(line.text for line in lines),
        ),
        from_email=settings.DIGEST_FROM,
        to=[subscriber.email],
        headers=digest_headers(digest, delivery.pk, leave=url),
    )
    if variant.html:
        html = fill_slots(
            variant.html,
            leave=url,
            preferences=preferences,
            corrections="".join(line.html for line in lines),
        )
        message.attach_alternative(html, "text/html")
    copies.mark(message, delivery.pk)
    return message


def digest_headers(digest: Digest, delivery: int | str, *, leave: str) -> dict[str, str]:
    """What a copy's head says besides subject, sender, reader and mark.

    `delivery` is its number, `leave` the address at which its reader leaves; or a slot for them.
    """
    domain = mail_domain()
    return {
        # The same for each attempt, so that a mail server can tell a repeat.
        "Message-ID": f"<digest.{digest.pk}.{delivery}@{domain}>",
        # Only the name may be encoded, should it not be ASCII; mail programs read the rest.
        "List-ID": formataddr((f"{settings.SITE_NAME} digest", f"digest.{domain}")),
        "List-Unsubscribe": f"<{leave}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
