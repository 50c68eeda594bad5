"""Monthly gifts keep coming, or somebody is told: the heartbeat of renewals."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from donations import posting
from donations.models import Donation, Pledge

# Providers take a renewal within hours; a card that fails is told of as well.
LATE_AFTER = timedelta(days=2)
# So far back do renewals count that should have come.
LOOKS_BACK = timedelta(days=14)


def overdue(now: datetime) -> int:
    """How many monthly gifts should have come lately, and neither came nor were said to fail."""
    today = timezone.localdate(now)
    silent = Q(failed_at=None) | Q(failed_at__lt=now - LOOKS_BACK)
    rows = Pledge.objects.filter(
        silent,
        state=Pledge.State.ACTIVE,
        next_due_on__gte=today - LOOKS_BACK,
        next_due_on__lte=today - LATE_AFTER,
    )
    # Of those of the test mode nothing more comes once the keys are live.
    return rows.exclude(checkout__is_test=True).count()


def watch(*, now: datetime) -> bool:
    """Write to the treasurers if renewals were due and none arrived; whether it did.

    Once a week at most while it lasts.
    """
    late = overdue(now)
    since = now - LATE_AFTER - timedelta(days=1)
    came = Donation.objects.filter(pledge__isnull=False, paid_at__gte=since, is_test=False)
    if not late or came.exists():
        return False
    year, week, _ = timezone.localdate(now).isocalendar()
    words = (
        f"{late} monthly gifts were due in the last days, and none arrived since "
        f"{timezone.localdate(since):%-d %B}. Please look at the provider: are its webhooks "
        "failing, or its keys out of date?"
    )
    posting.alarm(words, once=f"heartbeat:{year}-{week}", now=now)
    return True
