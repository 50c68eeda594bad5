"""Sending a digest: each reader's copy at most once, whatever breaks.

A batch of copies is leased to one worker, which notes in its journal what it hands over, and
settles the batch at the end. After a crash the journal settles it. Only what was being handed
over at that moment is unknown then, and nobody sends it again but a person.
"""

import logging
import uuid
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, transaction
from django.utils import timezone

from newsletter.events import alarming
from newsletter.home import is_at_home
from newsletter.mailing import NoMailerError
from newsletter.models import Batch, Delivery, Digest
from newsletter.outcomes import REST, SOON, Outcome
from newsletter.sending import batches
from newsletter.sending.carriers import open_carrier
from newsletter.sending.journal import Journal
from newsletter.sending.load import Load
from newsletter.sending.pacing import Pace, quiet_until
from newsletter.sending.recovering import give_up_lost, recover
from newsletter.sending.settling import settle

logger = logging.getLogger(__name__)

# So many workers in a row may die with one batch in their hands.
MOST_DEATHS = 5
DEADLY = (
    "Stopped by itself: five workers in a row ended while they held the same copies. Their log "
    "says more; once that is mended, let it go on."
)
NO_SERVER = "There is no way to the mail server: {error}"

State = Delivery.State


def work_to_do(*, now: datetime) -> list[int]:
    """Settle what dead workers left; the digests of which batches wait for a worker.

    Each as often as batches of it may be sent side by side. Cheap while nothing is on its way.
    """
    if not is_at_home():
        return []
    recover(now=now)
    give_up_lost(now=now)
    on_their_way = list(Digest.objects.filter(state=Digest.State.SENDING))
    for digest in on_their_way:
        finish_if_done(digest.pk, now=now)
    free = settings.MAIL_SENDERS - batches.on_their_way(now=now)
    due = [batches.due_of(digest.pk, now=now) for digest in on_their_way]
    return [pk for found in due for pk in found.values_list("digest", flat=True)][: max(0, free)]


def next_due(*, now: datetime) -> int | None:
    """The newest digest of which a batch may be sent: a short letter waits for no long list."""
    on_their_way = Digest.objects.filter(state=Digest.State.SENDING).values_list("pk", flat=True)
    return next((pk for pk in on_their_way if batches.due_of(pk, now=now).exists()), None)


def deliver_round(digest_id: int) -> bool:
    """Send one batch of a digest. True if another can be sent at once.

    Safe to call at any time, twice, and from many workers: each takes a batch of its own.
    """
    now = timezone.now()
    if not is_at_home():
        return False
    recover(now=now)
    if not batches.due_of(digest_id, now=now).exists():
        return False
    try:
        if quiet_until(now):
            return False
        pace = Pace()
        notes = Journal(uuid.uuid4().hex, batches.BATCH_ROWS)
    except (OSError, ImproperlyConfigured) as error:
        _rest(digest_id, f"Nothing can be sent: {error}", now=now)
        return False
    try:
        batch = batches.lease(digest_id, token=notes.token, now=now)
    except Error:
        # Nobody knows whether it is ours now; the journal tells that nothing was begun.
        notes.close(keep=True)
        raise
    if batch is None:
        notes.close(keep=False)
        return False
    if batch.attempt > MOST_DEATHS:
        _stop_for_a_person(batch)
        notes.close(keep=False)
        return False
    _send(batch, notes, pace)
    finish_if_done(digest_id, now=timezone.now())
    return batches.due_of(digest_id, now=timezone.now()).exists()


def _stop_for_a_person(batch: Batch) -> None:
    """Pause a digest of which one batch ends each worker that takes it up, and tell the editors."""
    digest = Digest.objects.filter(pk=batch.digest_id, state=Digest.State.SENDING)
    if digest.update(state=Digest.State.PAUSED, reason=DEADLY):
        logger.error("Digest %s: %s", batch.digest_id, DEADLY)
        alarming.tell_editors(f"“{batch.digest.subject}” was stopped", DEADLY)
    Batch.objects.filter(pk=batch.pk).update(attempt=0)
    batches.recount(batch)


def _rest(digest_id: int, reason: str, *, now: datetime) -> None:
    logger.error("Digest %s rests: %s", digest_id, reason)
    until = {"rests_until_at": now + REST, "rests_because": reason[:300]}
    Digest.objects.filter(pk=digest_id).update(**until)


def _send(batch: Batch, notes: Journal, pace: Pace) -> None:
    """Whatever goes wrong, the journal is given up only once the batch is settled."""
    settled = False
    try:
        load = Load(batch, notes, pace)
        _carry(load)
        pace.close()
        load.close()
        settle(load, now=timezone.now())
        settled = True
    except Error as error:
        logger.error("Batch %s waits to be settled by its journal: %s", batch.pk, error)
    except Exception as error:
        logger.exception("Batch %s waits to be settled by its journal", batch.pk)
        _rest(batch.digest_id, f"{type(error).__name__}: {error}", now=timezone.now())
    finally:
        notes.close(keep=not settled)


def _carry(load: Load) -> None:
    try:
        with open_carrier() as carrier:
            carrier.carry(load)
    except NoMailerError as error:
        reason = NO_SERVER.format(error=error)
        logger.warning("Digest %s rests: %s", load.digest.pk, reason)
        load.halt(Outcome(State.QUEUED, reason, stop=True, rest=SOON))
    except Error:
        raise
    except Exception as error:
        # What was handed over is settled as what became of it; trying on at once is no use.
        logger.exception("Batch %s stops", load.batch.pk)
        load.halt(Outcome(State.QUEUED, f"{type(error).__name__}: {error}", stop=True, rest=REST))


@transaction.atomic
def finish_if_done(digest_id: int, *, now: datetime) -> bool:
    """Close a digest once every delivery is final and their sum is its audience.

    Under the digest's lock: an editor who queues copies again, at this moment, does so after.
    """
    open_batches = Batch.objects.open().filter(digest=digest_id)
    if open_batches.exists():
        return False
    digest = Digest.objects.select_for_update().get(pk=digest_id)
    if digest.state != Digest.State.SENDING or open_batches.exists():
        return False
    copies, counted = digest.deliveries.count(), sum(digest.counts().values())
    if not copies == counted == digest.audience:
        logger.error(
            "Digest %s: %s rows, %s counted, not %s", digest_id, copies, counted, digest.audience
        )
        return False
    digest.state, digest.finished_at = Digest.State.DONE, now
    digest.save(update_fields=["state", "finished_at"])
    return True
