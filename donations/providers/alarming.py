"""Tells the treasurers of reports that cannot be entered: many in one letter, each once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from donations import posting
from donations.models import GiftLetter, PaymentEvent

# While a provider is away reports fail all the time: those stand together in the next letter.
LETTERS_APART = timedelta(hours=6)
LINES = 10
_MARK = "reports:"
_WORDS = """\
What these reports tell of, gifts, refunds or monthly gifts, may be missing from the sums. \
Nothing is lost: the reports are kept, and tried again by themselves for five weeks.

What to do, by the reason that stands beside each:
- it has no rate for a currency: enter one under Drive rates;
- the payment service does not answer, or refuses: look at its status page, and whether our keys \
are still good; it is over by itself once it answers;
- it cannot be read, or anything else: pass this letter on to whoever looks after the site.

All of them: {url}

{lines}"""


def tell_of_failures(*, now: datetime) -> int:
    """Write to the treasurers of the reports that failed for too long; of how many.

    Of each once, and no letter within LETTERS_APART of the last.
    """
    with transaction.atomic():
        untold = PaymentEvent.objects.filter(
            state=PaymentEvent.State.FAILED, alarm_at__lte=now, alarmed_at=None
        )
        found = list(untold.select_for_update().order_by("pk"))
        if not found or _told_lately(now):
            return 0
        PaymentEvent.objects.filter(pk__in=[event.pk for event in found]).update(alarmed_at=now)
        posting.alarm(_words(found), once=f"{_MARK}{found[0].pk}", now=now)
    return len(found)


def _told_lately(now: datetime) -> bool:
    lately = GiftLetter.objects.filter(once__startswith=_MARK, asked_at__gt=now - LETTERS_APART)
    return lately.exists()


def _words(found: Sequence[PaymentEvent]) -> str:
    many = len(found) > 1
    first = f"{len(found)} reports of payment services" if many else "A report of a payment service"
    lines = [f"{one.provider}, {one.type}, {one.event_id}: {one.outcome}" for one in found[:LINES]]
    if len(found) > LINES:
        lines.append(f"and {len(found) - LINES} more")
    path = reverse("admin:donations_paymentevent_changelist")
    url = f"{settings.SITE_URL}{path}?state__exact={PaymentEvent.State.FAILED}"
    words = _WORDS.format(url=url, lines="\n".join(lines))
    return f"{first} could not be entered. {words}"
