"""What other apps' templates show of the articles."""

from django import template
from django.db.models import QuerySet

from articles.models import Article
from research.models import Study

register = template.Library()


@register.simple_tag
def articles_citing(study: Study) -> QuerySet[Article]:
    """The public articles that refer to the study, newest first."""
    return Article.objects.published().for_cards().filter(references__study=study)
