"""What waits, for the first page of the newsroom."""

from typing import Any

from django import template
from django.contrib.auth.models import User
from django.template import Context
from django.urls import reverse
from django.utils import timezone

from articles.bodies import Document
from articles.corrections import citing
from articles.facts import overdue_facts
from articles.models import Article
from donations.models import Donation, Message, PaymentEvent
from newsletter.answering import letters_waiting
from newsletter.home import why_held
from newsletter.models import Digest, Rhythm
from newsletter.spiking import sign_up_spike
from newsletter.watching import scheduler_is_silent
from research.models import Notice

register = template.Library()

SHOWN = 5
NOTICES_SHOWN = 10


@register.inclusion_tag("admin/desk.html", takes_context=True)
def newsroom_desk(context: Context, user: User) -> dict[str, Any]:
    """Notices about studies, overdue facts, drafts, scheduled articles, digests, letters, gifts."""
    gifts = _gifts(user)
    if not (user.has_perm("articles.view_article") and user.has_perm("newsletter.view_digest")):
        return {"visible": any(gifts.values()), **gifts}
    states = Article.State
    return {
        "visible": True,
        **gifts,
        "csrf_token": context.get("csrf_token"),
        **(_notices() if user.has_perm("research.change_notice") else {}),
        "overdue": [
            (fact, _change_url(fact.parent)) for fact in overdue_facts(timezone.localdate())
        ],
        "held_because": why_held(),
        "silent": scheduler_is_silent(now=timezone.now()),
        "rhythm": Rhythm.objects.first(),
        **_digests(),
        "spike": sign_up_spike(timezone.now()),
        "may_send": user.has_perm("newsletter.send_digest"),
        "letters": letters_waiting(),
        "drafts": Article.objects.filter(state=states.DRAFT).order_by("-updated_at")[:SHOWN],
        "in_review": Article.objects.filter(state=states.IN_REVIEW),
        "scheduled": Article.objects.filter(state=states.SCHEDULED).order_by("published_at"),
    }


def _gifts(user: User) -> dict[str, int]:
    """How many messages, promises and reports wait for somebody with this login."""
    waiting = Message.objects.filter(message_state=Donation.MessageState.WAITING)
    rows = {
        "messages_waiting": ("donations.change_message", waiting.exclude(message="")),
        "promises": (
            "donations.change_donation",
            Donation.objects.filter(paid_at=None, promised_minor__gt=0),
        ),
        "reports_failed": (
            "donations.view_paymentevent",
            PaymentEvent.objects.filter(state=PaymentEvent.State.FAILED),
        ),
    }
    return {name: found.count() for name, (perm, found) in rows.items() if user.has_perm(perm)}


def _digests() -> dict[str, Any]:
    """Digests that something must still become of, by what they wait for."""
    states = Digest.State
    return {
        "held": Digest.objects.filter(state=states.HELD),
        "paused": Digest.objects.filter(state=states.PAUSED),
        "sending": [(d, d.counts()) for d in Digest.objects.filter(state=states.SENDING)],
    }


def _notices() -> dict[str, Any]:
    shown = _open_notices()
    return {"notices": shown, "more_notices": Notice.objects.waiting().count() - len(shown)}


def _open_notices() -> list[tuple[Notice, list[tuple[Document, str]]]]:
    """The gravest notices that nobody dealt with, each with the texts to look at."""
    found = list(Notice.objects.waiting().select_related("study")[:NOTICES_SHOWN])
    cited_in = citing(notice.study for notice in found)
    return [
        (notice, [(text, _change_url(text)) for text in cited_in.get(notice.study_id, [])])
        for notice in found
    ]


def _change_url(document: Document) -> str:
    return reverse(f"admin:articles_{document._meta.model_name}_change", args=[document.pk])
