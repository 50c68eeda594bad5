"""What each tick of the scheduler finds to do. The database says what is due."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F

from newsletter import building, delivering, steering
from newsletter.home import count_on, is_at_home
from newsletter.models import Cadence, Digest, Rhythm

logger = logging.getLogger(__name__)

# After an outage this long a person looks before a digest goes out (mail rule R67).
TOO_LATE = timedelta(hours=6)


def next_due(after: datetime, cadence: Cadence, *, now: datetime) -> datetime:
    """The first due time past `now` that keeps the weekday and wall-clock time of `after`.

    Counted in the site's zone, so that a digest at nine stays at nine through clock changes.
    """
    zone = ZoneInfo(settings.TIME_ZONE)
    local = after.astimezone(zone).replace(tzinfo=None)
    due = after
    # Who sends each article at once still has a weekly digest for all others.
    period = max(cadence, Cadence.WEEKLY, key=lambda one: one.weeks).period
    while due <= now:
        local += period
        due = local.replace(tzinfo=zone).astimezone(after.tzinfo)
    return due


def build_if_due(*, now: datetime) -> Digest | None:
    """Build the scheduled digest when its time has come, once, however many ticks ask.

    Should building fail, the time is not used up: the next tick tries again.
    """
    rhythm = Rhythm.objects.first()
    if rhythm is None or rhythm.next_due_at > now:
        return None
    following = next_due(rhythm.next_due_at, Cadence(rhythm.cadence), now=now)
    mine = Rhythm.objects.filter(pk=rhythm.pk, next_due_at=rhythm.next_due_at)
    with transaction.atomic():
        # Built before the number moves on: it says whose turn it is.
        if not mine.update(next_due_at=following):
            return None
        digest = building.build_digest(now=now, hold=_hold(rhythm, now))
        Rhythm.objects.filter(pk=rhythm.pk).update(number=F("number") + 1)
    if digest and digest.hold_until_at is None and digest.state == Digest.State.HELD:
        Digest.objects.filter(pk=digest.pk).update(reason=_why_held(rhythm, now))
    return digest


def _hold(rhythm: Rhythm, now: datetime) -> timedelta | None:
    """How long a digest waits for an editor's undo; None: until an editor approves."""
    late = now - rhythm.next_due_at > TOO_LATE
    return None if late or rhythm.mode == Rhythm.Mode.APPROVE else settings.DIGEST_HOLD


def _why_held(rhythm: Rhythm, now: datetime) -> str:
    if rhythm.mode == Rhythm.Mode.APPROVE:
        return "It waits for an editor's approval."
    return "It was built more than six hours late, so an editor has to look first."


def release_held(*, now: datetime) -> int:
    """Let go what was held long enough; the number of digests."""
    over = Digest.objects.filter(state=Digest.State.HELD, hold_until_at__lte=now)
    return over.update(state=Digest.State.SENDING)


def work_to_do(*, now: datetime) -> list[int]:
    """Note that the scheduler lives, build what is due; the digests that may be sent now.

    None in a copy of the site: there nothing is built, sent or settled.
    """
    Rhythm.objects.update(ticked_at=now)
    if not is_at_home():
        return []
    count_on()
    steering.finish_cancelled(now=now)
    try:
        build_if_due(now=now)
        building.build_each(now=now, hold=settings.DIGEST_HOLD)
    except Exception:
        # One article that cannot be rendered must not hold up the digests on their way.
        logger.exception("The digest that is due could not be built; the next tick tries again")
    release_held(now=now)
    return delivering.work_to_do(now=now)
