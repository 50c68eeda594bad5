"""Letters as messages: their words come from templates, their headers from the mail rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr, make_msgid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from newsletter.models import Delivery, Digest, SignUp, Subscriber
from newsletter.tokens import confirm_token, leave_token, preferences_token

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
    """Render templates/newsletter/letters/<name>.{subject.txt,txt,html}."""
    words = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "sender_name": settings.SENDER_NAME,
        "postal_address": settings.POSTAL_ADDRESS,
        "legal_status": settings.LEGAL_STATUS,
        **context,
    }
    folder = f"newsletter/letters/{name}"
    return Words(
        subject=" ".join(render_to_string(f"{folder}.subject.txt", words).split()),
        text=render_to_string(f"{folder}.txt", words).strip() + "\n",
        html=render_to_string(f"{folder}.html", words),
    )


def leave_url(subscriber: Subscriber) -> str:
    """The address at which this subscriber, and nobody else, leaves."""
    return absolute(reverse("newsletter:leave", args=[leave_token(subscriber.key)]))


def preferences_url(subscriber: Subscriber) -> str:
    """The address at which this subscriber, and nobody else, pauses."""
    return absolute(reverse("newsletter:preferences", args=[preferences_token(subscriber.key)]))


def fill_slots(words: str, *, leave: str, preferences: str, corrections: str = "") -> str:
    """Frozen words of a digest with what is one reader's own in its places."""
    filled = words.replace(LEAVE_SLOT, leave).replace(PREFERENCES_SLOT, preferences)
    return filled.replace(CORRECTIONS_SLOT, corrections)


def confirm_letter(sign_up: SignUp) -> EmailMultiAlternatives:
    """The letter that asks the owner of an address to confirm. Holds no word a visitor typed."""
    url = absolute(reverse("newsletter:confirm", args=[confirm_token(sign_up.key)]))
    return _plain(render_letter("confirm", {"confirm_url": url}), sign_up.email)


def already_letter(subscriber: Subscriber) -> EmailMultiAlternatives:
    """The note to a subscriber whose address was typed in again."""
    words = render_letter("already", {"leave_url": leave_url(subscriber)})
    return _plain(words, subscriber.email)


def digest_letter(
    digest: Digest, delivery: Delivery, subscriber: Subscriber
) -> EmailMultiAlternatives:
    """One reader's copy of a digest, from the words frozen in it (mail rules R1-R12)."""
    url, preferences = leave_url(subscriber), preferences_url(subscriber)
    domain = mail_domain()
    lines = list(delivery.corrections.all())
    message = EmailMultiAlternatives(
        subject=digest.subject,
        body=fill_slots(
            digest.text,
            leave=url,
            preferences=preferences,
            corrections="".join(line.text for line in lines),
        ),
        from_email=settings.DIGEST_FROM,
        to=[subscriber.email],
        headers={
            # The same for each attempt, so that a mail server can tell a repeat.
            "Message-ID": f"<digest.{digest.pk}.{delivery.pk}@{domain}>",
            # Only the name may be encoded, should it not be ASCII; mail programs read the rest.
            "List-ID": formataddr((f"{settings.SITE_NAME} digest", f"digest.{domain}")),
            "List-Unsubscribe": f"<{url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    html = fill_slots(
        digest.html,
        leave=url,
        preferences=preferences,
        corrections="".join(line.html for line in lines),
    )
    message.attach_alternative(html, "text/html")
    return message


def _plain(words: Words, to: str) -> EmailMultiAlternatives:
    # Without it the library would make one up that names the machine.
    headers = {"Message-ID": make_msgid(domain=mail_domain())}
    message = EmailMultiAlternatives(
        subject=words.subject, body=words.text, to=[to], headers=headers
    )
    message.attach_alternative(words.html, "text/html")
    return message
