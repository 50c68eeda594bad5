"""A clock for tests of pacing: it moves when told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter.sending.pacing import Pace

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    """The time of day and the steady seconds of a process, which move together."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return self.at

    def ticks(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds

    def pace(self) -> Pace:
        """A worker's pace by this clock."""
        return Pace(now=self, ticks=self.ticks)


def send_as_fast_as_it_goes(
    clock: Clock, paces: list[Pace], domain: str, *, seconds: float, step: float = 0.02
) -> list[float]:
    """The moments at which letters left, if all these workers always have one to send."""
    gone: list[float] = []
    end = clock.seconds + seconds
    while clock.seconds < end:
        for pace in paces:
            while pace.wait(domain) == 0.0:
                gone.append(clock.seconds)
        clock.move(step)
    return gone


@contextmanager
def queries() -> Iterator[CaptureQueriesContext]:
    """What is asked of the database meanwhile."""
    with CaptureQueriesContext(connection) as captured:
        yield captured
