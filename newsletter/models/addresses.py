"""E-mail addresses in rows."""

from django.db.models.functions import Lower
from django.db.models.lookups import Exact


def same_address(email: str) -> Exact:
    """That a row has this address, whatever its capitals: the condition its unique index serves."""
    return Exact(Lower("email"), email.lower())
