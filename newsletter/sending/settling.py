"""Writing down what became of a batch's copies: a few statements, however many copies it has."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from newsletter.events.recording import keep_refusals, without_addresses
from newsletter.models import Batch, Delivery, Digest
from newsletter.outcomes import REST, Outcome
from newsletter.sending import journal
from newsletter.sending.batches import recount
from newsletter.sending.load import LOST, Copy, Load
from newsletter.undoing import CANCELLED, take_back

# Pauses double, so the last attempt is 42 hours after the first: a relay may be ill for a night.
MAX_ATTEMPTS = 10
FIRST_PAUSE = timedelta(minutes=5)
AT_ONCE = 500
# More exceptions than these, and copies are named one by one.
FEW = 200
AFTER = timedelta(seconds=1)

State = Delivery.State


@transaction.atomic
def settle(load: Load, *, now: datetime) -> None:
    """Write down what became of a load's copies, count its batch and give it up.

    Right even if the lease ran out meanwhile and the copies were called lost.
    """
    batch = _lock(load.batch)
    is_ours = batch.owner == load.batch.owner
    _mark_sent(load, is_ours=is_ours, now=now)
    kept = list(load.outcomes.values()) if is_ours else _still_open(load)
    _take_back_skipped([copy.pk for copy, one in kept if one.state == State.SKIPPED], load.digest)
    _write([_row(copy, outcome, now=now) for copy, outcome in kept])
    _write_provider_ids(load.sent)
    if is_ours:
        Batch.objects.filter(pk=batch.pk).update(attempt=0)
        recount(batch, due_at=load.left_until)
    else:
        _give_back_untouched(batch, load.untouched(), now=now)
        if not batch.owner:
            # Else whoever took it since counts it.
            recount(batch)
    _rest(load, now=now)


def _lock(batch: Batch) -> Batch:
    return Batch.objects.select_for_update(of=("self",)).select_related("digest").get(pk=batch.pk)


def _mark_sent(load: Load, *, is_ours: bool, now: datetime) -> None:
    """One statement for a whole batch where little went wrong in it."""
    sent = load.sent
    if not sent:
        return
    keys = sorted(copy.pk for copy in sent)
    others = load.not_sent_between(keys[0], keys[-1])
    if is_ours and len(others) <= FEW:
        span = load.batch.copies().waiting(load.began_at)
        _now_sent(span.filter(pk__range=(keys[0], keys[-1])).exclude(pk__in=others), now=now)
    else:
        for start in range(0, len(keys), AT_ONCE):
            _now_sent(_open(keys[start : start + AT_ONCE]), now=now)


def _open(keys: Collection[int]) -> QuerySet[Delivery]:
    """Those of these copies that nothing else has become of: still queued, or called lost."""
    free = Q(state=State.QUEUED) | Q(state=State.UNKNOWN, reason=LOST)
    return Delivery.objects.filter(free, pk__in=keys)


def _still_open(load: Load) -> list[tuple[Copy, Outcome]]:
    """What became of copies of which nobody else has told anything since."""
    free = set(_open(load.outcomes).values_list("pk", flat=True))
    return [kept for pk, kept in load.outcomes.items() if pk in free]


def _now_sent(copies: QuerySet[Delivery], *, now: datetime) -> None:
    copies.update(state=State.SENT, reason="", attempts=F("attempts") + 1, settled_at=now)


def _row(copy: Copy, outcome: Outcome, *, now: datetime) -> Delivery:
    """The copy's row as it is to be written."""
    row = Delivery(pk=copy.pk, state=outcome.state, reason=outcome.reason, settled_at=now)
    row.provider_id = copy.provider_id
    row.attempts = copy.attempts + (outcome.state != State.SKIPPED)
    row.not_before_at = now
    if outcome.state == State.QUEUED:
        row.settled_at = None
        if row.attempts < MAX_ATTEMPTS:
            row.not_before_at = now + FIRST_PAUSE * 2 ** (row.attempts - 1)
        else:
            row.state, row.settled_at = State.FAILED, now
            row.reason = f"given up after {row.attempts} attempts: {outcome.reason}"[:300]
    return row


def _write(rows: Sequence[Delivery]) -> None:
    fields = ["state", "reason", "provider_id", "attempts", "not_before_at", "settled_at"]
    Delivery.objects.bulk_update(rows, fields, batch_size=AT_ONCE)
    refused = [row.pk for row in rows if row.state == State.FAILED]
    if refused:
        keep_refusals(refused, now=timezone.now())


