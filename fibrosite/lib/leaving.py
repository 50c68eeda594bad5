"""Whether letters may leave: a copy of the site, or an old backup, must mail nobody."""

from django.conf import settings
from django.utils.module_loading import import_string


def may_leave() -> bool:
    """What the function that MAIL_MAY_LEAVE names says; apps ask here, and know no other app."""
    return bool(import_string(settings.MAIL_MAY_LEAVE)())
