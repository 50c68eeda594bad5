"""The newsroom: who may do what, and what it says to a slip of the hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from articles.models import Article, ArticleText
from tests.articles.newsroom import ADD, article_form, block_forms, errors, inline, picture
from tests.factories import NOON, ArticleFactory, StudyFactory
from tests.reading import Page

LIST = "/admin/articles/article/"

pytestmark = pytest.mark.django_db


def change(article: Article) -> str:
    return f"{LIST}{article.pk}/change/"


def form_of(article: Article, **fields: Any) -> dict[str, Any]:
    """The change form of an article as the browser would send it back."""
    published = timezone.localtime(article.published_at) if article.published_at else None
    gist = [
        {"id": p.pk, "article": article.pk, "text": p.text, "position": p.position}
        for p in article.gist.all()
    ]
    texts = [
        {"id": t.pk, "parent": article.pk, "region": "body", "ordering": t.ordering, "html": t.html}
        for t in ArticleText.objects.filter(parent=article)
    ]
    return {
        **article_form(author=article.author_id),
        "title": article.title,
        "slug": article.slug,
        "standfirst": article.standfirst,
        "state": article.state,
        "published_at_0": published.strftime("%Y-%m-%d") if published else "",
        "published_at_1": published.strftime("%H:%M:%S") if published else "",
        **inline("gist", gist, initial=len(gist)),
        **inline("articles_articletext_set", texts, initial=len(texts)),
        **fields,
    }


def text(html: str) -> dict[str, Any]:
    """The fields of a form with one text block."""
    return block_forms({"text": [{"html": html}]})


def test_ada_writes_an_article_and_publishes_it(ada_browses: Client, cleo: Client):
    study = StudyFactory.create()
    form = article_form(tags="Sleep, sleep , PAIN", studies=[study], state="published")
    form |= {"picture": picture(size=(2400, 1200)), "picture_alt": "A teal field"}
    assert ada_browses.post(ADD, form).status_code == 302
    article = Article.objects.get()
    assert (article.state, article.picture_width, article.picture_height) == (
        "published",
        1600,
        800,
    )
    assert sorted(article.tags.names()) == ["pain", "sleep"]
    page = cleo.get("/articles/sleep-and-pain/").content.decode()
    assert "A teal field" in page
    assert study.title in page


def test_published_without_a_time_means_now(ada_browses: Client):
    ada_browses.post(ADD, article_form(state="published"))
    assert Article.objects.published().get().was_public()
    minute_ago = timezone.now() - timedelta(minutes=1)
    assert Article.objects.filter(published_at__gt=minute_ago).exists()


def test_published_with_a_future_time_means_scheduled(ada_browses: Client):
    form = article_form(state="published", published_at_0="2099-01-01", published_at_1="08:00")
    ada_browses.post(ADD, form)
    assert Article.objects.get().state == "scheduled"


def test_a_draft_may_wait_for_its_gist_and_an_article_for_readers_may_not(ada_browses: Client):
    assert ada_browses.post(ADD, article_form(gist=[])).status_code == 302
    form = article_form(gist=["One", "Two", ""], slug="other", state="published")
    response = ada_browses.post(ADD, form)
    assert errors(response) == {"gist": ["An article for readers needs at least 3 gist points."]}


def test_a_gist_has_at_most_seven_points(ada_browses: Client):
    response = ada_browses.post(ADD, article_form(gist=["point"] * 8))
    assert "at most 7" in errors(response)["gist"][0]


def test_taking_gist_points_from_a_public_article_leaves_three(ada_browses: Client):
    article = ArticleFactory.create()
    form = form_of(article) | {"gist-0-DELETE": "on"}
    assert "gist" in errors(ada_browses.post(change(article), form))


def test_ada_previews_a_draft_as_readers_will_see_it(ada_browses: Client):
    article = ArticleFactory.create(state="draft", published_at=None, title="Not yet")
    preview = f"{LIST}{article.pk}/preview/"
    assert preview in ada_browses.get(change(article)).content.decode()
    response = ada_browses.get(preview)
    assert "Not yet" in response.content.decode()
    assert "Preview for the newsroom: draft" in response.content.decode()
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in response.headers["Cache-Control"]


def test_the_form_of_a_public_article_leads_to_its_page(ada_browses: Client):
    article = ArticleFactory.create()
    assert (
        f'href="{article.get_absolute_url()}"' in ada_browses.get(change(article)).content.decode()
    )


@pytest.mark.parametrize("path", ["", "add/", "1/change/", "1/preview/", "1/delete/", "1/history/"])
def test_cleo_is_asked_to_log_in(cleo: Client, path: str):
    ArticleFactory.create(pk=1, state="draft", title="Not yet")
    response = cleo.get(f"{LIST}{path}")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/?next=")


def test_a_login_without_the_newsroom_sees_no_preview():
    article = ArticleFactory.create(state="draft", title="Not yet")
    client = Client()
    client.force_login(User.objects.create_user("eli", is_staff=True))
    response = client.get(f"{LIST}{article.pk}/preview/")
    assert response.status_code == 403
    assert "Not yet" not in response.content.decode()


def test_the_preview_of_nothing_is_missing(ada_browses: Client):
    assert ada_browses.get(f"{LIST}999/preview/").status_code == 404


def test_the_address_of_a_public_article_is_fixed(ada_browses: Client):
    article = ArticleFactory.create(slug="first")
    ada_browses.post(change(article), form_of(article, slug="second", title="New title"))
    article.refresh_from_db()
    assert (article.slug, article.title) == ("first", "New title")


@pytest.mark.parametrize("state", ["withdrawn", "draft"])
def test_the_address_stays_fixed_after_the_article_was_taken_back(ada_browses: Client, state: str):
    article = ArticleFactory.create(slug="first", state=state)
    ada_browses.post(change(article), form_of(article, slug="second"))
    article.refresh_from_db()
    assert article.slug == "first"


@pytest.mark.parametrize("days", [None, 1])
def test_the_address_can_change_before_readers_know_it(ada_browses: Client, days: int | None):
    article = ArticleFactory.create(
        slug="first",
        state="scheduled" if days else "draft",
        published_at=days and timezone.now() + timedelta(days=days),
    )
    assert ada_browses.post(change(article), form_of(article, slug="second")).status_code == 302
    article.refresh_from_db()
    assert article.slug == "second"


def test_dara_writes_a_draft_and_cannot_publish_it(dara_browses: Client):
    ArticleFactory.create()
    form = article_form(state="published", published_at_0="2020-01-01", published_at_1="08:00")
    assert dara_browses.post(ADD, form).status_code == 302
    article = Article.objects.get(slug="sleep-and-pain")
    assert (article.state, article.published_at) == ("draft", None)
    dara_browses.post(change(article), form_of(article, state="published"))
    article.refresh_from_db()
    assert article.state == "draft"


@pytest.mark.parametrize("action", ["publish_now", "withdraw"])
def test_dara_has_no_action_that_publishes_or_withdraws(dara_browses: Client, action: str):
    article = ArticleFactory.create(state="in-review")
    assert f'value="{action}"' not in dara_browses.get(LIST).content.decode()
    dara_browses.post(LIST, {"action": action, "_selected_action": [article.pk]})
    article.refresh_from_db()
    assert article.state == "in-review"


def test_ada_publishes_and_withdraws_from_the_list(ada_browses: Client, cleo: Client):
    article = ArticleFactory.create(state="in-review", published_at=None)
    chosen = {"_selected_action": [article.pk]}
    ada_browses.post(LIST, {"action": "publish_now", **chosen})
    assert cleo.get(article.get_absolute_url()).status_code == 200
    ada_browses.post(LIST, {"action": "withdraw", **chosen})
    assert cleo.get(article.get_absolute_url()).status_code == 404


def test_publishing_from_the_list_leaves_out_what_lacks_a_gist(ada_browses: Client, cleo: Client):
    ready = ArticleFactory.create(state="draft", published_at=None)
    bare = ArticleFactory.create(state="draft", published_at=None, title="Bare")
    bare.gist.all().delete()
    data = {"action": "publish_now", "_selected_action": [ready.pk, bare.pk]}
    response = ada_browses.post(LIST, data, follow=True)
    assert list(Article.objects.published()) == [ready]
    assert [str(m) for m in response.context["messages"]] == [
        "“Bare” waits: it has fewer than 3 gist points.",
        "1 published.",
    ]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"slug": "with space"}, "slug"),
        ({"slug": "taken"}, "slug"),
        ({"standfirst": "x" * 301}, "standfirst"),
        (text(""), "articles_articletext_set.html"),
        (text("<p></p>"), "articles_articletext_set.html"),
        (text("<p>&nbsp;</p>"), "articles_articletext_set.html"),
        (text("<script>alert(1)</script>"), "articles_articletext_set.html"),
        ({"kind": "poem"}, "kind"),
        ({"author": "999"}, "author"),
        ({"state": "loud"}, "state"),
        ({"state": "scheduled"}, "published_at"),
        ({"state": "published", "published_at_0": "soon", "published_at_1": "8"}, "published_at"),
        ({"tags": "x" * 101}, "tags"),
        ({"picture": SimpleUploadedFile("x.jpg", b"not a picture")}, "picture"),
        ({"picture": SimpleUploadedFile("x.jpg", b"")}, "picture"),
        ({"picture": SimpleUploadedFile("x.exe", b"MZ")}, "picture"),
        ({"picture": picture()}, "picture_alt"),
        ({"gist-0-text": "x" * 301}, "gist.text"),
        ({"gist-0-position": "-1"}, "gist.position"),
    ],
)
def test_a_slip_is_named_at_its_field(ada_browses: Client, typed: dict[str, Any], field: str):
    ArticleFactory.create(slug="taken")
    for upload in typed.values():
        if hasattr(upload, "seek"):
            upload.seek(0)
    response = ada_browses.post(ADD, article_form() | typed)
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert Article.objects.count() == 1


@pytest.mark.parametrize("name", ["x.svg", "x.png"])
def test_a_drawing_with_script_is_no_picture(ada_browses: Client, name: str):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    form = article_form(picture=SimpleUploadedFile(name, svg), picture_alt="A drawing")
    assert list(errors(ada_browses.post(ADD, form))) == ["picture"]


@pytest.mark.parametrize("side", [8_000, 10_000, 20_000])
def test_a_pixel_bomb_is_refused_at_its_field(ada_browses: Client, side: int):
    bomb = picture("PNG", size=(side, side), mode="1", color=0)
    form = article_form(picture=bomb, picture_alt="A bomb")
    assert list(errors(ada_browses.post(ADD, form))) == ["picture"]


def test_a_damaged_picture_is_refused_at_its_field(ada_browses: Client):
    whole = picture(size=(400, 300)).read()
    torn = SimpleUploadedFile("x.jpg", whole[: len(whole) // 2])
    form = article_form(picture=torn, picture_alt="Half a field")
    assert errors(ada_browses.post(ADD, form)) == {
        "picture": ["This picture is damaged: it cannot be read to its end."]
    }


def test_a_study_cited_twice_is_refused_in_a_sentence(ada_browses: Client):
    study = StudyFactory.create()
    response = ada_browses.post(ADD, article_form(studies=[study, study]))
    assert "duplicate" in errors(response)["references"][0]


def test_a_picture_can_be_taken_away_again(ada_browses: Client):
    form = article_form(picture=picture(), picture_alt="A field")
    ada_browses.post(ADD, form)
    article = Article.objects.get()
    form = form_of(article, **{"picture-clear": "on"})
    assert ada_browses.post(change(article), form).status_code == 302
    article.refresh_from_db()
    assert (article.picture.name, article.picture_width) == ("", None)


def test_saving_an_untouched_form_changes_nothing_but_the_time_of_change(ada_browses: Client):
    # The form has no fractions of a second.
    article = ArticleFactory.create(published_at=NOON, tags=["sleep"])
    names = [f.attname for f in Article._meta.concrete_fields if f.name != "updated_at"]
    before = Article.objects.values_list(*names).get()
    form = form_of(article, tags="sleep")
    assert ada_browses.post(change(article), form).status_code == 302
    assert Article.objects.values_list(*names).get() == before
    assert list(article.tags.names()) == ["sleep"]


def test_the_inline_script_of_the_editor_carries_the_nonce_of_its_page(ada_browses: Client):
    response = ada_browses.get(ADD)
    inline_scripts = [s for s in Page(response.content.decode()).all("script") if "src" not in s]
    policy = response.headers["Content-Security-Policy"]
    run = [script for script in inline_scripts if script["type"] != "application/json"]
    assert [script["type"] for script in run] == ["importmap"]
    assert f"'nonce-{run[0]['nonce']}'" in policy


@pytest.mark.parametrize("app", ["articles/article", "articles/author", "articles/tag"])
def test_ada_searches_and_filters(ada_browses: Client, app: str):
    ArticleFactory.create(title="Sleep", tags=["sleep"])
    assert ada_browses.get(f"/admin/{app}/?q=sle").status_code == 200


def test_an_author_with_articles_is_not_deleted(ada_browses: Client):
    article = ArticleFactory.create()
    ada_browses.post(f"/admin/articles/author/{article.author_id}/delete/", {"post": "yes"})
    assert Article.objects.filter(pk=article.pk).exists()


def test_a_schedule_in_the_past_is_refused(ada_browses: Client):
    typed: dict[str, Any] = {
        "state": "scheduled",
        "published_at_0": "2020-01-01",
        "published_at_1": "09:00",
    }
    response = ada_browses.post(ADD, article_form(**typed))
    assert errors(response)["published_at"][0].startswith("This time is past.")
    assert not Article.objects.exists()


def test_the_newsroom_says_when_readers_see_it(ada_browses: Client):
    answer = ada_browses.post(ADD, article_form(state="published"), follow=True)
    assert "Readers see “Sleep and pain” now." in answer.content.decode()


def test_an_article_that_comes_back_keeps_its_date(ada_browses: Client):
    old = ArticleFactory.create(published_at=NOON - timedelta(days=900))
    for action in ("withdraw", "publish_now"):
        ada_browses.post(LIST, {"action": action, "_selected_action": old.pk})
    old.refresh_from_db()
    assert old.is_public()
    assert old.published_at == NOON - timedelta(days=900)


def test_drafts_stand_first_in_the_list(ada_browses: Client):
    ArticleFactory.create(title="Public")
    ArticleFactory.create(title="Draft", state="draft", published_at=None)
    html = ada_browses.get(LIST).content.decode()
    assert html.index(">Draft<") < html.index(">Public<")


def test_the_preview_of_a_public_article_leads_to_its_page(ada_browses: Client):
    article = ArticleFactory.create()
    answer = ada_browses.get(f"/admin/articles/article/{article.pk}/preview/")
    assert answer.headers["Location"] == article.get_absolute_url()
