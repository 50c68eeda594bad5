"""Takes money that a giver approved and no report told of: the site asks for itself."""

import logging
from datetime import datetime, timedelta

from django.db import Error, transaction
from django.db.models import QuerySet

from donations.models import Checkout
from donations.providers import paypal, provider
from donations.providers.acting import handle_all
from donations.providers.entering import Books
from donations.providers.facts import Paid, Refused, Unavailable, Unknown, Unreadable

logger = logging.getLogger(__name__)

# PayPal keeps an approved order for some hours; after a day nobody comes back to one.
LOOKS_BACK = timedelta(days=1)
# In this time PayPal's own report is on its way.
PATIENCE = timedelta(minutes=2)
AT_ONCE = 500


def waiting() -> QuerySet[Checkout]:
    """One-off gifts by PayPal of which nothing was told yet. A monthly one needs no taking."""
    return Checkout.objects.filter(
        provider="paypal", monthly=False, state=Checkout.State.OPEN
    ).exclude(provider_session_id="")


def collect(checkout_pk: int, *, now: datetime) -> bool:
    """Ask how a gift by PayPal stands, and take its money if the giver approved it.

    Whether it is in the books now. Safe beside PayPal's reports, and to do again: each payment is
    taken and entered once. Raises Unavailable.
    """
    checkout = waiting().filter(pk=checkout_pk).first()
    if checkout is None:
        return False
    try:
        told = paypal.collect(checkout.provider_session_id, now)
    except (Refused, Unreadable) as error:
        # An order ends by itself if nobody approves it; of one that is odd its report tells.
        logger.info("Order %s is not to be taken: %s", checkout.provider_session_id, error)
        return False
    books = Books("paypal", now=now, livemode=provider("paypal").is_live())
    try:
        with transaction.atomic():
            for fact in told.facts:
                books.enter(fact)
    except (Error, Unknown, ValueError) as error:
        # The report of it was faster, or waits for the same and says so at the desk.
        logger.info("Order %s is left to its report: %s", checkout.provider_session_id, error)
        return False
    handle_all(books.woken(), now=now)
    return any(isinstance(fact, Paid) for fact in told.facts)


def collect_all(*, now: datetime) -> int:
    """Ask for what was opened within LOOKS_BACK and is open still; how many are in the books now.

    Ends when PayPal cannot be reached: the next hour comes again.
    """
    rows = waiting().filter(opened_at__gt=now - LOOKS_BACK, opened_at__lt=now - PATIENCE)
    done = 0
    for pk in rows.order_by("-opened_at").values_list("pk", flat=True)[:AT_ONCE]:
        try:
            done += collect(pk, now=now)
        except Unavailable as error:
            logger.warning("PayPal cannot be asked for approved gifts: %s", error)
            break
    return done
