"""Ada adds studies by DOI or PMID, fetches them again, and cites them from the text editor."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from research.forms import StudyForm
from research.models import Study
from tests.factories import StudyFactory
from tests.research.registers import (
    PAIN_SCORE,
    PESTICIDES,
    PESTICIDES_PMID,
    Registers,
    hangs_up,
    pubmed_xml,
    registers,
    sends,
    works,
)

__all__ = ["registers"]
pytestmark = pytest.mark.django_db

LOOK_UP = "admin:research_study_look_up"
PICK = "admin:research_study_pick"
FETCH = "admin:research_study_fetch"


@pytest.fixture
def looker() -> Client:
    """A browser of somebody who may see studies, and nothing more."""
    user = User.objects.create_user("lou", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_study"))
    client = Client()
    client.force_login(user)
    return client


def change_url(study: Study) -> str:
    return reverse("admin:research_study_change", args=[study.pk])


def paste(client: Client, text: str) -> str:
    answer = client.post(reverse(LOOK_UP), {"identifier": text}, follow=True)
    return str(answer.content.decode())


# The page "Add by DOI or PMID"


@pytest.mark.parametrize(
    "pasted", [PAIN_SCORE, f"https://doi.org/{PAIN_SCORE}", f" doi: {PAIN_SCORE.upper()}. "]
)
def test_a_pasted_doi_leads_to_the_new_study(
    ada_browses: Client, registers: Registers, pasted: str
):
    registers.will(works(PAIN_SCORE))
    answer = ada_browses.post(reverse(LOOK_UP), {"identifier": pasted})
    study = Study.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, change_url(study))
    page = ada_browses.get(change_url(study)).content.decode()
    assert "“An Objective Pain Score for Chronic Pain Clinic Patients” is in the library." in page
    assert LogEntry.objects.get().object_id == str(study.pk)


def test_pasting_it_twice_leads_to_the_same_study(ada_browses: Client, registers: Registers):
    registers.will(works(PAIN_SCORE))
    paste(ada_browses, PAIN_SCORE)
    assert "was in the library already." in paste(ada_browses, PAIN_SCORE)
    assert Study.objects.count() == 1


def test_a_pmid_meets_the_study_known_by_doi(ada_browses: Client, registers: Registers):
    StudyFactory.create(doi=PESTICIDES)
    registers.will(sends(pubmed_xml(PESTICIDES_PMID)), sends("", 404))
    assert "was in the library already; it got its PMID." in paste(ada_browses, PESTICIDES_PMID)
    assert Study.objects.get().pmid == PESTICIDES_PMID


@pytest.mark.parametrize(
    ("fails", "why"),
    [
        (hangs_up, "Crossref did not answer. What you typed is kept. Try again later."),
        (sends("", 404), "Crossref does not know this DOI."),
        (sends("nonsense"), "Crossref answered, but with something that cannot be read."),
        (works(PAIN_SCORE, title=[]), "Crossref has this DOI, but no title."),
    ],
)
def test_what_was_typed_stays_and_may_be_added_by_hand(
    ada_browses: Client, registers: Registers, fails: Any, why: str
):
    registers.will(fails)
    page = paste(ada_browses, f"https://doi.org/{PAIN_SCORE}")
    assert why in page
    assert f'value="https://doi.org/{PAIN_SCORE}"' in page
    by_hand = f"{reverse('admin:research_study_add')}?doi=10.1155%2F2021%2F6695741"
    assert f'href="{by_hand}"' in page
    assert f'value="{PAIN_SCORE}"' in ada_browses.get(by_hand).content.decode()
    assert not Study.objects.exists()


def test_what_is_no_identifier_is_refused_with_an_example(
    ada_browses: Client, registers: Registers
):
    page = paste(ada_browses, "slow <b>tapping")
    assert "is neither a DOI nor a PMID: paste one such as" in page
    assert 'value="slow &lt;b&gt;tapping"' in page
    assert registers.asked == []


@pytest.mark.parametrize("typed", ["", "x" * 501])
def test_nothing_and_too_much_are_refused(ada_browses: Client, registers: Registers, typed: str):
    assert "errorlist" in paste(ada_browses, typed)
    assert registers.asked == []


def test_opening_the_page_asks_nobody(ada_browses: Client, registers: Registers):
    answer = ada_browses.get(reverse(LOOK_UP), {"identifier": PAIN_SCORE})
    assert answer.status_code == 200
    assert registers.asked == []


def test_who_may_not_add_does_not_look_up(looker: Client, cleo: Client, registers: Registers):
    assert looker.get(reverse(LOOK_UP)).status_code == 403
    assert looker.post(reverse(LOOK_UP), {"identifier": PAIN_SCORE}).status_code == 403
    assert cleo.post(reverse(LOOK_UP), {"identifier": PAIN_SCORE}).status_code == 302
    listed = looker.get(reverse("admin:research_study_changelist")).content.decode()
    assert reverse(LOOK_UP) not in listed
    assert registers.asked == []


def test_ada_hears_at_once_that_it_is_retracted(ada_browses: Client, registers: Registers):
    notice = {"DOI": "10.5555/notice", "type": "retraction"}
    registers.will(works(PAIN_SCORE, **{"updated-by": [notice]}))
    assert "A notice stands against this study: retracted." in paste(ada_browses, PAIN_SCORE)


# "Save and fetch again"


def form_of(study: Study, **changes: Any) -> dict[str, Any]:
    names = [
        "doi", "pmid", "kind", "title", "authors", "journal", "year", "month", "day", "volume",
        "issue", "pages", "publisher", "place", "url", "access", "plain_sentence", "design",
        "patients", "controls", "criteria", "malaise", "reviewed", "funding",
    ]  # fmt: skip
    values = {name: getattr(study, name) for name in names}
    filled = {name: "" if value is None else value for name, value in values.items()}
    # As browsers send the lines of a text field.
    filled["authors"] = study.authors.replace("\n", "\r\n")
    return {**filled, **changes}


def fetch_again(client: Client, study: Study, **changes: Any) -> str:
    form = form_of(study, _fetch_again="Save and fetch again", **changes)
    return str(client.post(change_url(study), form, follow=True).content.decode())


@pytest.fixture
def study(ada_browses: Client, registers: Registers) -> Study:
    """The study as Ada added it by its DOI."""
    registers.will(works(PAIN_SCORE))
    paste(ada_browses, PAIN_SCORE)
    return Study.objects.get()


def test_what_the_source_changed_is_renewed_and_said(
    ada_browses: Client, registers: Registers, study: Study
):
    registers.will(works(PAIN_SCORE, page="1-9", issue="2"))
    assert "Renewed from Crossref: issue and pages." in fetch_again(ada_browses, study)
    study.refresh_from_db()
    assert (study.pages, study.issue) == ("1-9", "2")


def test_what_ada_just_typed_is_saved_and_stays(
    ada_browses: Client, registers: Registers, study: Study
):
    page = fetch_again(ada_browses, study, year=2019, plain_sentence="Small.", pages="")
    assert "nothing had to be renewed" in page
    assert escape("Crossref says year “2021”; you wrote “2019”.") in page
    assert escape("Crossref says pages “1-8”; you left it empty.") in page
    study.refresh_from_db()
    assert (study.year, study.plain_sentence, study.pages) == (2019, "Small.", "")


def test_saving_the_form_unchanged_corrects_nothing(
    ada_browses: Client, registers: Registers, study: Study
):
    ada_browses.post(change_url(study), form_of(study))
    registers.will(works(PAIN_SCORE, author=[{"family": "Pace", "given": "A."}]))
    assert "Renewed from Crossref: authors." in fetch_again(ada_browses, study)
    study.refresh_from_db()
    assert study.authors == "Pace, A."


def test_with_the_source_down_the_form_is_saved_all_the_same(
    ada_browses: Client, registers: Registers, study: Study
):
    registers.will(hangs_up)
    page = fetch_again(ada_browses, study, plain_sentence="Small.")
    assert "Crossref did not answer. Your changes are saved; nothing else was changed." in page
    study.refresh_from_db()
    assert study.plain_sentence == "Small."


def test_saving_does_not_take_back_what_the_watch_wrote_meanwhile(
    ada_browses: Client, study: Study, monkeypatch: pytest.MonkeyPatch
):
    real = StudyForm.clean_authors

    def watch_writes(form: StudyForm) -> str:
        Study.objects.update(status=Study.Status.RETRACTED)
        return real(form)

    monkeypatch.setattr(StudyForm, "clean_authors", watch_writes)
    ada_browses.post(change_url(study), form_of(study, plain_sentence="Small."))
    study.refresh_from_db()
    assert (study.plain_sentence, study.status) == ("Small.", Study.Status.RETRACTED)


def test_a_form_with_an_error_asks_nobody(ada_browses: Client, registers: Registers, study: Study):
    asked = len(registers.asked)
    page = fetch_again(ada_browses, study, title="")
    assert "Please correct the error below" in page
    assert len(registers.asked) == asked


def test_without_an_identifier_there_is_nothing_to_fetch(ada_browses: Client, registers: Registers):
    study = StudyFactory.create(doi=None, pmid=None)
    assert "_fetch_again" not in ada_browses.get(change_url(study)).content.decode()
    assert "There is nothing to fetch" in fetch_again(ada_browses, study)


def test_a_plain_save_asks_nobody(ada_browses: Client, registers: Registers, study: Study):
    asked = len(registers.asked)
    ada_browses.post(change_url(study), form_of(study))
    assert len(registers.asked) == asked


def test_who_may_not_change_does_not_fetch_again(
    looker: Client, registers: Registers, study: Study
):
    asked = len(registers.asked)
    assert looker.post(change_url(study), form_of(study, _fetch_again="1")).status_code == 403
    assert "_fetch_again" not in looker.get(change_url(study)).content.decode()
    assert len(registers.asked) == asked


# What the text editor asks


def test_the_picker_finds_by_all_words(ada_browses: Client):
    tapping = StudyFactory.create(title="Slow finger tapping", authors="Gentile, E", year=2019)
    StudyFactory.create(title="Fast finger tapping", authors="Ricci, K")
    found = ada_browses.get(reverse(PICK), {"q": " TAPPING  gentile "}).json()
    assert found == {
        "studies": [
            {"key": tapping.slug, "title": "Slow finger tapping", "citation": "Gentile 2019"}
        ],
        "fetchable": "",
    }


def test_the_picker_finds_an_identifier_in_any_form(ada_browses: Client):
    StudyFactory.create(doi="10.5555/one", pmid="31275544")
    for typed in ("https://doi.org/10.5555/ONE", "PMID: 31275544", "31275", "5555/on"):
        assert len(ada_browses.get(reverse(PICK), {"q": typed}).json()["studies"]) == 1, typed


@pytest.mark.parametrize(
    ("typed", "fetchable"),
    [
        ("https://doi.org/10.5555/NEW.", "10.5555/new"),
        ("10.5555/here", ""),
        ("31275544", "31275544"),
        ("2019", ""),
        ("PMID 2019", "2019"),
        ("finger", ""),
        ("", ""),
    ],
)
def test_the_picker_says_what_could_be_fetched(ada_browses: Client, typed: str, fetchable: str):
    StudyFactory.create(doi="10.5555/here")
    assert ada_browses.get(reverse(PICK), {"q": typed}).json()["fetchable"] == fetchable


def test_the_picker_shows_ten_of_many(ada_browses: Client, django_assert_max_num_queries: Any):
    StudyFactory.create_batch(15)
    with django_assert_max_num_queries(6):
        assert len(ada_browses.get(reverse(PICK), {"q": "effort"}).json()["studies"]) == 10


@pytest.mark.parametrize(
    "odd", ["%", "_", "' OR 1=1", "a" * 10_000, "\x01", " ".join("abcdefghijklm")]
)
def test_odd_words_find_nothing(ada_browses: Client, odd: str):
    StudyFactory.create(title="Rest", doi="10.5555/one", authors="")
    assert ada_browses.get(reverse(PICK), {"q": odd}).json()["studies"] == []


def test_the_editor_fetches_what_is_lacking_and_gets_its_key(
    ada_browses: Client, registers: Registers
):
    registers.will(works(PAIN_SCORE))
    answer = ada_browses.post(reverse(FETCH), {"identifier": PAIN_SCORE})
    study = Study.objects.get()
    expected = {"key": study.slug, "title": study.title, "citation": "Pace et al 2021"}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert ada_browses.post(reverse(FETCH), {"identifier": PAIN_SCORE}).json() == expected
    assert len(registers.asked) == 1


@pytest.mark.parametrize(
    ("identifier", "fails", "status", "why"),
    [
        ("nonsense", hangs_up, 400, "neither a DOI nor a PMID"),
        ("", hangs_up, 400, "neither a DOI nor a PMID"),
        (PAIN_SCORE, sends("", 404), 404, "Crossref does not know this DOI."),
        (PAIN_SCORE, hangs_up, 503, "Crossref did not answer. Try again later."),
        (PAIN_SCORE, works(PAIN_SCORE, title=[]), 422, "but no title"),
    ],
)
def test_the_editor_hears_why_nothing_was_fetched(
    ada_browses: Client, registers: Registers, identifier: str, fails: Any, status: int, why: str
):
    registers.will(fails)
    answer = ada_browses.post(reverse(FETCH), {"identifier": identifier})
    assert answer.status_code == status
    assert why in answer.json()["error"]
    assert not Study.objects.exists()


def test_permissions_and_methods_are_checked(looker: Client, cleo: Client, registers: Registers):
    StudyFactory.create(title="Rest")
    seen = looker.get(reverse(PICK), {"q": "10.5555/new"}).json()
    assert seen["fetchable"] == ""
    assert len(looker.get(reverse(PICK), {"q": "rest"}).json()["studies"]) == 1
    assert looker.post(reverse(PICK), {"q": "rest"}).status_code == 405
    assert looker.post(reverse(FETCH), {"identifier": PAIN_SCORE}).status_code == 403
    assert cleo.get(reverse(PICK)).status_code == 302
    nobody = User.objects.create_user("nob", is_staff=True)
    client = Client()
    client.force_login(nobody)
    assert client.get(reverse(PICK)).status_code == 403
    assert registers.asked == []


def test_reading_changes_nothing_and_forged_posts_are_refused(ada: User, registers: Registers):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.get(reverse(FETCH), {"identifier": PAIN_SCORE}).status_code == 405
    for name in (FETCH, LOOK_UP):
        assert client.post(reverse(name), {"identifier": PAIN_SCORE}).status_code == 403
    assert registers.asked == []


# The form itself


@pytest.mark.parametrize(
    ("authors", "faults"),
    [
        ("Gentile, E\nRECOVER Consortium\n{WHO, Geneva}\nKing, Martin, Jr.\nPlato,\net al.", []),
        ("", []),
        ("Gentile E", ["Line 1: write a person with a comma, “Gentile, E”"]),
        ("{Task Force EU}\nTask Force EU", ["Line 2: write a person with a comma"]),
        ("Gentile, E; Ricci, K", ["Line 1: this looks like several authors"]),
        ("A Person, B\nGentile E, Ricci K", ["Line 2: this looks like several authors"]),
        ("Anna Lee and Bo Chen", ["Line 1: this looks like several authors"]),
        ("{WHO, Geneva\nWHO}", ["Line 1: a group in braces", "Line 2: a group in braces"]),
        ("et al.\n\nGentile, E", ["Line 1: “et al.” stands last"]),
    ],
)
def test_each_wrong_line_of_authors_is_named(ada_browses: Client, authors: str, faults: list[str]):
    study = StudyFactory.create(title="Rest", authors="")
    page = ada_browses.post(change_url(study), form_of(study, authors=authors)).content.decode()
    for fault in faults:
        assert escape(fault) in page
    study.refresh_from_db()
    assert study.authors == ("" if faults else authors)


def test_what_a_source_wrote_is_no_error(ada_browses: Client):
    study = StudyFactory.create(authors="Task Force EU\nScience and Society")
    answer = ada_browses.post(change_url(study), form_of(study, title="Rest again"))
    assert answer.status_code == 302
    study.refresh_from_db()
    assert (study.title, study.authors) == ("Rest again", "Task Force EU\nScience and Society")


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("doi", "10.1/x", "is not a DOI"),
        ("pmid", "PMC123", "is not a PMID"),
        ("doi", "https://doi.org/10.5555/TAKEN", "This study is already in the library."),
    ],
)
def test_a_wrong_identifier_is_named_on_its_field(
    ada_browses: Client, field: str, typed: str, why: str
):
    StudyFactory.create(doi="10.5555/taken")
    study = StudyFactory.create(doi=None, pmid=None)
    answer = ada_browses.post(change_url(study), form_of(study, **{field: typed}))
    assert why in str(answer.context["adminform"].form.errors[field])


def test_a_study_needs_neither_doi_nor_pmid(ada_browses: Client):
    form = form_of(Study(title="A book of rest", authors="Lee, Anna"), kind="book")
    answer = ada_browses.post(reverse("admin:research_study_add"), form)
    assert answer.status_code == 302
    assert Study.objects.filter(doi=None, pmid=None, kind="book").count() == 1


def test_the_form_says_what_is_known_of_it_since(ada_browses: Client):
    study = StudyFactory.create(status=Study.Status.RETRACTED)
    page = ada_browses.get(change_url(study)).content.decode()
    assert "Retracted" in page
    assert "Not yet." in page
    assert "Never: it was entered by hand or from a file." in page
    assert 'href="/admin/r/' in page or study.get_absolute_url() in page


def test_the_list_is_filtered_and_searched(ada_browses: Client):
    StudyFactory.create(title="One of rest", pmid="31275544")
    StudyFactory.create(title="Two of effort")
    list_url = reverse("admin:research_study_changelist")
    assert list(ada_browses.get(list_url).context["cl"].list_filter) == [
        "conditions", "design", "access", "status", "year",
    ]  # fmt: skip
    page = ada_browses.get(list_url, {"q": "31275544"}).content.decode()
    assert "One of rest" in page
    assert "Two of effort" not in page
    page = ada_browses.get(list_url, {"status__exact": "retracted"}).content.decode()
    assert "One of rest" not in page
