"""A study is a row, found by its DOI, and cites itself."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from research.models import Study
from tests.factories import ArticleFactory, StudyFactory

ADD = "/admin/research/study/add/"

pytestmark = pytest.mark.django_db


def study_form(**fields: Any) -> dict[str, Any]:
    form = {
        "doi": "https://doi.org/10.1155/2019/2623161",
        "title": "Motor cortex function",
        "authors": "Gentile E\nRicci K",
        "journal": "Pain Res Treat",
        "year": "2019",
        "access": "free",
    }
    return {**form, **fields}


def test_ada_pastes_a_doi_in_any_form(ada_browses: Client):
    assert ada_browses.post(ADD, study_form()).status_code == 302
    assert Study.objects.get().doi == "10.1155/2019/2623161"


def test_ada_hears_that_a_study_is_in_the_library_already(ada_browses: Client):
    StudyFactory.create(doi="10.1155/2019/2623161")
    response = ada_browses.post(ADD, study_form(doi="DOI: 10.1155/2019/2623161"))
    assert response.context["adminform"].form.errors == {
        "doi": ["This study is already in the library."]
    }


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"doi": ""}, "doi"),
        ({"doi": "nonsense"}, "doi"),
        ({"doi": "10.1000/" + "x" * 300}, "doi"),
        ({"title": ""}, "title"),
        ({"authors": " "}, "authors"),
        ({"year": "1066"}, "year"),
        ({"year": "99999"}, "year"),
        ({"year": "-1"}, "year"),
        ({"year": "soon"}, "year"),
        ({"access": "stolen"}, "access"),
    ],
)
def test_a_slip_is_named_once_at_its_field(ada_browses: Client, typed: dict[str, str], field: str):
    response = ada_browses.post(ADD, study_form(**typed))
    errors = response.context["adminform"].form.errors
    assert list(errors) == [field]
    assert len(errors[field]) == 1


def test_the_database_takes_a_doi_once():
    StudyFactory.create(doi="10.1000/x")
    with pytest.raises(IntegrityError), transaction.atomic():
        StudyFactory.create(doi="https://doi.org/10.1000/X")


def test_the_database_refuses_an_implausible_year():
    with pytest.raises(IntegrityError):
        StudyFactory.create(year=1066)


def test_two_studies_of_the_same_title_have_two_addresses():
    slugs = [StudyFactory.create(title="Rest").slug for _ in range(3)]
    assert slugs == ["gentile-2019-rest", "gentile-2019-rest-2", "gentile-2019-rest-3"]


def test_a_new_title_keeps_the_address():
    study = StudyFactory.create(title="Rest")
    study.title = "Effort"
    study.save()
    assert study.slug == "gentile-2019-rest"


def test_a_title_in_another_script_has_an_address_all_the_same(cleo: Client):
    study = StudyFactory.create(title="睡眠", authors="李 明")
    assert cleo.get(study.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    ("authors", "citation"),
    [
        ("Gentile E", "Gentile 2019"),
        ("Gentile E\nRicci K", "Gentile et al 2019"),
        ("Gentile E\n\n  \nRicci K\n", "Gentile et al 2019"),
        ("van der Berg AB\nRicci K", "van der Berg et al 2019"),
        ("Park J-H", "Park 2019"),
        ("Fluge Ø", "Fluge 2019"),
        ("RECOVER Consortium", "RECOVER Consortium 2019"),
        ("World Health Organization", "World Health Organization 2019"),
        ("Plato", "Plato 2019"),
        ("", "Unknown 2019"),
    ],
)
def test_a_study_is_called_by_its_first_author(authors: str, citation: str):
    assert Study(authors=authors, year=2019).short_citation == citation


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "Pain. 2019"),
        ({"volume": "3"}, "Pain. 2019;3"),
        ({"volume": "3", "issue": "2"}, "Pain. 2019;3(2)"),
        ({"volume": "3", "issue": "2", "pages": "1-9"}, "Pain. 2019;3(2):1-9"),
        ({"pages": "e1"}, "Pain. 2019;:e1"),
        ({"issue": "2"}, "Pain. 2019"),
    ],
)
def test_where_a_study_was_published(fields: dict[str, str], place: str):
    assert Study(journal="Pain", year=2019, **fields).where_published == place


def test_the_address_of_an_old_doi_leads_to_the_whole_of_it():
    study = Study(doi="10.1002/(sici)1096(199603)99:3<345::aid#1>3.0.co;2-x?a%b")
    assert study.doi_url == (
        "https://doi.org/10.1002/(sici)1096(199603)99:3%3C345::aid%231%3E3.0.co;2-x%3Fa%25b"
    )


def test_a_cited_study_is_not_deleted(ada_browses: Client):
    study = StudyFactory.create()
    ArticleFactory.create(studies=[study])
    ada_browses.post(f"/admin/research/study/{study.pk}/delete/", {"post": "yes"})
    assert Study.objects.exists()
