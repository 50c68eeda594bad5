"""Each mark leads to a reference, and each reference is marked."""

import pytest

from articles.models import Article, ArticleQuote, ArticleStudyCard, ArticleText, Reference
from articles.preflight import check
from articles.preflight.references import (
    BARE_QUOTE,
    NO_STUDY,
    NO_TERM,
    ORPHAN_MARK,
    ORPHAN_REFERENCE,
    RETRACTED,
)
from tests.articles.preflight.writing import article, found, mark
from tests.factories import StudyFactory, TermFactory, add_block

pytestmark = pytest.mark.django_db


def test_a_mark_of_nothing_stops():
    [finding] = found(article(f"<p>Tea.{mark('gone-2019')}</p>"), ORPHAN_MARK)
    assert finding.stops
    assert "“gone-2019”" in finding.problem
    assert finding.block == "Text, block 1, “Tea.”"


def test_a_mark_of_a_study_or_of_a_source_passes():
    study = StudyFactory.create()
    written = article(f"<p>Tea.{mark(study.slug, 'nih-2024')}</p>")
    written.references.create(source="NIH. Tea. 2024.", key="nih-2024")
    assert check(written) == []


def test_a_study_that_was_just_marked_is_known_before_it_is_a_reference():
    study = StudyFactory.create()
    written = article()
    ArticleText.objects.create(parent=written, region="body", html=f"<p>Tea.{mark(study.slug)}</p>")
    assert not written.references.exists()
    assert found(written, ORPHAN_MARK) == []


def test_a_reference_without_a_mark_is_noticed():
    written = article("<p>Tea.</p>", studies=[StudyFactory.create(authors="Haugen, Lena")])
    [finding] = found(written, ORPHAN_REFERENCE)
    assert not finding.stops
    assert finding.block == "Reference “Haugen 2019”"
    assert finding.anchor == "references-0"


def test_a_note_without_its_sign_in_the_text_is_noticed():
    written = article("<p>Tea.</p>")
    written.references.create(source="A note.", key="note", sign="*")
    assert len(found(written, ORPHAN_REFERENCE)) == 1


def test_a_quote_and_a_card_mark_their_study():
    quoted, shown = StudyFactory.create(), StudyFactory.create()
    written = article("<p>Tea.</p>")
    add_block(written, ArticleQuote, text="Tea is warm.", study=quoted)
    add_block(written, ArticleStudyCard, study=shown)
    assert written.references.count() == 2
    assert check(written) == []


def test_the_block_is_named_by_its_kind_and_its_number_from_the_top():
    written = article("<p>Tea.</p>", "<p>Soup.</p>")
    add_block(written, ArticleQuote, text="Tea is warm, she said to me.")
    [finding] = found(written, BARE_QUOTE)
    assert finding.block == "Pull quote, block 3, “Tea is warm, she said”"
    assert finding.anchor == "articles_articlequote_set-0"


def test_a_quote_of_a_person_or_a_study_passes():
    written = article()
    add_block(written, ArticleQuote, text="Tea is warm.", source="Ada Lane")
    add_block(written, ArticleQuote, text="Tea is warm.", study=StudyFactory.create())
    assert found(written, BARE_QUOTE) == []


def test_a_word_marked_for_the_glossary_is_in_it():
    TermFactory.create(slug="placebo")
    shown = '<glossary-term data-slug="{0}">{0}</glossary-term>'
    written = article(f"<p>{shown.format('placebo')} and {shown.format('nocebo')}</p>")
    [finding] = found(written, NO_TERM)
    assert finding.problem.endswith("“nocebo”.")
    assert not finding.stops


@pytest.mark.parametrize("kind", [kind for kind in Article.Kind if kind != "research-summary"])
def test_a_research_summary_has_a_study_and_others_need_none(kind: str):
    assert len(found(article("<p>Tea.</p>", kind="research-summary"), NO_STUDY)) == 1
    assert found(article("<p>Tea.</p>", kind=kind), NO_STUDY) == []


def test_a_source_is_no_study():
    written = article(f"<p>Tea.{mark('nih')}</p>", kind="research-summary")
    written.references.create(source="NIH. Tea. 2024.", key="nih")
    assert len(found(written, NO_STUDY)) == 1
    Reference.objects.create(article=written, study=StudyFactory.create())
    assert found(written, NO_STUDY) == []


def test_a_retracted_study_is_named_once_where_it_is_first_cited():
    study = StudyFactory.create(status="retracted", title="Tea cures", authors="Haugen, Lena")
    html = f"<p>Tea.{mark(study.slug)}</p>"
    [finding] = found(article("<p>Soup.</p>", html, html), RETRACTED)
    assert finding.problem == "It cites a retracted study: “Haugen 2019: Tea cures”."
    assert finding.block.startswith("Text, block 2")
    assert not finding.stops


@pytest.mark.parametrize("status", ["none", "corrected", "concern"])
def test_a_study_that_stands_passes(status: str):
    study = StudyFactory.create(status=status)
    assert found(article(f"<p>Tea.{mark(study.slug)}</p>"), RETRACTED) == []
