"""A study's page tells Zotero and search engines what it is about."""

import json
from typing import Any

import pytest
from django.test import Client

from research.embedding import highwire_tags, schema_org_html
from research.models import Study
from tests.factories import StudyFactory
from tests.reading import Page


def study(**fields: Any) -> Study:
    shared = {"slug": "rest", "title": "Rest", "authors": "Gentile, Eleonora", "year": 2019}
    return Study(**{**shared, **fields})


def schema_org(study: Study) -> dict[str, Any]:
    html = schema_org_html(study)
    start, end = '<script type="application/ld+json">', "</script>"
    assert html.startswith(start)
    assert html.endswith(end)
    return json.loads(html.removeprefix(start).removesuffix(end))


def test_highwire_names_each_field():
    full = study(
        doi="10.1000/x",
        pmid="7",
        authors="Gentile, Eleonora\nRECOVER Consortium\net al.",
        journal="Pain",
        publisher="Wolters Kluwer",
        month=1,
        day=6,
        volume="3",
        issue="2",
        pages="319-329",
    )
    assert highwire_tags(full) == [
        ("citation_title", "Rest"),
        ("citation_author", "Gentile, Eleonora"),
        ("citation_author", "RECOVER Consortium"),
        ("citation_journal_title", "Pain"),
        ("citation_publisher", "Wolters Kluwer"),
        ("citation_date", "2019/01/06"),
        ("citation_volume", "3"),
        ("citation_issue", "2"),
        ("citation_firstpage", "319"),
        ("citation_lastpage", "329"),
        ("citation_doi", "10.1000/x"),
        ("citation_pmid", "7"),
        ("citation_public_url", "https://doi.org/10.1000/x"),
    ]


@pytest.mark.parametrize(
    ("kind", "holder", "publisher"),
    [
        ("conference-paper", "citation_conference_title", "citation_publisher"),
        ("book-chapter", "citation_book_title", "citation_publisher"),
        ("report", "citation_series_title", "citation_technical_report_institution"),
        ("thesis", "citation_series_title", "citation_dissertation_institution"),
    ],
)
def test_highwire_tells_the_kind_by_its_names(kind: str, holder: str, publisher: str):
    tags = dict(highwire_tags(study(kind=kind, journal="Held", publisher="Out")))
    assert (tags[holder], tags[publisher]) == ("Held", "Out")


def test_zotero_takes_a_person_of_many_names_for_one():
    tags = dict(highwire_tags(study(authors="de Tommaso, Marina Anna")))
    # It splits at a comma that has a plain space on both its sides.
    assert tags["citation_author"] == "de Tommaso, Marina\u00a0Anna"


@pytest.mark.parametrize(
    ("date", "highwire", "iso"),
    [
        ({"year": 2019, "month": 1}, "2019/01", "2019-01"),
        ({"year": 2019}, "2019", "2019"),
        ({"year": None}, None, None),
    ],
)
def test_a_date_is_told_as_far_as_it_is_known(
    date: dict[str, int | None], highwire: str | None, iso: str | None
):
    assert dict(highwire_tags(study(**date))).get("citation_date") == highwire
    assert schema_org(study(**date)).get("datePublished") == iso


def test_schema_org_describes_the_study(settings: Any):
    settings.SITE_URL = "https://site.example"
    full = study(
        doi="10.1000/x",
        pmid="7",
        authors="Gentile, Eleonora\nRECOVER Consortium",
        journal="Pain",
        publisher="Wolters Kluwer",
        volume="3",
        issue="2",
        pages="319-329",
        access="free",
        status="retracted",
    )
    volume = {
        "@type": "PublicationVolume",
        "volumeNumber": "3",
        "isPartOf": {"@type": "Periodical", "name": "Pain"},
    }
    assert schema_org(full) == {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "name": "Rest",
        "author": [
            {
                "@type": "Person",
                "name": "Eleonora Gentile",
                "familyName": "Gentile",
                "givenName": "Eleonora",
            },
            {"@type": "Organization", "name": "RECOVER Consortium"},
        ],
        "datePublished": "2019",
        "isPartOf": {"@type": "PublicationIssue", "issueNumber": "2", "isPartOf": volume},
        "pagination": "319-329",
        "publisher": {"@type": "Organization", "name": "Wolters Kluwer"},
        "identifier": [
            {"@type": "PropertyValue", "propertyID": "doi", "value": "10.1000/x"},
            {"@type": "PropertyValue", "propertyID": "pmid", "value": "7"},
        ],
        "url": "https://doi.org/10.1000/x",
        "mainEntityOfPage": "https://site.example/studies/rest/",
        "isAccessibleForFree": True,
        "creativeWorkStatus": "Retracted",
    }


@pytest.mark.parametrize(
    ("kind", "type_"), [("book", "Book"), ("thesis", "Thesis"), ("preprint", "ScholarlyArticle")]
)
def test_schema_org_has_a_type_for_the_kind(kind: str, type_: str):
    assert schema_org(study(kind=kind))["@type"] == type_


@pytest.mark.parametrize("title", ["</script><script>alert(1)</script>", "<!--", "a & b", "\u2028"])
def test_no_title_ends_the_data_block(title: str):
    html = schema_org_html(study(title=title))
    assert html.count("<") == 2
    assert schema_org(study(title=title))["name"] == title


@pytest.mark.django_db
def test_the_page_holds_both(cleo: Client):
    row = StudyFactory.create(title="Costs & </script> of {pain}", pmid="7")
    html = cleo.get(row.get_absolute_url()).content.decode()
    tags = {tag["name"]: tag["content"] for tag in Page(html).all("meta") if "name" in tag}
    assert tags["citation_title"] == "Costs & </script> of {pain}"
    assert tags["citation_pmid"] == "7"
    assert schema_org_html(row) in html
