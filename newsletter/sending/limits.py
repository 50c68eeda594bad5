"""What the operator says of the speed of sending: read from the settings, refused with a reason.

`MAIL_RATE` letters a second for the whole site, `MAIL_DOMAIN_RATES` for single destinations,
`MAIL_QUIET_HOURS` in the site's zone, `MAIL_WARM_UP_FROM` the first day of a new domain.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

# "Start small (e.g. 200 emails the first day), never sending more than twice than the day before",
# and 100,000 on the eleventh: help.batch.com, "Define a warm-up goal per subdomain". Who gets
# that far is known by then.
WARM_UP_FIRST = 200
WARM_UP_LAST = 100_000

_HOURS = re.compile(r"([01]?\d|2[0-3])-([01]?\d|2[0-3])")
_DOMAIN = re.compile(r"[^\s@=.]+(\.[^\s@=.]+)+")


class Fault(ValueError):
    """A setting that cannot be read: why, and what to do."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


@dataclass(frozen=True)
class Limits:
    """What holds for all letters. `rate` and `domain_rates`: letters a second; 0: no limit.

    `quiet`: the hours of the day at which the quiet hours begin and end.
    """

    rate: float
    domain_rates: dict[str, float]
    quiet: tuple[int, int] | None
    warm_up_from: date | None


def read_limits() -> Limits:
    """The limits as the settings have them. Raises ImproperlyConfigured: sending without them
    would be worse than not sending."""
    found = check_limits(None)
    if found:
        raise ImproperlyConfigured(" ".join(f"{fault.msg} {fault.hint}" for fault in found))
    return Limits(
        rate=_rate(settings.MAIL_RATE),
        domain_rates=_domain_rates(settings.MAIL_DOMAIN_RATES),
        quiet=_quiet(settings.MAIL_QUIET_HOURS),
        warm_up_from=_day(settings.MAIL_WARM_UP_FROM),
    )


@register()
def check_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Nonsense in these settings is told before anything is sent."""
    readers: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("MAIL_RATE", _rate),
        ("MAIL_DOMAIN_RATES", _domain_rates),
        ("MAIL_QUIET_HOURS", _quiet),
        ("MAIL_WARM_UP_FROM", _day),
    )
    found: list[CheckMessage] = []
    for number, (name, read) in enumerate(readers, 1):
        try:
            read(getattr(settings, name))
        except Fault as fault:
            error = Error(f"{name}: {fault}.", hint=fault.hint, id=f"newsletter.E00{number}")
            found.append(error)
    return found


def _rate(text: str) -> float:
    hint = "Set it to letters a second, such as 50 or 0.5; 0 means no limit."
    rate = _number(text.strip() or "0", hint)
    if rate < 0:
        raise Fault(f"{text.strip()} is below zero", hint)
    return rate


def _number(text: str, hint: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise Fault(f"{text!r} is not a number", hint) from None
    if not math.isfinite(number):
        raise Fault(f"{text!r} is not a number", hint)
    return number


def _domain_rates(text: str) -> dict[str, float]:
    hint = "Write domain=letters a second, with commas between: gmail.com=20,yahoo.com=5.5"
    rates: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        domain, equals, number = (one.strip() for one in part.partition("="))
        domain = domain.lower()
        if not equals or not _DOMAIN.fullmatch(domain):
            raise Fault(f"{part!r} does not begin with a domain and =", hint)
        if domain in rates:
            raise Fault(f"{domain} stands there twice", hint)
        rates[domain] = _number(number, hint)
        if rates[domain] <= 0:
            raise Fault(f"{part!r} lets no letter through", "Leave the domain out: no limit.")
    return rates


def _quiet(text: str) -> tuple[int, int] | None:
    if not text.strip():
        return None
    hint = "Write the hours at which they begin and end, such as 22-7; leave it empty for none."
    hours = _HOURS.fullmatch(text.strip())
    if hours is None:
        raise Fault(f"{text!r} is not two hours from 0 to 23", hint)
    start, end = int(hours[1]), int(hours[2])
    if start == end:
        raise Fault(f"{text!r} begins and ends at the same hour", hint)
    return start, end


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        hint = "Write the first day of sending as 2026-11-22; leave it empty for no warm-up."
        raise Fault(f"{text!r} is not a day", hint) from None


def quiet_until(now: datetime) -> datetime | None:
    """When the quiet hours end that `now` lies in; None if it lies in none.

    By the clock on the wall of the site's zone: in the nights of clock changes they are an hour
    shorter or longer.
    """
    quiet = _quiet(settings.MAIL_QUIET_HOURS)
    return end_of_quiet(quiet, now) if quiet else None


def end_of_quiet(quiet: tuple[int, int], now: datetime) -> datetime | None:
    """The same for given hours."""
    start, end = quiet
    zone = ZoneInfo(settings.TIME_ZONE)
    local = now.astimezone(zone)
    evening = local.hour >= start
    inside = (evening and local.hour < end) if start < end else (evening or local.hour < end)
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if local.hour >= end else 0)
    # An hour that the spring change leaves out ends them at the change itself.
    return datetime.combine(day, time(end), zone).astimezone(now.tzinfo)


def warm_up_limit(day: date, start: date) -> int | None:
    """How many letters may leave on `day`, if `start` was the first; None: as many as there are."""
    number = (day - start).days
    # The day before had reached the end.
    if number < 0 or WARM_UP_FIRST * 2 ** min(number - 1, 30) >= WARM_UP_LAST:
        return None
    return min(WARM_UP_FIRST * 2**number, WARM_UP_LAST)


def local_day(now: datetime) -> date:
    """The day in the site's zone."""
    return now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def next_day(now: datetime) -> datetime:
    """When the next day begins in the site's zone."""
    zone = ZoneInfo(settings.TIME_ZONE)
    return datetime.combine(local_day(now) + timedelta(days=1), time(), zone)
