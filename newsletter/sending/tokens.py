"""Rights to send a letter, taken by the portion from what all workers share."""

from datetime import date, datetime

from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from newsletter.models import Bucket, WarmUpDay
from newsletter.sending.limits import local_day, next_day, warm_up_limit

# What a bucket holds when nobody used it for a while, in seconds of its rate. More than the
# second that a worker waits for its portion, so that one which wakes late loses nothing.
FULL = 1.5
# A clock that was set back must not stop the sending for as long.
CLOCKS_DIFFER = 60.0
# A worker holds this share of a day of warming up, so that one that dies uses up little of it.
SHARE = 20
MOST = 500


class Tokens:
    """One rate: so many letters a second, of all workers together.

    About one query a second: a portion grows to what a second allows as long as it is used up.
    """

    def __init__(self, domain: str, rate: float) -> None:
        self.domain = domain
        self.rate = rate
        self._most = max(1, int(rate))
        self._portion = max(1, int(rate / 8))
        self._clocks_differ = max(CLOCKS_DIFFER, 2 / rate)
        self._held = 0
        self._taken = 0
        self._lapse_at = 0.0
        # What we know of the bucket; it may be used up further by now.
        self._used_until = 0.0

    @property
    def reason(self) -> str:
        """Why a letter waits for it."""
        rate = f"{self.rate:g} letter{'' if self.rate == 1 else 's'} a second"
        return f"{self.domain} gets {rate}" if self.domain else f"goes out at {rate}"

    def wait(self, now: datetime) -> float:
        """0.0 if a token is at hand; else the seconds after which to ask again."""
        at = now.timestamp()
        if self._held and at < self._lapse_at:
            return 0.0
        self._adapt()
        # Others only add to what is used up: before this moment there cannot be a portion.
        ask_at = self._used_until + self._portion / self.rate
        if at < ask_at <= at + self._clocks_differ:
            return ask_at - at
        return self._fetch(at)

    def use(self) -> None:
        """Use the token that `wait` found."""
        self._held -= 1

    def unuse(self) -> None:
        """Its letter did not go."""
        self._held += 1

    def close(self, now: datetime) -> None:
        """Give back what is held, unless its time is past."""
        if self._held > 0 and now.timestamp() < self._lapse_at:
            self._row().update(used_until=F("used_until") - self._held / self.rate)
            self._used_until = 0.0
        self._held = 0

    def _adapt(self) -> None:
        """Take more next time if all was used; if some lapsed, as much as was used."""
        if self._taken:
            used = self._taken - self._held
            self._portion = max(1, min(self._most, used if self._held else self._portion * 2))
        self._held = self._taken = 0

    def _fetch(self, at: float) -> float:
        if self._take(at):
            return 0.0
        bucket, is_new = Bucket.objects.get_or_create(domain=self.domain)
        self._used_until = bucket.used_until
        if bucket.used_until > at + self._clocks_differ:
            self._row().filter(used_until=bucket.used_until).update(used_until=at)
            self._used_until = at
        if is_new and self._take(at):
            return 0.0
        wait = self._used_until + self._portion / self.rate - at
        # Another may have given back just now.
        return wait if wait > 0 else 1 / self.rate

    def _take(self, at: float) -> bool:
        """One conditional update: of two workers who want the same portion one gets it."""
        seconds = self._portion / self.rate
        oldest = at - max(FULL, 1 / self.rate)
        free = self._row().filter(used_until__lte=at - seconds)
        if not free.update(used_until=Greatest(F("used_until"), oldest) + seconds):
            return False
        self._held = self._taken = self._portion
        self._lapse_at = at + max(1.0, seconds)
        self._used_until = max(self._used_until, oldest) + seconds
        return True

    def _row(self) -> QuerySet[Bucket]:
        return Bucket.objects.filter(domain=self.domain)


class WarmUp:
    """The letters that a day may have while a new domain warms up, of all workers together."""

    def __init__(self, start: date) -> None:
        self.start = start
        self._day = date.min
        self._limit: int | None = None
        self._held = 0
        self._is_over = False

    @property
    def reason(self) -> str:
        """Why a letter waits for it."""
        return f"warming up: {self._limit:,} letters today, the others from tomorrow on"

    def wait(self, now: datetime) -> float:
        """0.0 if one more letter may leave today; else the seconds until tomorrow."""
        day = local_day(now)
        if day != self._day:
            self._day, self._limit = day, warm_up_limit(day, self.start)
            self._held, self._is_over = 0, False
        if self._limit is None or self._held:
            return 0.0
        if self._is_over or not self._fetch(day, self._limit):
            self._is_over = True
            return (next_day(now) - now).total_seconds()
        return 0.0

    def use(self) -> None:
        """Use the letter that `wait` found."""
        if self._limit is not None:
            self._held -= 1

    def unuse(self) -> None:
        """It did not go."""
        if self._limit is not None:
            self._held += 1

    def close(self, now: datetime) -> None:
        """Give back what is held."""
        if self._held > 0:
            WarmUpDay.objects.filter(day=self._day).update(letters=F("letters") - self._held)
        self._held = 0

    def _fetch(self, day: date, limit: int) -> bool:
        """A portion of the day, or what is left of it. False if nothing is."""
        WarmUpDay.objects.get_or_create(day=day)
        portion = min(max(1, limit // SHARE), MOST)
        while portion >= 1:
            free = WarmUpDay.objects.filter(day=day, letters__lte=limit - portion)
            if free.update(letters=F("letters") + portion):
                self._held = portion
                return True
            left = limit - WarmUpDay.objects.values_list("letters", flat=True).get(day=day)
            # Less each time, so that workers who race for the last ones come to an end.
            portion = min(left, portion - 1)
        return False
