"""A study is a row, found by its DOI or PMID, and cites itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.forms import modelform_factory
from django.test import Client

from research.models import Notice, Study
from tests.factories import ArticleFactory, StudyFactory

ADD = "/admin/research/study/add/"

pytestmark = pytest.mark.django_db


def study_form(**fields: Any) -> dict[str, Any]:
    form = {
        "doi": "https://doi.org/10.1155/2019/2623161",
        "title": "Motor cortex function",
        "authors": "Gentile, Eleonora\nRicci, K",
        "journal": "Pain Res Treat",
        "year": "2019",
        "kind": "journal-article",
        "access": "free",
    }
    return {**form, **fields}


def errors_of(**typed: Any) -> dict[str, list[str]]:
    """What a form of all fields says to this, or {} once it has saved it."""
    form = modelform_factory(Study, fields="__all__")(study_form(**typed))
    if form.is_valid():
        form.save()
    return {field: [str(one) for one in errors] for field, errors in form.errors.items()}


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
        ({"doi": "nonsense"}, "doi"),
        ({"pmid": "nonsense"}, "pmid"),
        ({"pmid": "123456789"}, "pmid"),
        ({"doi": "10.1000/" + "x" * 300}, "doi"),
        ({"title": ""}, "title"),
        ({"year": "1066"}, "year"),
        ({"year": "99999"}, "year"),
        ({"year": "-1"}, "year"),
        ({"year": "soon"}, "year"),
        ({"month": "13"}, "month"),
        ({"month": "0"}, "month"),
        ({"year": "", "month": "3"}, "year"),
        ({"day": "3"}, "month"),
        ({"month": "2", "day": "30"}, "day"),
        ({"month": "2", "day": "32"}, "day"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "ftp://example.org/report"}, "url"),
        ({"kind": "song"}, "kind"),
        ({"access": "stolen"}, "access"),
    ],
)
def test_a_slip_is_named_once_at_its_field(typed: dict[str, str], field: str):
    errors = errors_of(**typed)
    assert list(errors) == [field]
    assert len(errors[field]) == 1


def test_a_pmid_is_pasted_in_any_form():
    assert errors_of(doi="", pmid="https://pubmed.ncbi.nlm.nih.gov/31275544/") == {}
    study = Study.objects.get()
    assert (study.doi, study.pmid) == (None, "31275544")


def test_a_pmid_that_is_in_the_library_already_is_told():
    StudyFactory.create(pmid="31275544")
    errors = errors_of(pmid="PMID: 31275544")
    assert errors == {"pmid": ["This study is already in the library."]}


def test_studies_without_identifiers_stand_side_by_side():
    for title in ("One", "Two"):
        assert errors_of(doi="", title=title, authors="", year="", journal="") == {}
    assert list(Study.objects.values_list("doi", "pmid", "year")) == [(None, None, None)] * 2


def test_the_same_title_and_year_without_identifiers_is_refused():
    StudyFactory.create(doi=None, title="Rest", year=1990)
    said = "A study of this title and year, without DOI and PMID, is here already."
    assert errors_of(doi="", title="REST", year="1990") == {"title": [said]}
    assert errors_of(doi="", title="REST", year="1991") == {}


def test_a_study_without_identifiers_can_be_saved_again():
    study = StudyFactory.create(doi=None, title="Rest")
    study.full_clean()


@pytest.mark.parametrize("empty", ["", None])
def test_no_identifier_is_null_however_it_was_given(empty: str | None):
    Study.objects.bulk_create([Study(doi=empty, pmid=empty, title="Rest", slug="rest")])
    study = Study.objects.get()
    assert (study.doi, study.pmid) == (None, None)
    Study(doi="", pmid="", title="Effort").full_clean(exclude=["slug"])


@pytest.mark.parametrize(
    "fields",
    [
        {"doi": ""},
        {"pmid": ""},
        {"year": None, "month": 1},
        {"month": 0},
        {"month": 13},
        {"day": 1},
        {"month": 1, "day": 32},
        {"month": 1, "day": 0},
    ],
)
def test_the_database_refuses_what_is_no_date_and_no_identifier(fields: dict[str, Any]):
    StudyFactory.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        Study.objects.update(**fields)


def test_what_is_no_identifier_is_not_saved():
    with pytest.raises(ValueError, match="is not a DOI"), transaction.atomic():
        StudyFactory.create(doi="nonsense")
    assert not Study.objects.exists()


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
    study = StudyFactory.create(title="睡眠", authors="李, 明")
    assert cleo.get(study.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    ("authors", "citation"),
    [
        ("Gentile, Eleonora", "Gentile 2019"),
        ("Gentile, E\nRicci, K", "Gentile et al 2019"),
        ("Gentile, E\n\n  \nRicci, K\n", "Gentile et al 2019"),
        ("Gentile, E\net al.", "Gentile et al 2019"),
        ("van der Berg, AB\nRicci, K", "van der Berg et al 2019"),
        ("Park, Jin-Hee", "Park 2019"),
        ("RECOVER Consortium", "RECOVER Consortium 2019"),
        ("World Health Organization", "World Health Organization 2019"),
        ("Plato,", "Plato 2019"),
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
        ({"pages": "e1"}, "Pain. 2019:e1"),
        ({"issue": "2"}, "Pain. 2019;(2)"),
        ({"year": None}, "Pain, no date"),
        ({"year": None, "volume": "3"}, "Pain, no date;3"),
        ({"journal": ""}, "2019"),
        ({"journal": "", "year": None}, "No date"),
        ({"publisher": "Wiley"}, "Pain. 2019"),
        ({"journal": "J. Pain."}, "J. Pain. 2019"),
        (
            {"kind": "book", "journal": "", "publisher": "Guilford", "place": "New York"},
            "New York: Guilford. 2019",
        ),
        (
            {"kind": "book-chapter", "publisher": "Guilford", "pages": "3-9"},
            "Pain. Guilford. 2019:3-9",
        ),
    ],
)
def test_where_a_study_was_published(fields: dict[str, Any], place: str):
    assert Study(**{"journal": "Pain", "year": 2019, **fields}).where_published == place


@pytest.mark.parametrize(
    ("date", "shown"),
    [
        ((2019, 1, 16), "16 January 2019"),
        ((2019, 1, None), "January 2019"),
        ((2019, None, None), "2019"),
        ((None, None, None), "no date"),
    ],
)
def test_a_date_is_shown_as_far_as_it_is_known(date: tuple[int | None, ...], shown: str):
    year, month, day = date
    assert Study(year=year, month=month, day=day).published == shown


def test_a_study_without_a_year_says_so():
    assert Study(authors="Gentile, E", year=None).short_citation == "Gentile, no date"


@pytest.mark.parametrize(
    ("count", "cut", "line"),
    [
        (0, False, ""),
        (0, True, ""),
        (1, False, "A A."),
        (6, False, "A A, B B, C C, D D, E E, F F."),
        (6, True, "A A, B B, C C, D D, E E, F F, et al."),
        (7, False, "A A, B B, C C, D D, E E, F F, et al."),
    ],
)
def test_a_citation_names_six_authors_and_no_more(count: int, cut: bool, line: str):
    names = [f"{letter}, {letter}" for letter in "ABCDEFG"[:count]]
    assert Study(authors="\n".join([*names, *(["et al."] if cut else [])])).authors_line == line


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        (
            {"doi": "10.1000/x", "pmid": "1", "url": "https://a.example/"},
            "https://doi.org/10.1000/x",
        ),
        ({"pmid": "1", "url": "https://a.example/"}, "https://a.example/"),
        ({"pmid": "1"}, "https://pubmed.ncbi.nlm.nih.gov/1/"),
        ({}, ""),
    ],
)
def test_a_study_is_read_where_it_surely_is(fields: dict[str, str], link: str):
    assert Study(**fields).best_link == link


@pytest.mark.parametrize(
    ("pages", "first", "last"),
    [("319-329", "319", "329"), ("319\u2013329", "319", "329"), ("e1", "e1", ""), ("", "", "")],
)
def test_pages_are_a_range(pages: str, first: str, last: str):
    study = Study(pages=pages)
    assert (study.first_page, study.last_page) == (first, last)


def test_the_address_of_an_old_doi_leads_to_the_whole_of_it():
    study = Study(doi="10.1002/(sici)1096(199603)99:3<345::aid#1>3.0.co;2-x?a%b")
    assert study.doi_url == (
        "https://doi.org/10.1002/(sici)1096(199603)99:3%3C345::aid%231%3E3.0.co;2-x%3Fa%25b"
    )


def test_no_study_stands_where_the_feed_is():
    study = StudyFactory.create(title="睡眠", authors="Feed, X", year=None)
    assert study.slug == "feed-2"


def test_undated_studies_stand_last_whatever_the_database():
    for year in (2001, None, 2020):
        StudyFactory.create(year=year)
    years = {
        "Meta": [study.year for study in Study.objects.all()],
        "newest": [study.year for study in Study.objects.newest_first()],
        "oldest": [study.year for study in Study.objects.oldest_first()],
    }
    assert years == {
        "Meta": [2020, 2001, None],
        "newest": [2020, 2001, None],
        "oldest": [2001, 2020, None],
    }


def test_authors_are_sorted_ignoring_case_and_nobody_comes_last():
    for authors in ("", "Zeta, A", "de Tommaso, M", "Alpha, B"):
        StudyFactory.create(authors=authors)
    found = [study.authors for study in Study.objects.by_author()]
    assert found == ["Alpha, B", "de Tommaso, M", "Zeta, A", ""]


def test_what_has_a_doi_can_be_watched():
    watched, _ = StudyFactory.create(), StudyFactory.create(doi=None, pmid="1")
    assert list(Study.objects.watchable()) == [watched]


def test_the_database_takes_a_notice_once():
    study = StudyFactory.create()
    Notice.objects.create(study=study, kind="retraction", doi="10.1000/r")
    Notice.objects.create(study=study, kind="correction", doi="10.1000/r")
    with pytest.raises(IntegrityError):
        Notice.objects.create(study=study, kind="retraction", doi="10.1000/r")


def test_a_cited_study_is_not_deleted(ada_browses: Client):
    study = StudyFactory.create()
    ArticleFactory.create(studies=[study])
    ada_browses.post(f"/admin/research/study/{study.pk}/delete/", {"post": "yes"})
    assert Study.objects.exists()


def test_a_study_with_another_doi_is_checked_anew(ada_browses: Client):
    day = datetime(2026, 1, 5, tzinfo=UTC)
    kept, mended = StudyFactory.create_batch(2, checked_at=day, check_again_at=day)
    for study, doi in ((kept, f"https://doi.org/{kept.doi}"), (mended, "10.1155/2019/2623161")):
        path = f"/admin/research/study/{study.pk}/change/"
        assert ada_browses.post(path, study_form(doi=doi)).status_code == 302
        study.refresh_from_db()
    assert (kept.checked_at, kept.check_again_at) == (day, day)
    assert (mended.checked_at, mended.check_again_at) == (None, None)
