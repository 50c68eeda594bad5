"""What a page shows of the references of its text."""

from django.apps import apps
from django.db.models import Prefetch


def references(model: str) -> Prefetch:
    """The references with their studies, in one query; `model` is the kind of reference."""
    # By name, as references are made of articles and pages.
    rows = apps.get_model("articles", model)._default_manager
    return Prefetch("references", rows.select_related("study"))
