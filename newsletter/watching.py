"""What the editors are told of by mail: a digest that ended or stands still, a silent scheduler.

Each occurrence once, whoever notices it: a row in the database remembers.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, Min, Q, QuerySet
from django.template.defaultfilters import pluralize

from newsletter.events import alarming
from newsletter.events.recording import without_addresses
from newsletter.home import why_held
from newsletter.models import Alarm, Batch, Delivery, Digest, Rhythm
from newsletter.sending.limits import local_day, quiet_until, read_limits, warm_up_limit

logger = logging.getLogger(__name__)

# A digest of which nothing moved for so long stands still.
STILL_AFTER = timedelta(minutes=15)
SILENT_AFTER = timedelta(minutes=5)
# Who missed the end of a digest for so long has seen it at the desk.
NEWS_FOR = timedelta(days=1)
REMEMBERED = timedelta(days=90)
# Enough batches to see what the server says.
SAMPLE = 3

State = Delivery.State


def look(*, now: datetime) -> None:
    """Tell the editors what happened since the last look. For each worker, once a minute.

    Never raises; tells nothing in a copy of the site.
    """
    _try(tell_of_ends, now)
    _try(tell_of_standstills, now)
    _try(tell_of_silent_scheduler, now)


def look_from_scheduler(*, now: datetime) -> None:
    """The same for the scheduler, which is to notice that no worker lives. Never raises."""
    _try(tell_of_silent_workers, now)


def _try(tell: Callable[[datetime], None], now: datetime) -> None:
    try:
        if not why_held():
            tell(now)
    except Exception:
        # Whatever it is, it must not stop the sending, nor the other looks.
        logger.exception("A look at the sending failed")


def tell_of_ends(now: datetime) -> None:
    """Write of each digest that is done: what became of its copies, and how long it took."""
    done = Digest.objects.filter(state=Digest.State.DONE, finished_at__gt=now - NEWS_FOR)
    ended = {f"digest {one.pk} ended at {one.finished_at:%Y-%m-%d %H:%M:%S}": one for one in done}
    told = Alarm.objects.filter(occurrence__in=ended).values_list("occurrence", flat=True)
    for occurrence in ended.keys() - set(told):
        digest = ended[occurrence]
        if _is_first(occurrence, now):
            alarming.tell_editors(f"“{digest.subject}” has gone out", _sums(digest))


def _sums(digest: Digest) -> str:
    counts = digest.counts()
    sums = ", ".join(
        f"{state.label.lower()} {counts[state]:,}" for state in State if counts.get(state)
    )
    began = _copies_of(digest).aggregate(at=Min("settled_at"))["at"]
    took = in_time(digest.finished_at - began) if began and digest.finished_at else "no time"
    readers = f"{digest.audience:,} reader{pluralize(digest.audience)}"
    words = f"Of {readers}: {sums or 'none'}. It took {took}."
    if counts.get(State.UNKNOWN):
        words += " Unknown copies may have arrived: they are not sent again by themselves."
    if counts.get(State.FAILED):
        words += " Those that failed can be sent again at its page."
    return words


def _copies_of(digest: Digest) -> QuerySet[Delivery]:
    """Its copies, found by their keys: they lie side by side."""
    ends = digest.batches.aggregate(first=Min("first"), last=Max("last"))
    if ends["first"] is None:
        return digest.deliveries.none()
    return digest.deliveries.filter(pk__range=(ends["first"], ends["last"]))


def in_time(took: timedelta) -> str:
    """Such as "28 seconds" or "2 hours 5 minutes"."""
    seconds = max(1, round(took.total_seconds()))
    if seconds < 120:
        return f"{seconds} second{pluralize(seconds)}"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} hours" + (f" {minutes} minute{pluralize(minutes)}" if minutes else "")


def tell_of_standstills(now: datetime) -> None:
    """Write of each digest of which nothing moved for a quarter of an hour, though it could."""
    standing: dict[str, Digest] = {}
    for digest in Digest.objects.filter(state=Digest.State.SENDING):
        if should_move(digest, now=now):
            standing[f"digest {digest.pk} stands still at {_settled(digest)}"] = digest
    # What moves again, is paused or over is forgotten, unless it was told of.
    untold = Alarm.objects.filter(told_at=None, occurrence__contains=" stands still at ")
    untold.exclude(occurrence__in=standing).delete()
    for occurrence, digest in standing.items():
        if _noted_at(occurrence, now) <= now - STILL_AFTER and _is_first(occurrence, now):
            words = f"Nothing of it moved for 15 minutes: {_where(digest)} {_why(digest, now)}"
            alarming.tell_editors(f"“{digest.subject}” stands still", words)


def should_move(digest: Digest, *, now: datetime) -> bool:
    """Whether copies of a digest on its way ought to leave now, or most are refused for now.

    Those that wait for the morning, for their readers' hour or for the next day of a warm-up
    are where they ought to be.
    """
    if quiet_until(now) or quiet_until(now - STILL_AFTER):
        return False
    due = Q(state=Batch.State.LEASED) | Q(state=Batch.State.WAITING, due_at__lte=now)
    # Without any batch left it would have ended, if its sums agreed.
    if digest.batches.filter(due).exists() or not digest.batches.open().exists():
        return True
    start = read_limits().warm_up_from
    if start and warm_up_limit(local_day(now), start) is not None:
        return False
    mostly = digest.counts().get(State.QUEUED, 0) * 2 >= digest.audience
    return mostly and bool(servers_words(digest, now=now))


def servers_words(digest: Digest, *, now: datetime) -> str:
    """What the mail server says why it takes no more of this digest; "" if it says nothing."""
    if digest.rests_until_at and digest.rests_until_at > now - STILL_AFTER:
        return digest.rests_because
    return usual_refusal(digest)


def usual_refusal(digest: Digest) -> str:
    """What most of the copies that were tried lately and wait were refused with; "" if none."""
    said: Counter[str] = Counter()
    tried = digest.batches.open().filter(settled_at__isnull=False, queued__gt=0)
    for batch in tried.order_by("-settled_at")[:SAMPLE]:
        refused = batch.copies().filter(state=State.QUEUED).exclude(reason="")
        # The same words for each reader, and no reader's address in a mail.
        said.update(map(without_addresses, refused.values_list("reason", flat=True)))
    return said.most_common(1)[0][0] if said else ""


def _settled(digest: Digest) -> int:
    return sum(number for state, number in digest.counts().items() if state != State.QUEUED)


def _where(digest: Digest) -> str:
    waiting = digest.counts().get(State.QUEUED, 0)
    return f"{waiting:,} of {digest.audience:,} copies wait."


def _why(digest: Digest, now: datetime) -> str:
    words = servers_words(digest, now=now)
    if words:
        return f"What keeps it: {words}"
    return "The mail server said nothing; look whether workers run, and at their log."


def tell_of_silent_scheduler(now: datetime) -> None:
    """For a worker, which lives: write if no tick came for five minutes."""
    words = (
        "The scheduler did not tick since {since}, though a worker runs: what is on its way goes "
        "on, and nothing new falls due until the scheduler runs again. Nothing is lost."
    )
    _tell_of_silence("the scheduler is silent", words, now)


def tell_of_silent_workers(now: datetime) -> None:
    """For the scheduler, which lives: write if no worker did a tick for five minutes."""
    words = (
        "No worker did anything since {since}, though the scheduler runs: no letter goes out "
        "until a worker runs again. Nothing is lost."
    )
    _tell_of_silence("no worker runs", words, now)


def _tell_of_silence(subject: str, words: str, now: datetime) -> None:
    rhythm = Rhythm.objects.first()
    if rhythm is None or rhythm.ticked_at is None or not scheduler_is_silent(now=now):
        return
    if _is_first(f"no tick since {rhythm.ticked_at:%Y-%m-%d %H:%M:%S}", now):
        local = rhythm.ticked_at.astimezone(ZoneInfo(settings.TIME_ZONE))
        alarming.tell_editors(subject, words.format(since=f"{local:%H:%M}"))


def scheduler_is_silent(*, now: datetime) -> bool:
    """Whether no tick came in the last five minutes."""
    ticked_at = Rhythm.objects.values_list("ticked_at", flat=True).first()
    return ticked_at is None or now - ticked_at > SILENT_AFTER


def _noted_at(occurrence: str, now: datetime) -> datetime:
    """Since when this is known."""
    row, _ = Alarm.objects.get_or_create(occurrence=occurrence, defaults={"noted_at": now})
    return row.noted_at


def _is_first(occurrence: str, now: datetime) -> bool:
    """Whether nobody told of it yet; of two who ask at once one does."""
    _noted_at(occurrence, now)
    mine = Alarm.objects.filter(occurrence=occurrence, told_at=None).update(told_at=now)
    if mine:
        Alarm.objects.filter(noted_at__lt=now - REMEMBERED).delete()
    return bool(mine)
