"""The public library of studies."""

import pytest
from django.test import Client

from research.models import Condition
from tests.factories import ArticleFactory, StudyFactory

pytestmark = pytest.mark.django_db


def test_the_library_lists_the_newest_year_first(cleo: Client):
    for year in (2001, 2020, 2010):
        StudyFactory.create(year=year)
    assert [s.year for s in cleo.get("/studies/").context["page"]] == [2020, 2010, 2001]


def test_the_library_shows_thirty_studies_a_page(cleo: Client):
    StudyFactory.create_batch(31)
    assert len(cleo.get("/studies/").context["page"]) == 30
    assert len(cleo.get("/studies/?page=2").context["page"]) == 1


def test_the_library_asks_as_often_for_one_study_as_for_thirty(
    cleo: Client, django_assert_num_queries
):
    condition = Condition.objects.create(name="Fibromyalgia", slug="fibromyalgia")
    for size in (1, 29):
        for study in StudyFactory.create_batch(size, status="retracted"):
            study.conditions.add(condition)
        with django_assert_num_queries(4):
            cleo.get("/studies/?condition=fibromyalgia&sort=author")


def test_a_study_says_what_it_cannot_show_and_where_to_read_it(cleo: Client):
    study = StudyFactory.create(
        doi="10.1000/x", plain_sentence="Forty women; it cannot say why.", access="paywalled"
    )
    html = cleo.get(study.get_absolute_url()).content.decode()
    for words in ("Forty women; it cannot say why.", 'href="https://doi.org/10.1000/x"'):
        assert words in html
    assert "Gentile E, Ricci K" in html
    assert "Paywalled" in html


def test_a_study_lists_the_public_articles_about_it_alone(cleo: Client):
    study = StudyFactory.create()
    ArticleFactory.create(title="Public", studies=[study])
    ArticleFactory.create(title="Secret", studies=[study], state="draft")
    ArticleFactory.create(title="Elsewhere", studies=[StudyFactory.create()])
    html = cleo.get(study.get_absolute_url()).content.decode()
    assert "Public" in html
    assert "Secret" not in html
    assert "Elsewhere" not in html


def test_a_study_without_articles_says_so(cleo: Client):
    assert "None yet." in cleo.get(StudyFactory.create().get_absolute_url()).content.decode()


def test_an_article_numbers_its_studies_in_their_order(cleo: Client):
    first, second = StudyFactory.create(title="Zebra"), StudyFactory.create(title="Ant", year=2025)
    html = cleo.get(ArticleFactory.create(studies=[first, second]).get_absolute_url())
    text = html.content.decode()
    assert text.index("Zebra") < text.index("Ant")


def test_a_study_says_how_an_article_uses_it(cleo: Client):
    study = StudyFactory.create()
    article = ArticleFactory.create(title="Public", studies=[study])
    article.references.update(relation="conflicts")
    html = cleo.get(study.get_absolute_url()).content.decode()
    assert '<p class="relation">Conflicts with it</p>' in html


def test_a_page_with_every_field_names_each(cleo: Client):
    study = StudyFactory.create(
        pmid="7",
        kind="report",
        authors="Gentile, Eleonora\nRECOVER Consortium",
        month=1,
        day=16,
        url="https://repository.example/1",
    )
    html = cleo.get(study.get_absolute_url()).content.decode()
    for words in (
        "Gentile E, RECOVER Consortium",
        "16 January 2019",
        "<dd>Report</dd>",
        'href="https://pubmed.ncbi.nlm.nih.gov/7/"',
        'href="https://repository.example/1"',
    ):
        assert words in html


def test_a_page_of_a_title_alone_leaves_out_what_is_not_there(cleo: Client):
    study = StudyFactory.create(doi=None, authors="", journal="", year=None)
    html = cleo.get(study.get_absolute_url()).content.decode()
    for words in ("<dt>DOI", "<dt>PubMed", "<dt>Address", "<dt>Date", "None</"):
        assert words not in html
    assert "<cite>No date</cite>" in html


def test_an_unknown_study_is_missing(cleo: Client):
    assert cleo.get("/studies/nothing/").status_code == 404
