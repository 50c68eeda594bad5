"""What each tick of the scheduler finds to do. The database says what is due."""

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from newsletter import building, delivering
from newsletter.models import Cadence, Digest, Rhythm

logger = logging.getLogger(__name__)


def next_due(after: datetime, cadence: Cadence, *, now: datetime) -> datetime:
    """The first due time past `now` that keeps the weekday and wall-clock time of `after`.

    Counted in the site's zone, so that a digest at nine stays at nine through clock changes.
    """
    zone = ZoneInfo(settings.TIME_ZONE)
    local = after.astimezone(zone).replace(tzinfo=None)
    due = after
    while due <= now:
        local += cadence.period
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
        return building.build_digest(now=now) if mine.update(next_due_at=following) else None


def work_to_do(*, now: datetime) -> list[int]:
    """Note that the scheduler lives, settle what was lost; the digests that may be sent now."""
    Rhythm.objects.update(ticked_at=now)
    delivering.settle_lost(now=now)
    try:
        build_if_due(now=now)
    except Exception:
        # One article that cannot be rendered must not hold up the digests on their way.
        logger.exception("The digest that is due could not be built; the next tick tries again")
    open_digests = list(Digest.objects.filter(state=Digest.State.SENDING))
    for digest in open_digests:
        delivering.finish_if_done(digest.pk, now=now)
    return [
        digest.pk
        for digest in open_digests
        if (digest.leased_until_at is None or digest.leased_until_at < now)
        and digest.deliveries.waiting(now).exists()
    ]
