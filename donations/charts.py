"""What was raised day by day, as lines: in percent of each drive's own goal, so that drives of
different sizes and currencies can be laid side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from donations.ledger import raised_by_day, raised_by_day_of
from donations.models import Drive
from fibrosite.lib.money import format_money

# Places in a drawing of this size: small, so that its words can still be read on a phone.
WIDTH, HEIGHT = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 44
EARLIER = 3
# So many steps has the upright axis at most.
STEPS = 5


@dataclass(frozen=True)
class Day:
    """One day of a drive: what it brought, and what was raised by its end, in minor units."""

    on: date
    brought_minor: int
    raised_minor: int


@dataclass(frozen=True)
class Line:
    """One drive over its days; `place` tells lines apart by their strokes: 0 is the drive itself,
    1 the one before it."""

    drive: Drive
    place: int
    points: str
    percent: int


def days_of(drive: Drive, *, until: date) -> list[Day]:
    """Each day of the drive up to `until`. What came before its first day stands at that day,
    what came after its last at that one, so that the last sum is the sum."""
    return _summed(drive, raised_by_day(drive), until)


def _summed(drive: Drive, raised: list[tuple[date, int]], until: date) -> list[Day]:
    last = max(drive.starts_on, min(drive.ends_on, until))
    brought = dict.fromkeys(_days(drive.starts_on, last), 0)
    for day, minor in raised:
        brought[min(max(day, drive.starts_on), last)] += minor
    sums = accumulate(brought.values())
    return [Day(on, minor, sum_) for (on, minor), sum_ in zip(brought.items(), sums, strict=True)]


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def chart(drive: Drive, *, today: date) -> dict[str, Any]:
    """Lines, steps of the upright axis and labels of the level one, ready to draw."""
    earlier = Drive.objects.filter(ends_on__lt=drive.starts_on).order_by("-starts_on")[:EARLIER]
    drives = [drive, *earlier]
    raised = raised_by_day_of(drives)
    days = {one.pk: _summed(one, raised[one.pk], today) for one in drives}
    length = max((one.ends_on - one.starts_on).days for one in drives)
    highest = max(_percent(one, day.raised_minor) for one in drives for day in days[one.pk])
    step = _step(highest)
    top = STEPS * step
    lines = [
        Line(one, place, _points(one, days[one.pk], length, top), _last_percent(one, days[one.pk]))
        for place, one in enumerate(drives)
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "from": LEFT,
        "to": WIDTH - RIGHT,
        "lines": lines,
        "steps": [(at, _height(at, top)) for at in range(0, top + 1, step)],
        "goal": _height(100, top),
        "labels": [(_across(n, length), n + 1) for n in _label_days(length)],
        "baseline": HEIGHT - BOTTOM,
        "days": _in_words(drive, days[drive.pk]),
    }


def _percent(drive: Drive, minor: int) -> float:
    return max(0.0, minor * 100 / drive.goal_minor)


def _last_percent(drive: Drive, days: list[Day]) -> int:
    return max(0, days[-1].raised_minor * 100 // drive.goal_minor)


def _step(percent: float) -> int:
    """How far the lines of the upright axis are apart, so that STEPS of them reach this high."""
    step = 25
    while percent > STEPS * step:
        step *= 2
    return step


def _height(percent: float, top: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * percent / top, 1)


def _across(place: int, length: int) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, length), 1)


def _points(drive: Drive, days: list[Day], length: int, top: int) -> str:
    first = f"{_across(0, length)},{_height(0, top)}"
    rest = (
        f"{_across(n, length)},{_height(_percent(drive, day.raised_minor), top)}"
        for n, day in enumerate(days)
    )
    return " ".join([first, *rest])


def _label_days(length: int) -> list[int]:
    step = max(1, -(-length // 5))
    return list(range(0, length + 1, step))


def _in_words(drive: Drive, days: list[Day]) -> list[tuple[date, str, str]]:
    """The days that moved the sum, for a table: day, what it brought, raised by its end."""
    return [
        (
            day.on,
            format_money(day.brought_minor, drive.currency),
            format_money(day.raised_minor, drive.currency),
        )
        for day in days
        if day.brought_minor
    ]
