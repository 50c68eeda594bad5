"""After a crash: what dead workers left is settled by their journals, or else is unknown."""

import logging
from datetime import datetime

from django.db import Error, transaction

from newsletter.models import Batch
from newsletter.sending import journal
from newsletter.sending.batches import recount
from newsletter.sending.settling import lose_held, settle_found

logger = logging.getLogger(__name__)


def recover(*, now: datetime) -> None:
    """Settle the batches of this machine's dead workers at once, by their journals.

    Those of other machines wait for the end of their lease, and `give_up_lost`.
    """
    try:
        for found in journal.abandoned():
            logger.warning("A worker died with a batch in its hands; its journal settles it")
            found.is_kept = not _is_settled(found, now=now)
    except OSError as error:
        # Nor can one be written: `deliver_round` tells the editors.
        logger.error("The journals cannot be read: %s", error)


def _is_settled(found: journal.Found, *, now: datetime) -> bool:
    """One journal that cannot be settled must not hold up the others, nor what is to be sent."""
    try:
        settle_found(found, now=now)
    except Error:
        raise
    except Exception:
        logger.exception("The journal of batch %s cannot be settled", found.batch)
        return False
    return True


def give_up_lost(*, now: datetime) -> int:
    """Call unknown what workers held whose lease ran out and of whom nothing is known here.

    Should such a worker, or its journal, come back, it still settles what it knows. Returns the
    number of batches.
    """
    lost = Batch.objects.filter(state=Batch.State.LEASED, leased_until_at__lt=now)
    return sum(_give_up(pk, now=now) for pk in lost.values_list("pk", flat=True))


@transaction.atomic
def _give_up(pk: int, *, now: datetime) -> bool:
    lost = Batch.objects.select_for_update().filter(
        pk=pk, state=Batch.State.LEASED, leased_until_at__lt=now
    )
    batch = lost.first()
    if batch is None:
        return False
    number = lose_held(batch, now=now)
    logger.error("Batch %s: its worker is gone; %s copies may have arrived", pk, number)
    recount(batch)
    return True
