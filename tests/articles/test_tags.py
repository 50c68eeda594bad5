"""A tag is one word for one topic, however it is typed."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Upper
from django.test import Client

from articles.models import Tag
from articles.tagging import join_tags, split_tags
from tests.factories import ArticleFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("Sleep, sleep , PAIN", ["pain", "sleep"]),
        ("long covid", ["long covid"]),
        ("Long  COVID\t,long covid", ["long covid"]),
        ('"long covid", pain', ["long covid", "pain"]),
        (" , ,", []),
        ("", []),
        ("ME/CFS", ["me/cfs"]),
        ("ÑANDÚ, ñandú", ["ñandú"]),
        ("睡眠, 🌈", ["睡眠", "🌈"]),
    ],
)
def test_only_commas_separate_tags(typed: str, tags: list[str]):
    assert split_tags(typed) == tags
    assert split_tags(join_tags(tags)) == tags


@pytest.mark.parametrize(
    "typed", [["Sleep", "sleep"], ["SLEEP"], [" sleep "], ["Ñandú", "ñandú"], ["Long  Covid"]]
)
def test_capitals_and_spaces_make_no_second_tag(typed: list[str]):
    ArticleFactory.create(tags=["sleep", "ñandú", "long covid"])
    ArticleFactory.create(tags=typed)
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["long covid", "sleep", "ñandú"]


def test_the_database_refuses_capitals():
    Tag.objects.create(name="sleep")
    with pytest.raises(IntegrityError), transaction.atomic():
        Tag.objects.update(name=Upper("name"))


@pytest.mark.parametrize("name", ["ñandú", "睡眠", "🌈", "+", "c++", "me/cfs", "a.b"])
def test_a_tag_in_any_script_has_a_page_and_breaks_none(cleo: Client, name: str):
    article = ArticleFactory.create(tags=[name])
    tag = Tag.objects.get()
    for address in ("/", "/tags/", article.get_absolute_url(), tag.get_absolute_url()):
        response = cleo.get(address)
        assert response.status_code == 200, address
        assert name in response.content.decode().lower()


def test_two_tags_of_signs_alone_have_two_addresses():
    ArticleFactory.create(tags=["🌈", "🌧"])
    assert len(set(Tag.objects.values_list("slug", flat=True))) == 2


def test_topics_count_public_articles_only(cleo: Client):
    ArticleFactory.create(tags=["sleep"])
    ArticleFactory.create(tags=["sleep"], state="draft")
    assert [tag.articles_count for tag in cleo.get("/tags/").context["topics"]] == [1]


def test_ada_hears_that_a_tag_exists_already(ada_browses: Client):
    Tag.objects.create(name="sleep")
    response = ada_browses.post("/admin/articles/tag/add/", {"name": " Sleep", "slug": "sleep-2"})
    assert response.context["adminform"].form.errors == {
        "name": ["Tag with this Name already exists."]
    }


def test_ada_adds_a_tag_with_capitals(ada_browses: Client):
    ada_browses.post("/admin/articles/tag/add/", {"name": "Long  Covid", "slug": "long-covid"})
    assert Tag.objects.get().name == "long covid"


@pytest.mark.django_db
def test_readers_see_a_name_as_it_is_written(cleo: Client):
    ArticleFactory.create(tags=["ME/CFS"])
    tag = Tag.objects.get()
    assert (tag.name, tag.slug, tag.shown) == ("me/cfs", "me-cfs", "me/cfs")
    tag.label = "ME/CFS"
    tag.save()
    assert "<h1>ME/CFS</h1>" in cleo.get("/tags/me-cfs/").content.decode()


@pytest.mark.django_db
def test_an_address_that_no_tag_can_have_is_missing(cleo: Client):
    for path in ("/tags/%00/", "/tags/a%0a/", "/tags/a%20b/"):
        assert cleo.get(path).status_code == 404
