"""The pages that readers browse. Each asks for a fixed number of rows, whatever the site's size."""

from typing import Any

from django.core.paginator import Page as PageOfList
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from articles.corrections import warned
from articles.embedding import schema_org_html
from articles.known import known_authors, known_series
from articles.models import Article, Page, Tag, Term
from articles.rendering import render_body
from research.exporting import EXPORT_LABELS, studies_as_file

PER_PAGE = 12
ON_HOME = 7


def _page(request: HttpRequest, articles: QuerySet[Article]) -> PageOfList[Article]:
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
    return render(request, "articles/article.html", article_context(found))


def article_context(article: Article) -> dict[str, Any]:
    """What the template of an article shows, for readers and for the preview alike."""
    body = render_body(article)
    return {
        "article": article,
        "body": body,
        "schema_org": schema_org_html(article, body.numbered + body.notes),
        "warned": warned(article),
        "neighbours": _neighbours(article),
        "exports": _exports("articles:article_references", article.slug),
    }


def _neighbours(article: Article) -> list[tuple[str, Article]]:
    """The public parts of the series before and after this one."""
    if article.series is None or article.part is None:
        return []
    parts = {part.part: part for part in Article.objects.published().filter(series=article.series)}
    before = [number for number in parts if number and number < article.part]
    after = [number for number in parts if number and number > article.part]
    found = [("Before", parts[max(before)])] if before else []
    return found + ([("Next", parts[min(after)])] if after else [])


def _exports(name: str, slug: str) -> list[tuple[str, str, str]]:
    return [(form, label, reverse(name, args=[slug, form])) for form, label in EXPORT_LABELS]


@require_safe
def article_references(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """The studies that a public article refers to, as a file for reference managers."""
    found = get_object_or_404(Article.objects.published(), slug=slug)
    return studies_as_file(found.studies.order_by("references__position"), form, found.slug)


@require_safe
def page_references(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """The studies that a public page refers to, as a file for reference managers."""
    found = get_object_or_404(Page.objects.published(), slug=slug)
    return studies_as_file(found.studies.order_by("pagereferences__position"), form, found.slug)


@require_safe
def pages(request: HttpRequest) -> HttpResponse:
    """All evergreen pages."""
    return render(request, "articles/pages.html", {"pages": Page.objects.published()})


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """One evergreen page, if it is public."""
    found = get_object_or_404(Page.objects.published().for_page(), slug=slug)
    return render(request, "articles/page.html", page_context(found))


def page_context(page: Page) -> dict[str, Any]:
    """What the template of a page shows, for readers and for the preview alike."""
    exports = _exports("articles:page_references", page.slug)
    return {"page": page, "body": render_body(page), "warned": warned(page), "exports": exports}


@require_safe
def glossary(request: HttpRequest) -> HttpResponse:
    """All terms."""
    return render(request, "articles/glossary.html", {"terms": Term.objects.all()})


@require_safe
def series(request: HttpRequest, slug: str) -> HttpResponse:
    """The public parts of a series in order; 404 while none is public."""
    found = get_object_or_404(known_series(), slug=slug)
    articles = Article.objects.published().for_cards().filter(series=found).order_by("part")
    return render(request, "articles/series.html", {"series": found, "articles": articles})


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
    """One byline and its public articles; 404 for who has nothing public to the name."""
    found = get_object_or_404(known_authors(), slug=slug)
    page = _page(request, Article.objects.published().for_cards().filter(author=found))
    return render(request, "articles/author.html", {"author": found, "page": page})
