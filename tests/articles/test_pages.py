"""What holds for each page that readers see."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from django.test import Client

from tests.articles.bodies import full_article, full_page
from tests.factories import (
    ArticleFactory,
    AuthorFactory,
    DriveFactory,
    SeriesFactory,
    StudyFactory,
)
from tests.reading import Page

PAGES = [
    "/",
    "/articles/",
    "/articles/slow-tapping/",
    "/tags/",
    "/tags/sleep/",
    "/authors/iris/",
    "/series/movement/",
    "/pages/",
    "/pages/basics/",
    "/glossary/",
    "/studies/",
    "/studies/gentile-2019/",
    "/donate/",
    "/drives/winter/",
    "/subscribe/",
    "/subscribe/check/",
    "/nothing/here/",
]
# They take a form, and say what is wrong with an empty one.
FORMS = {"/donate/", "/subscribe/"}
ADVERTISED = {"canonical", "alternate"}
MISSING = {"/nothing/here/"}

Read = Callable[[str], Page]


@pytest.fixture
def read(db: None, cleo: Client) -> Read:
    """A small site, and a way to read its pages."""
    iris = AuthorFactory.create(slug="iris")
    full_article(
        slug="slow-tapping",
        author=iris,
        tags=["sleep"],
        studies=[StudyFactory.create(slug="gentile-2019")],
        series=SeriesFactory.create(slug="movement"),
        part=1,
    )
    full_page(slug="basics", reviewer=iris)
    DriveFactory.create(slug="winter")

    def get(path: str) -> Page:
        response = cleo.get(path)
        assert response.status_code == (404 if path in MISSING else 200)
        return Page(response.content.decode())

    return get


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_one_title_and_one_first_heading(read: Read, path: str):
    page = read(path)
    assert len(page.all("h1")) == len(page.all("title")) == 1


@pytest.mark.parametrize("path", PAGES)
def test_headings_go_down_one_level_at_a_time(read: Read, path: str):
    levels = [int(tag[1]) for tag, _ in read(path).tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_its_language_and_its_skip_link_leads_to_the_text(read: Read, path: str):
    page = read(path)
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("a")[0]["href"] == "#main"
    assert [main["id"] for main in page.all("main")] == ["main"]


@pytest.mark.parametrize("path", PAGES)
def test_no_id_stands_twice_on_a_page(read: Read, path: str):
    ids = [attrs["id"] for _, attrs in read(path).tags if "id" in attrs]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", PAGES)
def test_what_labels_a_part_of_a_page_is_on_the_page(read: Read, path: str):
    page = read(path)
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= ids


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_exactly_one_sign_up_form(read: Read, path: str):
    expected = 0 if path == "/subscribe/check/" else 1
    assert sum("data-sign-up" in form for form in read(path).all("form")) == expected


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_style_or_script_of_its_own(read: Read, path: str):
    page = read(path)
    assert page.all("style") == []
    # A block of data is no script: browsers do not run it.
    scripts = [one for one in page.all("script") if one.get("type") != "application/ld+json"]
    assert all("src" in script for script in scripts)
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert not [tag for tag, attrs in page.tags if "style" in attrs]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere(read: Read, path: str):
    page = read(path)
    linked = [a["href"] for a in page.all("link") if a.get("rel", "") not in ADVERTISED]
    loaded = [attrs["src"] for _, attrs in page.tags if "src" in attrs]
    assert linked
    assert all(url.startswith("/") and not url.startswith("//") for url in linked + loaded)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_sets_no_cookie_and_is_the_same_for_everyone(read: Read, cleo: Client, path: str):
    response = cleo.get(path)
    assert response.cookies == {}
    assert "Cookie" not in response.headers.get("Vary", "")
    assert "csrfmiddlewaretoken" not in response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_every_link_within_the_site_leads_somewhere(read: Read, cleo: Client, path: str):
    hrefs = {a["href"] for a in read(path).all("a") if a["href"].startswith("/")}
    assert {href for href in hrefs if cleo.get(href).status_code != 200} == set()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_answers_head_and_refuses_to_be_posted_to(read: Read, cleo: Client, path: str):
    read(path)
    assert cleo.head(path).status_code == cleo.get(path).status_code
    if path not in FORMS:
        assert cleo.post(path).status_code in (404, 405)


def test_a_missing_page_looks_like_the_site_and_leads_on(read: Read):
    page = read("/nothing/here/")
    assert page.all("nav")
    assert {"/", "/tags/"} <= {a["href"] for a in page.all("a")}


def test_an_empty_site_has_all_its_standing_pages(db: None, cleo: Client):
    for path in ("/", "/articles/", "/tags/", "/studies/", "/donate/", "/feed/", "/sitemap.xml"):
        assert cleo.get(path).status_code == 200, path


def test_old_pages_of_the_archive_are_one_press_away(db: None, cleo: Client):
    ArticleFactory.create_batch(13)
    first, second = cleo.get("/articles/"), cleo.get("/articles/?page=2")
    assert 'rel="next" href="?page=2"' in first.content.decode()
    assert 'rel="prev" href="?page=1"' in second.content.decode()
    assert len(second.context["page"]) == 1


@pytest.mark.parametrize("query", ["page=0", "page=99", "page=x", "page=", "page=%00", "page=-1"])
def test_a_page_number_out_of_range_shows_a_page(read: Read, cleo: Client, query: str):
    assert cleo.get(f"/articles/?{query}").status_code == 200


def test_with_the_database_down_cleo_reads_that_it_is_our_fault(caplog):
    # Without the `db` fixture every query fails, and so would one on the page that says so.
    response = Client(raise_request_exception=False).get("/")
    assert response.status_code == 500
    page = Page(response.content.decode())
    assert len(page.all("h1")) == len(page.all("title")) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert "not your fault" in response.content.decode()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_a_missing_page_needs_no_database(cleo: Client):
    assert cleo.get("/nothing/here/").status_code == 404


def test_words_from_editors_are_shown_as_they_were_typed(db: None, cleo: Client):
    typed = "Sleep & <script>alert(1)</script> {{ x }}"
    ArticleFactory.create(slug="x", title=typed, standfirst=typed, gist=[typed, "b", "c"])
    for path in ("/", "/articles/", "/articles/x/"):
        html = cleo.get(path).content.decode()
        assert "<script>alert" not in html
        assert "Sleep &amp; &lt;script&gt;alert(1)&lt;/script&gt; {{ x }}" in html
