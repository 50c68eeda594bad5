"""Evergreen pages: reviewed by somebody with a name, on a day."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from articles.models import Page, PageText
from tests.articles.bodies import mark
from tests.articles.newsroom import errors, inline
from tests.factories import ArticleFactory, AuthorFactory, PageFactory, StudyFactory, add_block

pytestmark = pytest.mark.django_db
ADD = "/admin/articles/page/add/"
KINDS = ["text", "figure", "quote", "table", "studycard", "box", "fact"]


def page_form(html: str = "<p>It is an illness.</p>", **fields: Any) -> dict[str, Any]:
    """A new page as an editor types it."""
    form = {"title": "What it is", "slug": "what", "standfirst": "In short.", "state": "draft"}
    text = [{"html": html, "region": "body", "ordering": 10}]
    blocks = {f"articles_page{kind}_set": text if kind == "text" else [] for kind in KINDS}
    for prefix, rows in {"references": [], **blocks}.items():
        form |= inline(prefix, rows)
    return {**form, **fields}


def reviewed() -> dict[str, Any]:
    return {"reviewer": AuthorFactory.create().pk, "reviewed_on": str(timezone.localdate())}


def test_readers_see_who_reviewed_it_and_when(cleo: Client):
    iris = AuthorFactory.create(name="Iris Calder", slug="iris", role="Physician")
    page = PageFactory.create(reviewer=iris, reviewed_on=timezone.localdate())
    html = cleo.get(page.get_absolute_url()).content.decode()
    assert 'Reviewed by <a href="/authors/iris/">Iris Calder</a>, physician, on' in html
    # She wrote nothing here, and yet the link leads somewhere.
    assert cleo.get("/authors/iris/").status_code == 200


@pytest.mark.parametrize("state", ["draft", "withdrawn"])
def test_what_is_not_public_is_nowhere(cleo: Client, state: str):
    iris = AuthorFactory.create(slug="iris")
    page = PageFactory.create(state=state, title="Hidden page", slug="hidden", reviewer=iris)
    assert cleo.get(page.get_absolute_url()).status_code == 404
    assert cleo.get("/pages/hidden/references.ris").status_code == 404
    assert cleo.get("/authors/iris/").status_code == 404
    for path in ("/pages/", "/sitemap.xml"):
        html = cleo.get(path).content.decode()
        assert "Hidden page" not in html
        assert "/pages/hidden/" not in html


def test_ada_writes_a_page_and_publishes_it(ada_browses: Client, cleo: Client):
    study = StudyFactory.create(title="Tapping")
    form = page_form(f"<p>It is an illness.{mark(study)}</p>", **reviewed(), state="published")
    response = ada_browses.post(ADD, form, follow=True)
    assert "Readers see “What it is” now." in [str(m) for m in response.context["messages"]]
    html = cleo.get("/pages/what/").content.decode()
    assert "It is an illness.<sup" in html
    assert f'id="ref-{study.slug}"' in html


def test_dara_writes_a_page_and_cannot_publish_it(dara_browses: Client):
    form = page_form(f"<p>So.{mark(StudyFactory.create())}</p>", **reviewed(), state="published")
    assert dara_browses.post(ADD, form).status_code == 302
    page = Page.objects.get()
    assert page.state == "draft"
    path = f"/admin/articles/page/{page.pk}/change/"
    text = inline("articles_pagetext_set", [], 0)
    assert dara_browses.post(path, {**form, **text}).status_code == 302
    page.refresh_from_db()
    assert page.state == "draft"


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        ("reviewer", "A page for readers names who reviewed it."),
        ("reviewed_on", "A page for readers says when it was reviewed."),
    ],
)
def test_a_public_page_needs_its_review(ada_browses: Client, lacking: str, sentence: str):
    form = page_form(**{**reviewed(), lacking: ""}, state="published")
    assert errors(ada_browses.post(ADD, form))[lacking] == [sentence]
    assert not Page.objects.exists()


def test_nobody_reviewed_it_tomorrow(ada_browses: Client):
    tomorrow = timezone.localdate() + timedelta(days=1)
    form = page_form(**{**reviewed(), "reviewed_on": str(tomorrow)})
    assert errors(ada_browses.post(ADD, form))["reviewed_on"] == ["This day has not come yet."]


def test_a_draft_may_wait_for_its_review(ada_browses: Client):
    assert ada_browses.post(ADD, page_form()).status_code == 302
    assert Page.objects.get().state == Page.State.DRAFT


def test_a_page_without_references_is_saved_and_kept_from_readers(
    ada_browses: Client, cleo: Client
):
    form = page_form(**reviewed(), state="published")
    response = ada_browses.post(ADD, form, follow=True)
    assert Page.objects.get().state == Page.State.DRAFT
    assert PageText.objects.get().html == "<p>It is an illness.</p>"
    [told] = [str(m) for m in response.context["messages"] if m.level_tag == "error"]
    assert told.startswith("Saved, but not shown to readers.")
    assert cleo.get("/pages/what/").status_code == 404


def test_ada_previews_a_draft(ada_browses: Client, cleo: Client):
    page = PageFactory.create(state="draft")
    add_block(page, PageText, html="<p>Not yet.</p>")
    path = f"/admin/articles/page/{page.pk}/preview/"
    response = ada_browses.get(path)
    assert "Not yet." in response.content.decode()
    assert response["X-Robots-Tag"] == "noindex"
    assert cleo.get(path).status_code == 302


def test_the_references_of_a_page_can_be_taken_along(cleo: Client):
    page, study = PageFactory.create(slug="what"), StudyFactory.create(title="Tapping")
    add_block(page, PageText, html=f"<p>So.{mark(study)}</p>")
    assert "TI  - Tapping" in cleo.get("/pages/what/references.ris").content.decode()


def test_a_page_is_no_article(cleo: Client):
    PageFactory.create(title="What fibromyalgia is")
    ArticleFactory.create()
    for path in ("/", "/articles/", "/feed/"):
        assert "What fibromyalgia is" not in cleo.get(path).content.decode()
