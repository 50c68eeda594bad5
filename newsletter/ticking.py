"""What each tick of the scheduler finds to do. The database says what is due."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from newsletter import building, delivering
from newsletter.models import Cadence, Digest, Rhythm


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
    """Build the scheduled digest when its time has come; the claim on the time comes first."""
    rhythm = Rhythm.objects.first()
    if rhythm is None or rhythm.next_due_at > now:
        return None
    following = next_due(rhythm.next_due_at, Cadence(rhythm.cadence), now=now)
    mine = Rhythm.objects.filter(pk=rhythm.pk, next_due_at=rhythm.next_due_at)
    return building.build_digest(now=now) if mine.update(next_due_at=following) else None


def work_to_do(*, now: datetime) -> list[int]:
    """Note that the scheduler lives, settle what was lost; the digests that may be sent now."""
    Rhythm.objects.update(ticked_at=now)
    delivering.settle_lost(now=now)
    build_if_due(now=now)
    open_digests = list(Digest.objects.filter(state=Digest.State.SENDING))
    for digest in open_digests:
        delivering.finish_if_done(digest.pk, now=now)
    return [
        digest.pk
        for digest in open_digests
        if (digest.leased_until is None or digest.leased_until < now)
        and digest.deliveries.waiting(now).exists()
    ]
