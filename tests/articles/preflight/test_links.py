"""Links within the site lead to what readers may see; others are encrypted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from articles.models import Article, ArticleRelated, Page, PageText
from articles.preflight import check
from articles.preflight.links import BROKEN, HIDDEN_RELATED, NO_ANCHOR, NOT_SECURE, links
from tests.articles.preflight.writing import article, found, problems, text
from tests.factories import (
    ArticleFactory,
    PageFactory,
    SeriesFactory,
    StudyFactory,
    TermFactory,
    add_block,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> None:
    """What the links of these tests lead to, public and not."""
    series = SeriesFactory.create(slug="movement")
    public = ArticleFactory.create(slug="public", tags=["sleep"], series=series, part=1)
    public.author.slug = "iris"
    public.author.save()
    hidden = SeriesFactory.create(slug="hidden")
    draft = ArticleFactory.create(
        slug="draft", state="draft", published_at=None, tags=["pain"], series=hidden, part=1
    )
    draft.author.slug = "vera"
    draft.author.save()
    later = timezone.now() + timedelta(days=1)
    ArticleFactory.create(slug="later", state="scheduled", published_at=later)
    PageFactory.create(slug="about")
    PageFactory.create(slug="old", state=Page.State.WITHDRAWN)
    StudyFactory.create(slug="gentile-2019")
    TermFactory.create(slug="placebo")


def link(href: str) -> str:
    return f'<p>Read <a href="{href}">what we wrote of tea</a>.</p>'


PUBLIC = [
    "/",
    "/articles/",
    "/articles/public/",
    "/articles/public",
    "/articles/public/#results",
    "/articles/public/references.ris",
    "/articles/self/",
    "/series/movement/",
    "/pages/about/",
    "/pages/",
    "/studies/",
    "/studies/?condition=me-cfs",
    "/studies/gentile-2019/",
    "/studies/gentile-2019/cite.bib",
    "/tags/sleep/",
    "/authors/iris/",
    "/glossary/",
    "/glossary/#placebo",
    "/donate/",
    "/subscribe/",
    "https://fibrosite.example/articles/public/",
    "http://fibrosite.example/articles/public/",
    "/static/css/site.css",
    "https://example.org/anything",
    "mailto:ada@news.example",
    "#references",
    "#what-we-know",
]
NOT_PUBLIC = [
    "/articles/draft/",
    "/articles/draft/references.ris",
    "/articles/later/",
    "/articles/nothing/",
    "/series/hidden/",
    "/pages/old/",
    "/pages/nothing/",
    "/studies/nothing-2019/",
    "/tags/pain/",
    "/tags/nothing/",
    "/authors/vera/",
    "/glossary/#nocebo",
    "/admin/articles/article/",
    "/nothing/at/all/",
    "www.example.org/tea",
    "https://fibrosite.example/articles/nothing/",
]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("href", PUBLIC)
def test_what_readers_can_see_passes(href: str):
    written = article('<h2 id="what-we-know">What we know</h2>' + link(href), slug="self")
    assert check(written) == []


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("href", NOT_PUBLIC)
def test_what_readers_cannot_see_is_named(href: str):
    [finding] = found(article(link(href)), BROKEN)
    assert f"“{href}”" in finding.problem
    assert not finding.stops


def test_a_heading_of_another_name_is_not_here():
    [finding] = found(article(link("#what-we-dont")), NO_ANCHOR)
    assert "“#what-we-dont”" in finding.problem


def test_a_page_may_link_to_itself_before_it_is_public():
    draft = PageFactory.create(slug="tea", state=Page.State.DRAFT)
    add_block(draft, PageText, html=link("/pages/tea/"))
    assert found(draft, BROKEN) == []


def test_an_unencrypted_link_to_others_is_named():
    [finding] = found(article(link("http://example.org/tea")), NOT_SECURE)
    assert "“http://example.org/tea”" in finding.problem


@pytest.mark.parametrize("href", ["https://[half", "http://[::1"])
def test_an_address_that_is_none_is_named(href: str):
    [problem] = problems(links, text(link(href)))
    assert f"“{href}”" in problem


def test_a_related_article_is_public():
    draft = ArticleFactory.create(title="On soup", state="draft", published_at=None)
    written = article("<p>Tea.</p>")
    add_block(written, ArticleRelated, related=draft)
    [finding] = found(written, HIDDEN_RELATED)
    assert finding.block == "Related article, block 2, “On soup”"
    Article.objects.filter(pk=draft.pk).update(state="published", published_at=timezone.now())
    assert found(written, HIDDEN_RELATED) == []
