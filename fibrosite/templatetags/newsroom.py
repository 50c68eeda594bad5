"""What waits, for the first page of the newsroom."""

from typing import Any

from django import template
from django.contrib.auth.models import User
from django.utils import timezone

from articles.models import Article
from fibrosite.health import scheduler_is_silent
from newsletter.answering import letters_waiting
from newsletter.models import Digest, Rhythm

register = template.Library()

SHOWN = 5


@register.inclusion_tag("admin/desk.html")
def newsroom_desk(user: User) -> dict[str, Any]:
    """Drafts in review, scheduled articles, digests on their way, letters that wait."""
    if not (user.has_perm("articles.view_article") and user.has_perm("newsletter.view_digest")):
        return {"visible": False}
    states = Article.State
    return {
        "visible": True,
        "silent": scheduler_is_silent(now=timezone.now()),
        "rhythm": Rhythm.objects.first(),
        "sending": [(d, d.counts()) for d in Digest.objects.filter(state=Digest.State.SENDING)],
        "letters": letters_waiting(),
        "drafts": Article.objects.filter(state=states.DRAFT).order_by("-updated_at")[:SHOWN],
        "in_review": Article.objects.filter(state=states.IN_REVIEW),
        "scheduled": Article.objects.filter(state=states.SCHEDULED).order_by("published_at"),
    }
