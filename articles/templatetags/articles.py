"""What other apps' templates show of the articles."""

from typing import Any

from django import template
from django.db.models import F, QuerySet

from articles.models import Article, Page, Reference
from research.models import Study

register = template.Library()

LABELS = {
    value: str(label)
    for value, label in Reference.Relation.choices
    if value != Reference.Relation.MENTIONS
}


@register.simple_tag
def articles_citing(study: Study) -> list[Article]:
    """The public articles that refer to the study, newest first, each with how it uses it.

    `relation_label` is "" where an article does no more than mention it.
    """
    public = Article.objects.published().for_cards().filter(references__study=study)
    found: list[Any] = list(public.annotate(relation=F("references__relation")))
    for article in found:
        article.relation_label = LABELS.get(article.relation, "")
    return found


@register.simple_tag
def pages_citing(study: Study) -> QuerySet[Page]:
    """The public pages that refer to the study, by title."""
    return Page.objects.published().filter(references__study=study)
