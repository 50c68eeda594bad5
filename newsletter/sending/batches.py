"""Batches of a digest: cut when it is built, leased to one worker at a time, counted anew."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils import timezone

from newsletter.models import Batch, Delivery, Digest

# Few enough that a lost machine leaves few copies in doubt, enough that a query for each batch
# is nothing.
BATCH_ROWS = 2000
# So many batches change what the database should know of the table.
MANY = 10
# Longer than a plain mailer may hang in one letter: each of its five steps may take EMAIL_TIMEOUT.
LEASE = timedelta(minutes=2)

State = Delivery.State


def last_copy() -> int:
    """The highest primary key of a delivery; 0 if there is none."""
    return Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def cut(digest: Digest, *, after: int, due_at: datetime) -> None:
    """Cut the copies of a digest that were queued after this primary key into batches.

    To be called in the transaction that queued them.
    """
    copies = Delivery.objects.filter(digest=digest, pk__gt=after).order_by()
    # What was rolled back may have left a gap before the first.
    first = copies.order_by("pk").values_list("pk", flat=True).first() or 0
    part = (F("pk") - first) / BATCH_ROWS
    spans = copies.annotate(part=part).values("part").order_by("part")
    batches = [
        Batch(
            digest=digest, first=span["first"], last=span["last"], queued=span["n"], due_at=due_at
        )
        for span in spans.annotate(first=Min("pk"), last=Max("pk"), n=Count("pk"))
    ]
    Batch.objects.bulk_create(batches)
    if len(batches) > MANY:
        _analyze()


def _analyze() -> None:
    """PostgreSQL learns at once how the table has grown: ranges of it are asked for from now on."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {Delivery._meta.db_table}")


@transaction.atomic
def lease(digest_id: int, *, token: str, now: datetime) -> Batch | None:
    """Give the next due batch of a digest to whom the token names; None if there is none to give.

    None, too, while as many as MAIL_SENDERS are on their way: that many workers send at once.
    """
    # One after the other, so that those who ask at once do not all find the same place free.
    Digest.objects.select_for_update(no_key=True).filter(pk=digest_id).first()
    if on_their_way(now=now) >= settings.MAIL_SENDERS:
        return None
    # Another worker may be quicker with one or two of them.
    for pk in due_of(digest_id, now=now).values_list("pk", flat=True)[: settings.MAIL_SENDERS]:
        # Conditions on this table alone: the database checks them again once it has the row.
        mine = Batch.objects.filter(pk=pk, state=Batch.State.WAITING)
        until = now + LEASE
        held = {"state": Batch.State.LEASED, "owner": token, "leased_until_at": until}
        if mine.update(leased_at=now, attempt=F("attempt") + 1, **held):
            return Batch.objects.select_related("digest").get(pk=pk)
    return None


def on_their_way(*, now: datetime) -> int:
    """How many batches workers hold at `now`."""
    return Batch.objects.filter(state=Batch.State.LEASED, leased_until_at__gt=now).count()


def due_of(digest_id: int, *, now: datetime) -> QuerySet[Batch]:
    """The batches of this digest that may be sent at `now`, in their order."""
    rested = Q(digest__rests_until_at=None) | Q(digest__rests_until_at__lte=now)
    sending = Batch.objects.due(now).filter(rested, digest__state=Digest.State.SENDING)
    return sending.filter(digest=digest_id).order_by("due_at", "pk")


def renew(batch: Batch, *, now: datetime) -> bool:
    """Hold a leased batch for longer. False if it is not ours any more, or must not go on."""
    ours = Batch.objects.filter(pk=batch.pk, owner=batch.owner, state=Batch.State.LEASED)
    if not ours.update(leased_until_at=now + LEASE):
        return False
    return Digest.objects.filter(pk=batch.digest_id, state=Digest.State.SENDING).exists()


def recount(batch: Batch, *, due_at: datetime | None = None) -> None:
    """Count a batch's rows; it is done, or else waits until the first of them may be tried.

    Not before `due_at`. Whoever held it holds it no more.
    """
    rows = batch.copies().order_by().values_list("state")
    found = {
        state: (number, soonest)
        for state, number, soonest in rows.annotate(Count("pk"), Min("not_before_at"))
    }
    numbers = {state.value: found.get(state, (0, None))[0] for state in State}
    soonest = found.get(State.QUEUED, (0, None))[1]
    if soonest is not None:
        later = max(soonest, due_at) if due_at else soonest
        numbers |= {"state": Batch.State.WAITING, "due_at": later}
    else:
        numbers["state"] = Batch.State.DONE
    free = {"owner": "", "leased_at": None, "leased_until_at": None}
    Batch.objects.filter(pk=batch.pk).update(settled_at=timezone.now(), **free, **numbers)


@transaction.atomic
def count_again(deliveries: list[int]) -> None:
    """Count the batches of these copies, which something outside of sending has changed.

    A batch that a worker holds is counted by the worker, which waits until this change is there.
    """
    pairs = Delivery.objects.filter(pk__in=deliveries).values_list("pk", "digest_id")
    batches = {Batch.objects.holding(pk, digest).first() for pk, digest in pairs}
    for batch in filter(None, batches):
        locked = Batch.objects.select_for_update().get(pk=batch.pk)
        if locked.state != Batch.State.LEASED:
            recount(locked)