def _write_provider_ids(sent: Iterable[Copy]) -> None:
    named = [
        Delivery(pk=copy.pk, provider_id=copy.provider_id) for copy in sent if copy.provider_id
    ]
    Delivery.objects.bulk_update(named, ["provider_id"], batch_size=AT_ONCE)


def _take_back_skipped(keys: list[int], digest: Digest) -> None:
    """Who rests gets what the copy held once the pause is over."""
    if keys:
        take_back(Delivery.objects.filter(pk__in=keys), digest)


def _give_back_untouched(batch: Batch, keys: Collection[int], *, now: datetime) -> None:
    """What was called lost with its worker and was never begun: it goes again.

    Of a digest that is done only a person sends it again; of a cancelled one it is skipped, as all
    that waited.
    """
    lost = Delivery.objects.filter(pk__in=keys, state=State.UNKNOWN, reason=LOST)
    if batch.digest.state in (Digest.State.SENDING, Digest.State.PAUSED):
        # Whoever holds the batch now does not know them, by whichever clock: it calls sent what
        # was due when it took the batch.
        due_at = max(now, batch.leased_at + AFTER) if batch.leased_at else now
        lost.update(state=State.QUEUED, reason="", settled_at=None, not_before_at=due_at)
    elif batch.digest.state == Digest.State.CANCELLED:
        take_back(lost, batch.digest)
        lost.update(state=State.SKIPPED, reason=CANCELLED)
    else:
        lost.update(state=State.FAILED, reason="its worker stopped before it was handed over")


def _rest(load: Load, *, now: datetime) -> None:
    """What is the same for every reader is not tried again at once.

    Nor is a server that breaks off: each time some copies may have arrived, and nobody knows.
    """
    stop, digest = load.stop, Digest.objects.filter(pk=load.digest.pk)
    if stop:
        until = now + (stop.rest or REST)
        digest.update(rests_until_at=until, rests_because=without_addresses(stop.reason))
    elif load.digest.rests_because:
        # Not the rest that another worker began since.
        digest.filter(rests_until_at__lte=now).update(rests_until_at=None, rests_because="")


@transaction.atomic
def settle_found(found: journal.Found, *, now: datetime) -> None:
    """Settle what a dead worker left: accepted is sent, begun is unknown, the rest goes again."""
    keys: dict[int, list[int]] = {mark: [] for mark in range(3)}
    for pk, mark in found.marks.items():
        keys[mark].append(pk)
    locked = Batch.objects.select_for_update(of=("self",)).select_related("digest")
    batch = locked.filter(Q(owner=found.token) | Q(pk=found.batch)).first()
    if batch is None:
        return
    accepted = keys[journal.ACCEPTED]
    for start in range(0, len(accepted), AT_ONCE):
        _now_sent(_open(accepted[start : start + AT_ONCE]), now=now)
    if accepted:
        # It got on: whatever ended its worker, these copies are not what ends each of them.
        Batch.objects.filter(pk=batch.pk).update(attempt=0)
    if batch.owner not in ("", found.token):
        # Its copies were called lost before another worker took up those that had not been.
        return
    if not found.is_whole:
        # Not even the list of its copies is sure to have reached the disk.
        lose_held(batch, now=now)
    else:
        lose(Delivery.objects.filter(pk__in=keys[journal.BEGUN]), now=now)
        _give_back_untouched(batch, keys[journal.UNTOUCHED], now=now)
    recount(batch)


def lose_held(batch: Batch, *, now: datetime) -> int:
    """Call unknown what is still queued of a leased batch of which nobody knows more; how many."""
    if batch.leased_at is None:
        return 0
    return lose(batch.copies().filter(not_before_at__lte=batch.leased_at), now=now)


def lose(copies: QuerySet[Delivery], *, now: datetime) -> int:
    """Call unknown those still queued that a dead worker may have handed over; how many.

    Where MAIL_RESEND_UNKNOWN is on they go again instead, under the same Message-ID; at their last
    attempt they are unknown all the same.
    """
    queued = copies.filter(state=State.QUEUED)
    resends = settings.MAIL_RESEND_UNKNOWN
    over = queued.filter(attempts__gte=MAX_ATTEMPTS - 1) if resends else queued
    number = over.update(
        state=State.UNKNOWN, reason=LOST, attempts=F("attempts") + 1, settled_at=now
    )
    if resends:
        number += queued.update(attempts=F("attempts") + 1, not_before_at=now)
    return number
