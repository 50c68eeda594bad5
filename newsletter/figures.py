"""Figures of the list and of what it got. Sums alone: no person is followed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q

from articles.models import Tag
from newsletter.models import ConsentEvent, Delivery, Digest, MailEvent, Subscriber

# A topic tells of an illness: groups in which a person could be found are not counted out.
LEAST = 5
MONTHS = 12
DIGESTS = 12
# Who leaves so soon after a digest is counted with it.
LEFT_WITHIN = timedelta(days=7)

_BOUNCED = [MailEvent.Kind.HARD_BOUNCE, MailEvent.Kind.SOFT_BOUNCE, MailEvent.Kind.REJECTED]


@dataclass(frozen=True)
class Moment:
    """How many subscribers were in each state at a moment."""

    at: datetime
    active: int
    left: int
    blocked: int


def over_time(*, now: datetime, months: int = MONTHS) -> list[Moment]:
    """The list at the beginning of each of the last months, and now.

    Who left and came back counts as never gone: only the latest leaving is known.
    """
    moments = [*_months_before(now, months), now]
    sums: dict[str, Any] = {}
    for place, at in enumerate(moments):
        there = Q(joined_at__lte=at)
        gone = there & Q(left_at__lte=at) & ~Q(state=Subscriber.State.ACTIVE)
        blocked = Q(state=Subscriber.State.BLOCKED)
        sums[f"all_{place}"] = Count("pk", filter=there)
        sums[f"left_{place}"] = Count("pk", filter=gone & ~blocked)
        sums[f"blocked_{place}"] = Count("pk", filter=gone & blocked)
    found = Subscriber.objects.aggregate(**sums)
    return [_moment(at, place, found) for place, at in enumerate(moments)]


def _moment(at: datetime, place: int, found: dict[str, int]) -> Moment:
    left, blocked = found[f"left_{place}"], found[f"blocked_{place}"]
    return Moment(at, found[f"all_{place}"] - left - blocked, left, blocked)


def _months_before(now: datetime, months: int) -> list[datetime]:
    month = now.year * 12 + now.month - 1
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = range(month - months + 1, month + 1)
    return [first.replace(year=one // 12, month=one % 12 + 1) for one in before]


def sign_ups_by_form() -> list[tuple[str, int]]:
    """How many confirmed by each form; the most first."""
    confirmed = ConsentEvent.objects.filter(kind=ConsentEvent.Kind.CONFIRMED)
    counted = confirmed.order_by().values_list("form").annotate(number=Count("pk"))
    return sorted(((form or "unknown", n) for form, n in counted), key=lambda row: -row[1])


def of_digests() -> list[dict[str, Any]]:
    """What became of the latest digests: sent, delivered, returned, complained of, left after."""
    digests = list(Digest.objects.exclude(state=Digest.State.HELD)[:DIGESTS])
    keys = [digest.pk for digest in digests]
    sent = Delivery.objects.filter(digest__in=keys, state=Delivery.State.SENT).order_by()
    soon = Q(
        subscriber__left_at__gte=F("settled_at"),
        subscriber__left_at__lte=F("settled_at") + LEFT_WITHIN,
    )
    numbers = _by_digest(
        sent.values_list("digest").annotate(
            sent=Count("pk"),
            left=Count("pk", filter=soon),
        )
    )
    told = _by_digest(_told(keys))
    empty = (0, 0)
    return [
        {
            "digest": digest,
            "audience": digest.audience,
            "sent": numbers.get(digest.pk, empty)[0],
            "left": numbers.get(digest.pk, empty)[1],
            "delivered": told.get(digest.pk, (0, 0, 0))[0],
            "bounced": told.get(digest.pk, (0, 0, 0))[1],
            "complained": told.get(digest.pk, (0, 0, 0))[2],
        }
        for digest in digests
    ]


def _told(keys: list[int]) -> Iterable[tuple[Any, ...]]:
    """Copies that providers reported on, each counted once however often it was told."""

    def copies(*kinds: str) -> Count:
        return Count("delivery", distinct=True, filter=Q(kind__in=kinds))

    events = MailEvent.objects.filter(delivery__digest__in=keys).order_by()
    return events.values_list("delivery__digest").annotate(
        delivered=copies(MailEvent.Kind.DELIVERED),
        bounced=copies(*_BOUNCED),
        complained=copies(MailEvent.Kind.COMPLAINT),
    )


def _by_digest(rows: Iterable[tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in rows}


def by_topic() -> list[tuple[str, str]]:
    """Each topic with how many active readers chose it, "fewer than 5" included; by name."""
    on_list = Q(subscribers__state=Subscriber.State.ACTIVE)
    topics = Tag.objects.annotate(number=Count("subscribers", filter=on_list)).order_by("name")
    return [(topic.name, at_least(topic.number)) for topic in topics]


def at_least(number: int) -> str:
    """A number in which nobody can be found."""
    return f"{number:,}" if number >= LEAST else f"fewer than {LEAST}"


# The chart: places in a drawing of this size; words stand beside it.

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 96, 16, 32


@dataclass(frozen=True)
class Line:
    """One state over time as a line, with its name at its end."""

    state: str
    name: str
    points: str
    end: float


def chart(moments: list[Moment]) -> dict[str, Any]:
    """Lines, steps of the upright axis and labels of the level one, ready to draw."""
    top = _round_up(max([1, *(max(m.active, m.left, m.blocked) for m in moments)]))
    across = (WIDTH - LEFT - RIGHT) / max(1, len(moments) - 1)

    def height(number: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / top, 1)

    lines = []
    for field, name in (("active", "active"), ("left", "left"), ("blocked", "never mailed")):
        numbers = [getattr(moment, field) for moment in moments]
        places = [f"{LEFT + across * n:.1f},{height(v)}" for n, v in enumerate(numbers)]
        lines.append(Line(field, name, " ".join(places), height(numbers[-1])))
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "from": LEFT,
        "to": WIDTH - RIGHT,
        "lines": _apart(lines),
        "steps": [(step, height(step)) for step in (0, top // 2, top)],
        "labels": [
            (round(LEFT + across * n, 1), moment.at)
            for n, moment in enumerate(moments)
            if n % 3 == 0
        ],
    }


def _apart(lines: list[Line]) -> list[Line]:
    """The names at the ends of lines must not cover each other."""
    placed: list[Line] = []
    lowest = HEIGHT - BOTTOM + 4.0
    for line in sorted(lines, key=lambda one: -one.end):
        end = min(line.end, lowest)
        lowest = end - 14
        placed.append(Line(line.state, line.name, line.points, end))
    return placed


def _round_up(number: int) -> int:
    """The next number of the kind 2, 4, 10, 20, 40, 100 that is not smaller."""
    size = 1
    while True:
        for step in (2, 4, 10):
            if number <= step * size:
                return step * size
        size *= 10
