"""More sign-ups than usual: somebody may be using the form to fill other people's inboxes."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from redis.exceptions import RedisError

from newsletter.events.alarming import tell_editors
from newsletter.models import SignUp

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
USUALLY = timedelta(days=14)
TIMES = 10
AT_LEAST = 50
ONE_A_DAY = 24 * 3600


@dataclass(frozen=True)
class Spike:
    """So many sign-ups within the hour before now, so many an hour before that."""

    count: int
    usual: float

    def __str__(self) -> str:
        return (
            f"{self.count:,} addresses were signed up within the last hour; usual are "
            f"{self.usual:.1f}. Each got one letter to confirm. Somebody may be using the form "
            "to bother other people."
        )


def sign_up_spike(now: datetime) -> Spike | None:
    """The sign-ups of the last hour if they are many and ten times the usual; else None."""
    count = SignUp.objects.filter(asked_at__gt=now - HOUR, asked_at__lte=now).count()
    if count < AT_LEAST:
        return None
    before = SignUp.objects.filter(asked_at__gt=now - USUALLY, asked_at__lte=now - HOUR).count()
    usual = before / ((USUALLY - HOUR) / HOUR)
    return Spike(count, usual) if count > TIMES * usual else None


def tell_of_spike(*, now: datetime) -> bool:
    """Write to the editors of a spike, once a day at most; whether they were written to."""
    spike = sign_up_spike(now)
    if spike is None or not _first_today():
        return False
    tell_editors("more sign-ups than usual", str(spike))
    return True


def _first_today() -> bool:
    try:
        return cache.add("sign-up-spike", True, timeout=ONE_A_DAY)
    except RedisError as error:
        # The newsroom shows it as well; a mail each few minutes would help nobody.
        logger.warning("The cache is down, so no editor is written to: %s", error)
        return False
