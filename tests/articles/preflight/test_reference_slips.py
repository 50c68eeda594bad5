"""References are written in one way."""

import pytest

from articles.models import Reference
from articles.preflight.references import AT_AL, TWO_JOURNALS, is_same_journal, journal_of
from tests.articles.preflight.writing import article, found, mark
from tests.factories import StudyFactory


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Arthritis Res Ther", "Arthritis Ther Res"),
        ("Arthritis Res Ther", "Arthritis Res. Ther."),
        ("Pain Res Treat", "Pain Research and Treatment"),
        ("Arthritis Research & Therapy", "Arthritis Res Ther"),
        ("Journal of Pain", "Journal Of Pain"),
    ],
)
def test_one_journal_in_two_ways(one: str, other: str):
    assert is_same_journal(one, other)
    assert is_same_journal(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Arthritis Rheum", "Arthritis Rheumatol"),
        ("Pain", "J Pain"),
        ("Pain Med", "Pain Res"),
        ("J Pain Res", "J Pain Symptom Manage"),
        ("Pain Res Treat", "Pain Res Treat"),
        ("PAIN", "Pain"),
    ],
)
def test_two_journals_or_the_same_words(one: str, other: str):
    assert not is_same_journal(one, other)


@pytest.mark.parametrize(
    ("source", "journal"),
    [
        ("Lerma C, at al. Arthritis Ther Res 13:R185, 2011.", "Arthritis Ther Res"),
        ("Kim PS, Fishman MA. Curr Pain Headache Rep 24:64, 2020.", "Curr Pain Headache Rep"),
        ("Schamne JC, et al. J Clin Rheumatol 27(Suppl 2):S278, 2021.", "J Clin Rheumatol"),
        ("NICE. Guideline on ME/CFS. London, 2021.", ""),
    ],
)
def test_the_journal_of_a_source_is_what_stands_before_its_volume(source: str, journal: str):
    assert journal_of(Reference(source=source)) == journal


@pytest.mark.django_db
def test_a_study_and_a_source_name_their_journal_in_one_way():
    study = StudyFactory.create(journal="Arthritis Res Ther")
    written = article(f"<p>Tea.{mark(study.slug, 'other')}</p>")
    other = written.references.create(source="Lerma C. Arthritis Ther Res 13:R185.", key="other")
    [finding] = found(written, TWO_JOURNALS)
    assert "“Arthritis Res Ther”, “Arthritis Ther Res”" in finding.problem
    other.source = "Lerma C. Arthritis Res Ther 13:R185."
    other.save()
    assert found(written, TWO_JOURNALS) == []


@pytest.mark.django_db
@pytest.mark.parametrize("slip", ["Cook DB, at al. Tea. 2012.", "Cook DB, At. al. Tea. 2012."])
def test_at_al_is_et_al(slip: str):
    written = article(f"<p>Tea.{mark('cook')}</p>")
    written.references.create(source=slip, key="cook")
    assert len(found(written, AT_AL)) == 1


@pytest.mark.django_db
def test_at_al_in_a_study_and_in_the_text_is_found_and_et_al_is_right():
    study = StudyFactory.create(authors="Cook, DB\nat al.")
    assert len(found(article(f"<p>Cook at al drank.{mark(study.slug)}</p>"), AT_AL)) == 2
    right = StudyFactory.create(authors="Cook, DB\net al.")
    words = f"<p>Cook et al. drank at all times, at Al.{mark(right.slug)}</p>"
    assert found(article(words), AT_AL) == []
