"""How far a digest on its way is, how fast it goes, and why it waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Max, Min, Sum
from django.template.defaultfilters import pluralize

from newsletter.home import why_held
from newsletter.models import Batch, Delivery, Digest
from newsletter.sending.limits import quiet_until
from newsletter.sending.pacing import why_letters_wait
from newsletter.watching import scheduler_is_silent, usual_refusal

MINUTE = timedelta(minutes=1)
# So many batches are counted row by row; of more the most were done within the minute.
FEW = 20

State = Delivery.State


@dataclass(frozen=True)
class Progress:
    """Where a digest stands. Copies are settled once something has become of them."""

    audience: int
    settled: int
    sent: int
    unknown: int
    # Sent within the last minute.
    last_minute: int
    # When all will have gone, at this pace; None if nobody can say.
    ends_at: datetime | None
    # Why copies wait, in sentences.
    waits: list[str]

    @property
    def percent(self) -> int:
        """Whole percents settled; 100 only if all are."""
        return self.settled * 100 // self.audience if self.audience else 100


def progress_of(digest: Digest, counts: dict[str, int], *, now: datetime) -> Progress:
    """Where a digest with these counts stands."""
    queued = counts.get(State.QUEUED, 0)
    is_on_its_way = digest.state == Digest.State.SENDING
    last_minute = _sent_since(digest, now - MINUTE) if is_on_its_way else 0
    return Progress(
        audience=digest.audience,
        settled=sum(counts.values()) - queued,
        sent=counts.get(State.SENT, 0),
        unknown=counts.get(State.UNKNOWN, 0),
        last_minute=last_minute,
        ends_at=_end(digest, queued, last_minute, now=now) if is_on_its_way else None,
        waits=_waits(digest, now=now) if is_on_its_way and queued else [],
    )


def _sent_since(digest: Digest, since: datetime) -> int:
    """How many copies were sent, as far as their batches are written down."""
    batches = list(digest.batches.filter(settled_at__gt=since).order_by("-settled_at"))
    if len(batches) > FEW:
        return sum(batch.sent for batch in batches)
    sent = {"state": State.SENT, "settled_at__gt": since}
    return sum(batch.copies().filter(**sent).count() for batch in batches)


def _end(digest: Digest, queued: int, last_minute: int, *, now: datetime) -> datetime | None:
    """At the pace of the last minute, and not before the last copies are due."""
    if not last_minute:
        return None
    at = now + queued / last_minute * MINUTE
    last = digest.batches.open().aggregate(due_at=Max("due_at"))["due_at"]
    at = max(at, last) if last else at
    return quiet_until(at) or at


def _waits(digest: Digest, *, now: datetime) -> list[str]:
    held = why_held()
    if held:
        return [held]
    found = []
    if scheduler_is_silent(now=now):
        found.append("The scheduler is silent: nothing new falls due until it runs again.")
    if digest.rests_until_at and digest.rests_until_at > now:
        words = digest.rests_because.removesuffix(".")
        found.append(
            f"Nothing leaves now: {words}. Tried again at {_clock(digest.rests_until_at)}."
        )
    try:
        found += [f"{_capital(one)}." for one in why_letters_wait(now=now)]
    except ImproperlyConfigured as error:
        found.append(f"The settings make no sense, so nothing is sent: {error}")
    return found + _later(digest, now=now)


def _later(digest: Digest, *, now: datetime) -> list[str]:
    """Copies whose time has not come: for their readers' hour, or after a refusal."""
    later = digest.batches.filter(state=Batch.State.WAITING, due_at__gt=now, queued__gt=0)
    found = []
    for was_tried in (False, True):
        some = later.filter(settled_at__isnull=not was_tried)
        sums = some.aggregate(copies=Sum("queued"), due_at=Min("due_at"))
        if not sums["copies"]:
            continue
        number = sums["copies"]
        copies = f"{number:,} cop{pluralize(number, 'y,ies')} go{pluralize(number, 'es,')} from"
        words = usual_refusal(digest) if was_tried else ""
        why = f": refused for now, “{words}”" if words else ", as planned"
        found.append(f"{copies} {_clock(sums['due_at'])} on{why}.")
    return found


def _capital(sentence: str) -> str:
    """As a sentence begins, unless it begins with a domain."""
    is_domain = "." in sentence.split(maxsplit=1)[0]
    return sentence if is_domain else sentence[0].upper() + sentence[1:]


def _clock(at: datetime) -> str:
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    return f"{local:%H:%M} ({local.day} {local:%B})"
