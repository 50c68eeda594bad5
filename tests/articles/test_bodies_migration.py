"""Bodies of one field become blocks, and nothing of them is lost on the way."""

from typing import Any

import pytest
from django.apps.registry import Apps

from tests.migrating import migrate, newest

BEFORE = [
    ("articles", "0001_initial"),
    ("research", "0001_initial"),
    ("newsletter", "0002_first_rhythm"),
]


@pytest.fixture
def before(no_tables: None) -> Apps:
    return migrate(*BEFORE)


def old_article(apps: Apps, **fields: Any) -> Any:
    author, _ = apps.get_model("articles", "Author").objects.get_or_create(name="Iris", slug="iris")
    model = apps.get_model("articles", "Article")
    return model.objects.create(title="T", standfirst="S", author=author, **fields)


def test_a_body_becomes_a_first_text_block(before: Apps):
    html = "<h2>Why</h2><p>Twenty people slept.</p>"
    old_article(before, slug="a", body=html)
    old_article(before, slug="empty", body="")
    apps = migrate(*newest("articles", "research"))
    text = apps.get_model("articles", "ArticleText").objects.get()
    assert text.html == '<h2 id="why">Why</h2><p>Twenty people slept.</p>'
    assert (text.region, text.parent.slug, text.parent.words) == ("body", "a", 4)


def test_each_reference_gets_the_key_of_its_study(before: Apps):
    article = old_article(before, slug="a", body="<p>x</p>")
    studies = before.get_model("research", "Study")
    references = before.get_model("articles", "Reference")
    for number in range(3):
        study = studies.objects.create(
            doi=f"10.5555/{number}", slug=f"s-{number}", title="T", authors="Gentile E", year=2019
        )
        references.objects.create(article=article, study=study, position=number)
    apps = migrate(*newest("articles", "research"))
    keys = apps.get_model("articles", "Reference").objects.order_by("position")
    assert list(keys.values_list("key", flat=True)) == ["s-0", "s-1", "s-2"]


def test_the_way_back_puts_the_texts_into_the_body_again(before: Apps):
    old_article(before, slug="a", body="<p>One.</p>")
    apps = migrate(*newest("articles", "research"))
    text = apps.get_model("articles", "ArticleText")
    text.objects.create(
        parent_id=text.objects.get().parent_id, region="body", ordering=20, html="<p>Two.</p>"
    )
    article: Any = migrate(*BEFORE).get_model("articles", "Article").objects.get()
    assert article.body == "<p>One.</p><p>Two.</p>"
