"""What an article's page tells search engines and reference managers about it."""

from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString

from articles.models import Article
from articles.rendering import Listed
from research.embedding import json_ld_html
from research.models import Study


def schema_org_html(article: Article, listed: list[Listed]) -> SafeString:
    """The article as schema.org's JSON-LD with the studies it cites, in the page's order."""
    url = f"{settings.SITE_URL}{article.get_absolute_url()}"
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": article.title,
        "description": article.standfirst,
        "author": {
            "@type": "Person",
            "name": article.author.name,
            "url": f"{settings.SITE_URL}{article.author.get_absolute_url()}",
        },
        "publisher": {"@type": "Organization", "name": settings.SITE_NAME},
        "dateModified": article.changed_at.isoformat(),
        "mainEntityOfPage": url,
        "citation": [_cited(one.reference.study) for one in listed if one.reference.study],
    }
    if article.published_at:
        said["datePublished"] = article.published_at.isoformat()
    if article.picture:
        said["image"] = f"{settings.SITE_URL}{article.picture.url}"
    return json_ld_html(said)


def _cited(study: Study) -> dict[str, str]:
    said = {"@type": "ScholarlyArticle", "name": study.title, "url": study.best_link}
    return {key: value for key, value in said.items() if value}
