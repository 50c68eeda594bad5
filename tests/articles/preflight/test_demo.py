"""The demo's articles and pages are in order: long, honest texts raise no false alarm."""

import pytest

from articles.models import Article, Page
from articles.preflight import check
from articles.preflight.freshness import OVERDUE
from fibrosite.demo.loading import load


@pytest.mark.django_db
def test_the_demo_passes_preflight():
    load()
    documents = [*Article.objects.all(), *Page.objects.all()]
    found = [finding for document in documents for finding in check(document)]
    assert len(documents) > 15
    # Its facts go stale by the calendar, as they should.
    assert [str(finding) for finding in found if finding.cure != OVERDUE.cure] == []
