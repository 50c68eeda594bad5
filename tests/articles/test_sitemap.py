"""What search engines are told: all that is public, nothing else."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import ArticleFactory, StudyFactory

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"

pytestmark = pytest.mark.django_db


def addresses(client: Client) -> list[str]:
    root = ElementTree.fromstring(client.get("/sitemap.xml").content)
    return [loc.text or "" for loc in root.iter(LOC)]


def test_the_sitemap_lists_pages_articles_and_studies(cleo: Client):
    article, study = ArticleFactory.create(), StudyFactory.create()
    listed = addresses(cleo)
    for path in ("/", "/articles/", "/studies/", "/donate/", "/subscribe/"):
        assert f"http://testserver{path}" in listed
    assert f"http://testserver{article.get_absolute_url()}" in listed
    assert f"http://testserver{study.get_absolute_url()}" in listed


def test_every_listed_address_answers(cleo: Client):
    ArticleFactory.create(tags=["sleep"], studies=[StudyFactory.create()])
    for address in addresses(cleo):
        assert cleo.get(address).status_code == 200, address


@pytest.mark.parametrize("state", ["draft", "in-review", "withdrawn", "scheduled"])
def test_the_sitemap_lists_nothing_hidden(cleo: Client, state: str):
    ArticleFactory.create(slug="x", state=state, published_at=timezone.now() + timedelta(days=1))
    assert "http://testserver/articles/x/" not in addresses(cleo)
