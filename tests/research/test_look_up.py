"""A study by its DOI or PMID: added once, renewed without losing a correction."""

from typing import Any

import pytest

from research import looking_up
from research.models import Study
from research.sources.fetching import LookUpFailedError, UnreachableError
from tests.factories import StudyFactory
from tests.newsletter.conftest import shared_database
from tests.newsletter.scenes import race
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

__all__ = ["registers", "shared_database"]
pytestmark = pytest.mark.django_db


def added(registers: Registers, **changes: Any) -> Study:
    registers.will(works(PAIN_SCORE, **changes))
    return looking_up.add(PAIN_SCORE).study


def test_a_pasted_doi_becomes_a_study_as_crossref_describes_it(registers: Registers):
    registers.will(works(PAIN_SCORE))
    study, is_new, _ = looking_up.add(f" https://doi.org/{PAIN_SCORE.upper()}. ")
    study.refresh_from_db()
    assert is_new
    assert study.doi == PAIN_SCORE
    assert study.authors.splitlines()[0] == "Pace, Agnes K."
    assert (study.year, study.month, study.day, study.pages) == (2021, 2, 8, "1-8")
    assert (study.design, study.patients, study.reviewed) == ("", None, "")
    assert study.fetched["title"] == study.title
    assert study.fetched_at is not None


def test_what_is_here_is_not_asked_for(registers: Registers):
    study = StudyFactory.create(doi=PAIN_SCORE)
    assert looking_up.add(f"doi:{PAIN_SCORE}") == (study, False, False)
    assert registers.asked == []


def test_pasting_it_twice_makes_one(registers: Registers):
    study = added(registers)
    assert looking_up.add(PAIN_SCORE).study == study
    assert Study.objects.count() == 1


def test_a_pmid_gives_its_number_to_the_study_known_by_doi(registers: Registers):
    study = StudyFactory.create(doi=PESTICIDES)
    registers.will(sends(pubmed_xml(PESTICIDES_PMID)), sends("", 404))
    assert looking_up.add(f"PMID: {PESTICIDES_PMID}") == (study, False, True)
    study.refresh_from_db()
    assert study.pmid == PESTICIDES_PMID
    assert looking_up.add(PESTICIDES_PMID) == (study, False, False)


def test_a_doi_that_is_another_name_of_one_we_have_makes_no_second(registers: Registers):
    study = StudyFactory.create(doi=PAIN_SCORE)
    registers.will(works(PAIN_SCORE))
    assert looking_up.add("10.5555/alias").study == study


@pytest.mark.parametrize("typed", ["", "fibromyalgia", "10.1/x", "https://example.org/"])
def test_what_names_nothing_is_refused_before_anybody_is_asked(registers: Registers, typed: str):
    with pytest.raises(ValueError, match="DOI"):
        looking_up.add(typed)
    assert registers.asked == []


def test_a_record_without_a_title_makes_no_study(registers: Registers):
    registers.will(works("10.1002/humu.2018.39.issue-6"))
    with pytest.raises(LookUpFailedError, match="Crossref has this DOI, but no title"):
        looking_up.add("10.1002/humu.2018.39.issue-6")
    assert not Study.objects.exists()


def test_a_record_that_fits_no_study_says_where(registers: Registers):
    registers.will(works(PAIN_SCORE, title=["long " * 200]))
    with pytest.raises(LookUpFailedError, match=r"does not fit our field “title”: .* 500"):
        looking_up.add(PAIN_SCORE)
    assert not Study.objects.exists()


@pytest.mark.parametrize("checks", [True, False])
def test_who_comes_a_moment_later_gets_the_same_study(
    registers: Registers, monkeypatch: pytest.MonkeyPatch, checks: bool
):
    registers.will(works(PAIN_SCORE))
    first = StudyFactory.create(doi=PAIN_SCORE)
    answers = iter([None, None])
    real = looking_up.find
    monkeypatch.setattr(looking_up, "find", lambda *given: next(answers, real(*given)))
    if not checks:
        # The other one's row appears between the check and the write.
        monkeypatch.setattr(Study, "full_clean", lambda self, **options: None)
    assert looking_up.add(PAIN_SCORE) == (first, False, False)


@pytest.mark.usefixtures("shared_database")
def test_two_who_add_the_same_at_once_make_one_study(registers: Registers):
    registers.will(works(PAIN_SCORE))
    found = race(*[lambda: looking_up.add(PAIN_SCORE)] * 3)
    assert [one.is_new for one in found].count(True) == 1
    assert len({one.study.pk for one in found}) == 1
    assert Study.objects.count() == 1


RETRACTED = {"updated-by": [{"DOI": "10.5555/notice", "type": "retraction"}]}


def test_a_retracted_study_says_so_from_the_first_moment(registers: Registers):
    study = added(registers, **RETRACTED)
    study.refresh_from_db()
    assert study.status == Study.Status.RETRACTED
    assert [notice.doi for notice in study.notices.all()] == ["10.5555/notice"]


