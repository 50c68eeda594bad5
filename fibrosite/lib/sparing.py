"""Whom letters do not ask for money: who writes letters knows nothing of gifts."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string


def spared_addresses() -> QuerySet[Any, str] | None:
    """The lower-case addresses that the function named by LETTERS_SPARE gives.

    None: letters ask nobody for money now.
    """
    addresses: QuerySet[Any, str] | None = import_string(settings.LETTERS_SPARE)()
    return addresses
