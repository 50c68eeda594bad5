"""The Atom feed: title, standfirst and gist of the newest articles."""

from datetime import datetime

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed

from articles.models import Article

ITEMS = 20


class LatestArticles(Feed):
    """The newest published articles of all kinds."""

    feed_type = Atom1Feed
    title = settings.SITE_NAME
    subtitle = settings.SITE_TAGLINE

    def link(self) -> str:
        return reverse("articles:home")

    def items(self) -> QuerySet[Article]:
        return Article.objects.published().for_cards()[:ITEMS]

    def item_link(self, item: Article) -> str:
        """Under the public address, whatever host was asked: readers know entries by it."""
        return f"{settings.SITE_URL}{item.get_absolute_url()}"

    def item_title(self, item: Article) -> str:
        return item.title

    def item_description(self, item: Article) -> str:
        return render_to_string("articles/feed_item.html", {"article": item})

    def item_author_name(self, item: Article) -> str:
        return item.author.name

    def item_pubdate(self, item: Article) -> datetime | None:
        return item.published_at

    def item_updateddate(self, item: Article) -> datetime:
        return item.changed_at

    def item_categories(self, item: Article) -> list[str]:
        return [tag.shown for tag in item.tags.all()]
