"""Articles that belong together, in order."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from articles.models import Article, Series
from tests.articles.newsroom import ADD, article_form, errors
from tests.factories import ArticleFactory, SeriesFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def movement() -> Series:
    series = SeriesFactory.create(title="Movement", slug="movement")
    for part, title in ((3, "Third"), (1, "First"), (2, "Second")):
        ArticleFactory.create(title=title, slug=title.lower(), series=series, part=part)
    return series


def test_the_parts_are_listed_in_order(cleo: Client, movement: Series):
    page = cleo.get("/series/movement/").content.decode()
    assert page.index("First") < page.index("Second") < page.index("Third")


def test_a_part_leads_to_the_ones_before_and_after(cleo: Client, movement: Series):
    page = cleo.get("/articles/second/").content.decode()
    assert 'Before: <a href="/articles/first/">' in page
    assert 'Next: <a href="/articles/third/">' in page
    assert 'Part 2 of <a href="/series/movement/">Movement</a>' in page


def test_what_is_not_public_is_stepped_over(cleo: Client, movement: Series):
    Article.objects.filter(slug="second").update(state="draft")
    page = cleo.get("/articles/first/").content.decode()
    assert "/articles/second/" not in page
    assert 'Next: <a href="/articles/third/">' in page
    assert "Second" not in cleo.get("/series/movement/").content.decode()


def test_a_series_without_public_parts_is_not_there(cleo: Client, movement: Series):
    Article.objects.update(state="draft")
    assert cleo.get("/series/movement/").status_code == 404


def test_two_articles_cannot_be_the_same_part(movement: Series):
    with pytest.raises(IntegrityError), transaction.atomic():
        ArticleFactory.create(series=movement, part=1)


def test_a_part_without_number_is_refused_at_its_field(ada_browses: Client, movement: Series):
    response = ada_browses.post(ADD, article_form(series=movement.pk, part=""))
    assert errors(response)["part"] == ["Which part of the series is it? 1 for the first."]


def test_the_same_part_is_refused_in_a_sentence(ada_browses: Client, movement: Series):
    response = ada_browses.post(ADD, article_form(series=movement.pk, part=2))
    assert errors(response)["__all__"] == [
        "Article with this Series and Part of the series already exists."
    ]


def test_articles_outlive_their_series(movement: Series):
    movement.delete()
    assert Article.objects.filter(series=None).count() == 3
