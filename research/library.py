"""Filters of the public library, read from the address and never trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from research.evidence import Design
from research.models import Condition, Study, StudyQuerySet

# By the name in the address: the label, and the verb that puts studies in this order.
SORTS: dict[str, tuple[str, Callable[[StudyQuerySet], StudyQuerySet]]] = {
    "newest": ("Newest first", StudyQuerySet.newest_first),
    "oldest": ("Oldest first", StudyQuerySet.oldest_first),
    "author": ("By author", StudyQuerySet.by_author),
}


@dataclass(frozen=True)
class Choice:
    """One filter: its name in the address, its label, what may be chosen, what is."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


def choices(asked: QueryDict) -> list[Choice]:
    """The filters with what the reader chose; a value that is not offered counts as none."""
    dated = Study.objects.exclude(year=None).order_by("-year")
    years = dated.values_list("year", flat=True).distinct()
    offered = [
        ("condition", "Condition", [(row.slug, row.name) for row in Condition.objects.all()]),
        ("design", "Design", [(value, str(label)) for value, label in Design.choices]),
        ("year", "Year", [(str(year), str(year)) for year in years]),
        ("access", "Access", [(value, str(label)) for value, label in Study.Access.choices]),
    ]
    return [
        Choice(name, label, options, _chosen(asked, name, options))
        for name, label, options in offered
    ]


def _chosen(asked: QueryDict, name: str, options: list[tuple[str, str]]) -> str:
    value = asked.get(name, "")
    return value if value in dict(options) else ""


def chosen_sort(asked: QueryDict) -> str:
    """The sort by name; the newest year first if none or an unknown one was asked for."""
    sort = asked.get("sort", "")
    return sort if sort in SORTS else "newest"


def select(filters: list[Choice], sort: str) -> StudyQuerySet:
    """The studies that fit all chosen filters, in the chosen order."""
    columns = {"condition": "conditions__slug"}
    wanted = {columns.get(one.name, one.name): one.chosen for one in filters if one.chosen}
    _, in_order = SORTS[sort]
    return in_order(Study.objects.filter(**wanted))


def as_query(filters: list[Choice], sort: str) -> str:
    """What was chosen as the query of an address, without the page; "" if nothing was."""
    chosen = {one.name: one.chosen for one in filters if one.chosen}
    return urlencode(chosen if sort == "newest" else {**chosen, "sort": sort})
