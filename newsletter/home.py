"""Where this database may send from: a restored copy of it must not mail everybody again (R69)."""

import logging

from django.conf import settings

from newsletter.models import Rhythm

logger = logging.getLogger(__name__)


def is_at_home() -> bool:
    """Whether letters may go out: this site has the address from which they went out before.

    The first address that asks becomes that one. Always so where HOLD_COPIES is off.
    """
    if not settings.HOLD_COPIES:
        return True
    Rhythm.objects.filter(home="").update(home=settings.SITE_URL)
    home = home_elsewhere()
    if home:
        logger.warning("Nothing is sent from %s: this is a copy of %s", settings.SITE_URL, home)
    return not home


def home_elsewhere() -> str:
    """The address of the site that this one is a copy of; "" if it is none."""
    home = Rhythm.objects.values_list("home", flat=True).first() or settings.SITE_URL
    return home if settings.HOLD_COPIES and home != settings.SITE_URL else ""


def move_in() -> str:
    """From now on letters go out from here; the address from which they went out before."""
    before = home_elsewhere()
    Rhythm.objects.update(home=settings.SITE_URL)
    return before
