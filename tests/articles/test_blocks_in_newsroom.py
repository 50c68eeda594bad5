"""Ada writes a body out of blocks, and preflight looks before readers do."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from articles.models import Article, ArticleFigure, ArticleText, Reference
from tests.articles.bodies import mark
from tests.articles.newsroom import ADD, article_form, block_forms, errors, inline, picture
from tests.factories import ArticleFactory, StudyFactory

pytestmark = pytest.mark.django_db

ORPHAN = '<p>So.<cite-ref data-key="nobody"></cite-ref></p>'


def text_form(text: ArticleText, html: str) -> dict[str, Any]:
    """The form of one saved text, typed anew."""
    row = {"id": text.pk, "parent": text.parent_id, "region": "body", "ordering": 10, "html": html}
    return inline("articles_articletext_set", [row], initial=1)


def change_form(article: Article, html: str, **fields: Any) -> dict[str, Any]:
    gist = [
        {"id": p.pk, "article": article.pk, "text": p.text, "position": p.position}
        for p in article.gist.all()
    ]
    own = {"title": article.title, "slug": article.slug, "standfirst": article.standfirst}
    return {
        **article_form(author=article.author_id, state=article.state),
        **own,
        **inline("gist", gist, initial=len(gist)),
        **text_form(ArticleText.objects.get(parent=article), html),
        **fields,
    }


def path_of(article: Article) -> str:
    return f"/admin/articles/article/{article.pk}/change/"


def told(response: Any) -> list[tuple[str, str]]:
    return [(m.level_tag, str(m)) for m in response.context["messages"]]


def test_ada_writes_blocks_of_several_kinds(ada_browses: Client, cleo: Client):
    study = StudyFactory.create(title="Tapping")
    blocks: dict[str, Any] = {
        "text": [{"html": f"<h2>Why</h2><p>Because.{mark(study)}</p>"}],
        "quote": [{"text": "It faded.", "study": study.pk, "source": ""}],
        "table": [{"caption": "Taps", "header": "row", "cells": "a|b\nc|d"}],
    }
    ada_browses.post(ADD, article_form(blocks=blocks, state="published"))
    html = cleo.get("/articles/sleep-and-pain/").content.decode()
    assert html.index("Because.<sup") < html.index("It faded.") < html.index("<caption")
    assert Reference.objects.get().study == study


def test_a_figure_without_words_is_refused_at_its_field(ada_browses: Client):
    blocks = {"figure": [{"picture": picture(), "alt": " ", "caption": "", "credit": ""}]}
    response = ada_browses.post(ADD, article_form(blocks=blocks))
    assert errors(response)["articles_articlefigure_set.alt"] == ["This field is required."]
    assert not Article.objects.exists()


def test_a_picture_in_a_figure_is_made_fit_to_serve(ada_browses: Client):
    large = picture(size=(2400, 1200))
    blocks = {"figure": [{"picture": large, "alt": "A hand", "caption": "", "credit": ""}]}
    ada_browses.post(ADD, article_form(blocks=blocks))
    stored = ArticleFigure.objects.get()
    with Image.open(stored.picture) as image:
        assert image.size == (stored.picture_width, stored.picture_height) == (1600, 800)


def test_a_table_that_does_not_fit_is_refused_at_its_field(ada_browses: Client):
    blocks = {"table": [{"caption": "Taps", "header": "row", "cells": "a|b\nc"}]}
    [error] = errors(ada_browses.post(ADD, article_form(blocks=blocks)))[
        "articles_articletable_set.cells"
    ]
    assert error.startswith("Row 2 has 1 cells")


def test_an_address_without_https_is_refused(ada_browses: Client):
    video = {"title": "A talk", "url": "http://v.example/1", "still": picture(), "alt": "A speaker"}
    response = ada_browses.post(ADD, article_form(blocks={"video": [video]}))
    assert errors(response)["articles_articlevideo_set.url"] == [
        "Enter an address that begins with https://."
    ]


def test_a_second_place_of_the_callout_is_refused(ada_browses: Client):
    response = ada_browses.post(ADD, article_form(blocks={"callout": [{}, {}]}))
    assert response.status_code == 200
    assert not Article.objects.exists()


def test_what_preflight_stops_is_saved_and_kept_from_readers(ada_browses: Client, cleo: Client):
    form = article_form(blocks={"text": [{"html": ORPHAN}]}, state="published")
    response = ada_browses.post(ADD, form, follow=True)
    article = Article.objects.get()
    assert article.state == Article.State.DRAFT
    assert ArticleText.objects.get().html == ORPHAN
    level, sentence = told(response)[0]
    assert level == "error"
    assert sentence.startswith("Saved, but not shown to readers.")
    assert not any("Readers see" in words for _, words in told(response))
    assert cleo.get(article.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("state", ["draft", "in-review", "withdrawn"])
def test_it_goes_back_to_where_it_was(ada_browses: Client, state: str):
    article = ArticleFactory.create(state=state, published_at=None)
    ada_browses.post(path_of(article), change_form(article, ORPHAN, state="published"))
    article.refresh_from_db()
    assert article.state == state


def test_a_schedule_is_stopped_too(ada_browses: Client):
    tomorrow = timezone.localtime() + timedelta(days=1)
    form = article_form(
        blocks={"text": [{"html": ORPHAN}]},
        state="scheduled",
        published_at_0=f"{tomorrow:%Y-%m-%d}",
        published_at_1="09:00:00",
    )
    ada_browses.post(ADD, form)
    assert Article.objects.get().state == Article.State.DRAFT


def test_what_readers_see_already_does_not_vanish_for_a_slip(ada_browses: Client, cleo: Client):
    article = ArticleFactory.create(body="<p>Hello.</p>")
    at = timezone.localtime(article.published_at)
    when = {"published_at_0": f"{at:%Y-%m-%d}", "published_at_1": f"{at:%H:%M:%S}"}
    response = ada_browses.post(path_of(article), change_form(article, ORPHAN, **when), follow=True)
    assert cleo.get(article.get_absolute_url()).status_code == 200
    assert [level for level, _ in told(response)] == ["warning", "success"]


def test_the_form_shows_what_preflight_finds(ada_browses: Client):
    article = ArticleFactory.create(body=ORPHAN)
    page = ada_browses.get(path_of(article)).content.decode()
    assert "Preflight: " in page
    assert "Keeps it from readers." in page


def test_publishing_from_the_list_leaves_out_what_preflight_stops(ada_browses: Client):
    article = ArticleFactory.create(body=ORPHAN, state="draft", published_at=None, title="Bare")
    data = {"action": "publish_now", "_selected_action": [article.pk]}
    response = ada_browses.post("/admin/articles/article/", data, follow=True)
    article.refresh_from_db()
    assert article.state == Article.State.DRAFT
    assert told(response)[0][1].startswith("“Bare” waits: ")


def test_a_reference_to_nothing_is_refused_in_a_sentence(ada_browses: Client):
    form = article_form() | inline(
        "references", [{"study": "", "source": "", "relation": "mentions", "position": 0}]
    )
    # Something was typed, or the empty row would be left out.
    form["references-0-sign"] = "*"
    found = errors(ada_browses.post(ADD, form))
    assert found["references.study"] == ["Choose a study, or describe another source."]


def test_another_source_needs_a_key(ada_browses: Client):
    row = {"study": "", "source": "NIH. 2024.", "relation": "mentions", "position": 0}
    found = errors(ada_browses.post(ADD, article_form() | inline("references", [row])))
    assert found["references.key"] == ["Marks in the text need a key, such as nih-2024."]


def test_blocks_are_refused_to_who_may_not_write_them(cleo: Client):
    assert cleo.post(ADD, article_form() | block_forms({})).status_code == 302
    assert not Article.objects.exists()
