"""A digest keeps the pace, and copies that wait for it use up none of their attempts."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from newsletter import delivering
from newsletter.models import Digest, DomainRest, Subscriber, WarmUpDay
from newsletter.sending import limits
from newsletter.sending.limits import local_day, next_day
from tests.factories import SubscriberFactory
from tests.newsletter.conftest import Mailer, refusal
from tests.newsletter.scenes import digest_to, states

pytestmark = pytest.mark.django_db


def readers_at(domain: str, number: int) -> list[Subscriber]:
    return [SubscriberFactory.create(email=f"reader{n}@{domain}") for n in range(number)]


def attempts(digest: Digest) -> list[int]:
    return list(digest.deliveries.order_by("pk").values_list("attempts", flat=True))


def test_a_destination_that_refuses_five_gets_no_more_for_now(mailer: Mailer) -> None:
    digest = digest_to(*readers_at("gmail.com", 7), *readers_at("readers.example", 2))
    mailer.answers = [refusal(451, "too fast")] * 5
    assert not delivering.deliver_round(digest.pk)
    assert states(digest) == ["queued"] * 7 + ["sent"] * 2
    assert attempts(digest) == [1] * 5 + [0] * 2 + [1] * 2
    rest = DomainRest.objects.get()
    assert rest.until_at is not None
    assert digest.batches.get().due_at == pytest.approx(rest.until_at, abs=timedelta(seconds=5))


def test_what_a_warm_up_does_not_allow_goes_the_next_day(
    mailer: Mailer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    settings.MAIL_WARM_UP_FROM = local_day(now).isoformat()
    monkeypatch.setattr(limits, "WARM_UP_FIRST", 3)
    digest = digest_to(*readers_at("readers.example", 5))
    assert not delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent"] * 3 + ["queued"] * 2
    assert attempts(digest) == [1, 1, 1, 0, 0]
    assert WarmUpDay.objects.get().letters == 3
    tomorrow = digest.batches.get().due_at
    assert tomorrow == pytest.approx(next_day(now), abs=timedelta(seconds=5))


def test_nothing_leaves_in_the_quiet_hours(mailer: Mailer, settings: Settings) -> None:
    hour = timezone.now().hour
    settings.MAIL_QUIET_HOURS = f"{hour}-{(hour + 2) % 24}"
    digest = digest_to(*readers_at("readers.example", 2))
    assert not delivering.deliver_round(digest.pk)
    assert states(digest) == ["queued"] * 2
    assert attempts(digest) == [0, 0]
    assert mailer.letters == []


def test_a_slow_rate_sends_one_letter_and_leaves_the_others(
    mailer: Mailer, settings: Settings
) -> None:
    settings.MAIL_RATE = "0.1"
    digest = digest_to(*readers_at("readers.example", 3))
    assert not delivering.deliver_round(digest.pk)
    assert states(digest) == ["sent", "queued", "queued"]
    assert attempts(digest) == [1, 0, 0]
