"""When a letter may go: rates, quiet hours, the warm-up of a new domain, destinations that rest.

What is counted stands in the database, so that it holds for all workers on all hosts.
"""

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from newsletter.models import DomainRest, WarmUpDay
from newsletter.sending.limits import (
    end_of_quiet,
    local_day,
    quiet_until,
    read_limits,
    warm_up_limit,
)
from newsletter.sending.resting import IN_A_ROW, Rests
from newsletter.sending.tokens import Tokens, WarmUp

__all__ = ["Pace", "quiet_until", "why_letters_wait"]

# How soon a worker learns of the rests that others began, in seconds.
NEWS = 10.0
# Quiet hours begin on time, but for this.
QUIET_NEWS = 1.0


class Gate(Protocol):
    """Something that a letter needs a right from."""

    @property
    def reason(self) -> str: ...
    def wait(self, now: datetime) -> float: ...
    def use(self) -> None: ...
    def unuse(self) -> None: ...
    def close(self, now: datetime) -> None: ...


class Pace:
    """May a letter to this domain go now?

    One for each load, in one thread. Where nothing is limited it asks the database once in ten
    seconds, for destinations that rest. Raises ImproperlyConfigured if a setting is nonsense.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = timezone.now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._ticks = ticks
        self._limits = read_limits()
        self._rests = Rests()
        self._for_all = self._gates_for_all()
        self._domains = {
            domain: Tokens(domain, rate) for domain, rate in self._limits.domain_rates.items()
        }
        # Domains that something special holds for; all others pass until `_free_until`.
        self._special: set[str] = set()
        self._free_until = 0.0
        self._look_at = 0.0
        # Why the letter asked for last has to wait, in words for editors; "" if it may go.
        self.reason = ""

    def _gates_for_all(self) -> list[Gate]:
        gates: list[Gate] = []
        if self._limits.warm_up_from:
            gates.append(WarmUp(self._limits.warm_up_from))
        if self._limits.rate:
            gates.append(Tokens("", self._limits.rate))
        return gates

    def wait(self, domain: str) -> float:
        """0.0: a letter may go now, and its token is used up. Else the seconds to wait."""
        domain = domain.lower()
        if self._ticks() < self._free_until and domain not in self._special:
            return 0.0
        return self._ask(domain)

    def _ask(self, domain: str) -> float:
        now = self._now()
        self._look(now)
        wait = self._closed_for(domain, now)
        if wait:
            return wait
        gates = self._gates(domain)
        for gate in gates:
            wait = gate.wait(now)
            if wait:
                self.reason = gate.reason
                return wait
        for gate in gates:
            gate.use()
        self.reason = ""
        return 0.0

    def _look(self, now: datetime) -> None:
        """Learn of rests, now and then, and find out who need not ask."""
        ticks = self._ticks()
        if ticks >= self._look_at:
            self._rests.look(now)
            self._look_at = ticks + NEWS
            self._note_special(now)
        if self._for_all or (self._limits.quiet and end_of_quiet(self._limits.quiet, now)):
            return
        self._free_until = min(self._look_at, ticks + QUIET_NEWS)

    def _note_special(self, now: datetime) -> None:
        self._special = {*self._domains, *self._rests.resting(now)}

    def _closed_for(self, domain: str, now: datetime) -> float:
        quiet = self._limits.quiet and end_of_quiet(self._limits.quiet, now)
        if quiet:
            self.reason = _quiet_words(quiet)
            return (quiet - now).total_seconds()
        rest = self._rests.until(domain, now)
        if rest:
            self.reason = _rest_words(domain, rest)
            return (rest - now).total_seconds()
        return 0.0

    def _gates(self, domain: str) -> list[Gate]:
        tokens = self._domains.get(domain)
        return [*self._for_all, tokens] if tokens else self._for_all

    def give_back(self, domain: str) -> None:
        """The letter that `wait` let through did not go after all."""
        for gate in self._gates(domain.lower()):
            gate.unuse()

    def refused(self, domain: str, words: str) -> None:
        """The destination refused a letter for now; five times in a row, and it rests."""
        now = self._now()
        self._rests.refused(domain.lower(), words, now)
        self._note_special(now)

    def accepted(self, domain: str) -> None:
        """The destination took a letter."""
        domain = domain.lower()
        if self._rests.is_troubled(domain):
            self._rests.accepted(domain)
            self._note_special(self._now())

    def close(self) -> None:
        """Give back what is not used, and tell the other workers of refusals."""
        now = self._now()
        self._rests.tell(now)
        for gate in (*self._for_all, *self._domains.values()):
            gate.close(now)


def why_letters_wait(*, now: datetime) -> list[str]:
    """What holds letters up at `now`, in sentences for editors; [] if nothing does."""
    limits = read_limits()
    found: list[str] = []
    quiet = limits.quiet and end_of_quiet(limits.quiet, now)
    if quiet:
        found.append(_quiet_words(quiet))
    if limits.warm_up_from:
        found += _warm_up_words(limits.warm_up_from, now)
    resting = DomainRest.objects.filter(until_at__gt=now).order_by("until_at", "domain")
    for row in resting[:10]:
        said = f": “{row.words}”" if row.words else ""
        found.append(_rest_words(row.domain, row.until_at or now) + said)
    if limits.rate:
        found.append(Tokens("", limits.rate).reason)
    found += [Tokens(domain, rate).reason for domain, rate in limits.domain_rates.items()]
    return found


def _warm_up_words(start: date, now: datetime) -> list[str]:
    day = local_day(now)
    limit = warm_up_limit(day, start)
    if limit is None:
        return []
    row = WarmUpDay.objects.filter(day=day).first()
    gone = row.letters if row else 0
    return [f"warming up: {limit:,} letters today, of which {gone:,} are gone or on their way"]


def _quiet_words(until: datetime) -> str:
    return f"waits until {_clock(until)} (quiet hours)"


def _rest_words(domain: str, until: datetime) -> str:
    at = _clock(until)
    return f"{domain} rests until {at} after {IN_A_ROW} temporary refusals in a row"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(settings.TIME_ZONE)):%H:%M}"