def test_fetching_again_hears_of_a_retraction_and_never_forgets_one(registers: Registers):
    study = added(registers)
    registers.will(works(PAIN_SCORE, **RETRACTED), works(PAIN_SCORE))
    for _ in range(2):
        looking_up.renew(study)
        study.refresh_from_db()
        assert study.status == Study.Status.RETRACTED
    assert study.notices.count() == 1


def test_fetching_again_renews_what_nobody_touched(registers: Registers):
    study = added(registers)
    registers.will(works(PAIN_SCORE, page="1-9", volume="22"))
    renewal = looking_up.renew(study)
    study.refresh_from_db()
    assert (study.pages, study.volume) == ("1-9", "22")
    assert (renewal.renewed, renewal.differing) == (["volume", "pages"], [])


def test_what_the_editor_corrected_stays_and_is_named(registers: Registers):
    study = added(registers)
    study.title, study.year, study.journal = "An objective pain score", 2020, ""
    study.save()
    registers.will(works(PAIN_SCORE, page="1-9"))
    renewal = looking_up.renew(study)
    study.refresh_from_db()
    assert (study.title, study.year, study.journal) == ("An objective pain score", 2020, "")
    assert renewal.renewed == ["pages"]
    assert {(one.label, one.editor_wrote) for one in renewal.differing} == {
        ("title", "An objective pain score"),
        ("year", "2020"),
        ("journal", ""),
    }
    # Once more: the corrections are still the editor's.
    assert looking_up.renew(study).renewed == []
    study.refresh_from_db()
    assert study.year == 2020


def test_a_date_is_renewed_as_a_whole_or_not_at_all(registers: Registers):
    study = added(registers, issued={"date-parts": [[2019, 5, 31]]})
    registers.will(works(PAIN_SCORE, issued={"date-parts": [[2019, 6]]}))
    assert looking_up.renew(study).renewed == ["month", "day"]
    study.refresh_from_db()
    assert (study.year, study.month, study.day) == (2019, 6, None)
    study.year = 2018
    study.save()
    registers.will(works(PAIN_SCORE, issued={"date-parts": [[2020, 1, 5]]}))
    renewal = looking_up.renew(study)
    study.refresh_from_db()
    assert (study.year, study.month, study.day) == (2018, 6, None)
    assert [one.source_says for one in renewal.differing] == ["2020", "1", "5"]


def test_what_the_source_no_longer_says_stays(registers: Registers):
    study = added(registers)
    registers.will(works(PAIN_SCORE, page=None, publisher=""))
    assert looking_up.renew(study).renewed == []
    study.refresh_from_db()
    assert (study.pages, study.publisher) == ("1-8", "Hindawi Limited")


def test_a_study_entered_by_hand_gets_what_it_lacks(registers: Registers):
    study = StudyFactory.create(doi=PAIN_SCORE, journal="Pain Res Manag", year=None)
    registers.will(works(PAIN_SCORE))
    renewal = looking_up.renew(study)
    study.refresh_from_db()
    assert (study.journal, study.year, study.day) == ("Pain Res Manag", 2021, 8)
    assert "publisher" in renewal.renewed
    assert "journal" in [one.label for one in renewal.differing]


def test_the_author_who_differs_is_named_alone(registers: Registers):
    study = added(registers)
    study.authors = study.authors.replace("Bruceta, Melanio", "Bruceta, M.")
    study.save()
    (difference,) = looking_up.renew(study).differing
    assert difference == ("authors", "Bruceta, Melanio", "Bruceta, M.")


def test_a_pubmed_study_learns_its_doi_unless_another_has_it(registers: Registers):
    study = StudyFactory.create(doi=None, pmid=PESTICIDES_PMID)
    registers.will(sends(pubmed_xml(PESTICIDES_PMID)), sends("", 404))
    assert "DOI" in looking_up.renew(study).renewed
    study.refresh_from_db()
    assert study.doi == PESTICIDES
    Study.objects.update(doi=None)
    StudyFactory.create(doi=PESTICIDES)
    study.refresh_from_db()
    registers.will(sends(pubmed_xml(PESTICIDES_PMID)), sends("", 404))
    assert "DOI" not in looking_up.renew(study).renewed


@pytest.mark.parametrize("fails", [hangs_up, sends("", 404), sends("nonsense")])
def test_a_failed_renewal_changes_nothing(registers: Registers, fails: Any):
    study = added(registers)
    before = Study.objects.values().get()
    registers.will(fails)
    with pytest.raises(LookUpFailedError):
        looking_up.renew(study)
    assert Study.objects.values().get() == before


def test_a_renewal_that_does_not_fit_changes_nothing(registers: Registers):
    study = added(registers)
    before = Study.objects.values().get()
    registers.will(works(PAIN_SCORE, volume="v" * 50, page="99"))
    with pytest.raises(LookUpFailedError, match="“volume”"):
        looking_up.renew(study)
    assert Study.objects.values().get() == before


def test_a_study_that_is_here_is_found_with_the_register_down(registers: Registers):
    registers.will(hangs_up)
    study = StudyFactory.create(doi=PAIN_SCORE)
    assert looking_up.add(PAIN_SCORE).study == study
    with pytest.raises(UnreachableError):
        looking_up.add("10.5555/unknown")
