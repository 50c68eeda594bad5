"""The pages that readers browse. Each asks for a fixed number of rows, whatever the site's size."""

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from articles.models import Article, Author, Tag

PER_PAGE = 12
ON_HOME = 7


def _page(request: HttpRequest, articles: QuerySet[Article]) -> Page[Article]:
    return Paginator(articles, PER_PAGE).get_page(request.GET.get("page"))


def _tags_in_use() -> QuerySet[Tag]:
    public = Q(
        tagged_articles__content_object__in=Article.objects.published().order_by().values("pk")
    )
    counted = Tag.objects.annotate(articles_count=Count("tagged_articles", filter=public))
    return counted.filter(articles_count__gt=0).order_by("name")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The newest article, the next ones, and the topics."""
    latest = list(Article.objects.published().for_cards()[:ON_HOME])
    context = {"lead": latest[:1], "articles": latest[1:], "topics": _tags_in_use()}
    return render(request, "articles/home.html", context)


@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """All articles, newest first."""
    page = _page(request, Article.objects.published().for_cards())
    return render(request, "articles/archive.html", {"page": page})


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One article, if it is public; the same 404 for a draft as for nothing."""
    found = get_object_or_404(Article.objects.published().for_page(), slug=slug)
    return render(request, "articles/article.html", {"article": found})


@require_safe
def topics(request: HttpRequest) -> HttpResponse:
    """All tags that stand on a public article."""
    return render(request, "articles/topics.html", {"topics": _tags_in_use()})


@require_safe
def tag(request: HttpRequest, slug: str) -> HttpResponse:
    """The public articles with one tag; 404 for a tag that stands on none, such as a draft's."""
    found = get_object_or_404(_tags_in_use(), slug=slug)
    page = _page(request, Article.objects.published().for_cards().filter(tags=found))
    return render(request, "articles/tag.html", {"tag": found, "page": page})


@require_safe
def author(request: HttpRequest, slug: str) -> HttpResponse:
    """One byline and its public articles."""
    articles = Article.objects.published()
    # A byline is known to readers by its articles, like a topic.
    known = Author.objects.filter(articles__in=articles.order_by()).distinct()
    found = get_object_or_404(known, slug=slug)
    page = _page(request, articles.for_cards().filter(author=found))
    return render(request, "articles/author.html", {"author": found, "page": page})
