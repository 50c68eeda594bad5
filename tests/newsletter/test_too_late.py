"""After a long outage a person looks before a digest goes out (R67)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from newsletter import ticking
from newsletter.models import Digest, Rhythm, Subscriber
from tests.factories import ArticleFactory
from tests.newsletter.scenes import states

pytestmark = pytest.mark.django_db

SIX_HOURS = timedelta(hours=6)
MINUTE = timedelta(minutes=1)


def built_late(rhythm: Rhythm, late: timedelta) -> Digest:
    """What a tick builds so long after its time."""
    now = timezone.now()
    Rhythm.objects.update(next_due_at=now - late)
    ArticleFactory.create()
    digest = ticking.build_if_due(now=now)
    assert digest is not None
    return digest


def test_r67_more_than_six_hours_late_it_waits_for_an_editor(
    rhythm: Rhythm, bea: Subscriber
) -> None:
    digest = built_late(rhythm, SIX_HOURS + MINUTE)
    ticking.release_held(now=timezone.now() + timedelta(days=9))
    digest.refresh_from_db()
    assert digest.state == Digest.State.HELD
    assert digest.hold_until_at is None
    assert "six hours late" in digest.reason
    assert states(digest) == ["queued"]


def test_r67_up_to_six_hours_late_it_goes_out_by_itself(rhythm: Rhythm, bea: Subscriber) -> None:
    digest = built_late(rhythm, SIX_HOURS - MINUTE)
    ticking.release_held(now=timezone.now() + timedelta(days=1))
    digest.refresh_from_db()
    assert digest.state == Digest.State.SENDING
