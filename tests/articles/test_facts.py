"""What nobody checked in time lands on the editors' list."""

from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client

from articles.facts import overdue_facts
from articles.models import ArticleFact, PageFact
from tests.factories import ArticleFactory, PageFactory, add_block

pytestmark = pytest.mark.django_db

TODAY = date(2026, 7, 5)


def fact(owner: Any, kind: Any, check_by: str, label: str = "Price") -> Any:
    dates = {"checked_on": date(2026, 1, 1), "check_by_on": date.fromisoformat(check_by)}
    return add_block(owner, kind, label=label, value="10 dollars", source="The maker", **dates)


def test_the_list_holds_what_is_due_oldest_first():
    article, page = ArticleFactory.create(), PageFactory.create()
    due = fact(article, ArticleFact, "2026-07-05")
    older = fact(page, PageFact, "2026-03-01")
    fact(article, ArticleFact, "2026-07-06")
    assert overdue_facts(TODAY) == [older, due]


def test_what_readers_do_not_see_any_more_need_not_be_checked():
    fact(ArticleFactory.create(state="withdrawn"), ArticleFact, "2026-03-01")
    fact(PageFactory.create(state="withdrawn"), PageFact, "2026-03-01")
    assert overdue_facts(TODAY) == []


def test_a_checked_fact_leaves_the_list():
    due = fact(ArticleFactory.create(), ArticleFact, "2026-03-01")
    due.checked_on, due.check_by_on = TODAY, date(2027, 1, 1)
    due.save()
    assert overdue_facts(TODAY) == []


def test_ada_finds_them_on_her_first_page(ada_browses: Client):
    article = ArticleFactory.create(title="What it costs")
    fact(article, ArticleFact, "2026-07-05", label="Price of a month")
    with time_machine.travel("2026-07-04 12:00Z", tick=False):
        assert "Price of a month" not in ada_browses.get("/admin/").content.decode()
    with time_machine.travel("2026-07-05 12:00Z", tick=False):
        page = ada_browses.get("/admin/").content.decode()
    assert "To check since 5 July 2026: Price of a month, in" in page
    assert f"/admin/articles/article/{article.pk}/change/" in page
