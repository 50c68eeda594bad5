"""What is old says so."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from articles.models import ArticleFact, PageReference, PageText
from articles.preflight import check
from articles.preflight.freshness import NO_REFERENCES, OLD_REVIEW, OVERDUE
from tests.articles.preflight.writing import article, found, mark
from tests.factories import PageFactory, StudyFactory, add_block

pytestmark = pytest.mark.django_db


def days(number: int) -> Any:
    return timezone.localdate() + timedelta(days=number)


@pytest.mark.parametrize(("check_by", "findings"), [(-1, 1), (0, 1), (1, 0)])
def test_a_fact_is_checked_in_time(check_by: int, findings: int):
    written = article()
    dates = {"checked_on": days(-30), "check_by_on": days(check_by)}
    add_block(written, ArticleFact, label="Price", value="10 dollars", source="Maker", **dates)
    assert len(found(written, OVERDUE)) == findings


def test_a_page_has_references_or_waits():
    page = PageFactory.create()
    [finding] = found(page, NO_REFERENCES)
    assert finding.stops
    study = StudyFactory.create()
    add_block(page, PageText, html=f"<p>Tea.{mark(study.slug)}</p>")
    assert PageReference.objects.filter(page=page).exists()
    assert check(page) == []


def test_an_article_may_do_without_references():
    assert check(article("<p>Tea.</p>")) == []


@pytest.mark.parametrize(("ago", "findings"), [(731, 1), (730, 0), (1, 0)])
def test_a_page_is_reviewed_every_two_years(ago: int, findings: int):
    page = PageFactory.create(reviewed_on=days(-ago))
    assert [f.anchor for f in found(page, OLD_REVIEW)] == ["id_reviewed_on"] * findings


def test_a_draft_without_a_review_is_not_old():
    page = PageFactory.create(state="draft", reviewed_on=None, reviewer=None)
    assert found(page, OLD_REVIEW) == []
