"""Facts that go stale, wherever they stand."""

from datetime import date

from articles.models import Article, ArticleFact, Page, PageFact


def overdue_facts(today: date) -> list[ArticleFact | PageFact]:
    """The facts that nobody checked in time, on what readers see or will see; oldest first."""
    withdrawn = {"parent__state": Article.State.WITHDRAWN}
    found: list[ArticleFact | PageFact] = [
        *ArticleFact.objects.filter(check_by_on__lte=today)
        .exclude(**withdrawn)
        .select_related("parent"),
        *PageFact.objects.filter(check_by_on__lte=today)
        .exclude(parent__state=Page.State.WITHDRAWN)
        .select_related("parent"),
    ]
    return sorted(found, key=lambda fact: fact.check_by_on)
