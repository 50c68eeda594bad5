"""The page of a digest on its way: how far, how fast, until when, and why it waits."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from newsletter.models import Batch, Delivery, Digest, Rhythm
from newsletter.progress import Progress, progress_of
from newsletter.sending import batches
from newsletter.sending.batches import recount
from tests.newsletter.sending.clocks import Clock
from tests.newsletter.test_watching import edition, set_fate

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticks(rhythm: Rhythm) -> None:
    Rhythm.objects.update(ticked_at=NOON)


def progress(digest: Digest, *, now: datetime = NOON) -> Progress:
    digest.refresh_from_db()
    return progress_of(digest, digest.counts(), now=now)


def page_of(digest: Digest, browser: Client) -> str:
    return " ".join(browser.get(f"/admin/newsletter/digest/{digest.pk}/change/").text.split())


def test_how_far_it_is() -> None:
    found = progress(edition("sent", "sent", "unknown", "queued"))
    assert (found.settled, found.sent, found.unknown, found.percent) == (3, 2, 1, 75)


def test_a_hundred_per_cent_means_all() -> None:
    assert progress(edition(*["sent"] * 300, "queued")).percent == 99
    assert progress(edition("sent", "failed")).percent == 100


@pytest.mark.parametrize("few", [True, False])
def test_how_fast_it_goes(monkeypatch: pytest.MonkeyPatch, few: bool) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 100 if few else 1)
    monkeypatch.setattr("newsletter.progress.FEW", 1)
    digest = edition("sent", "sent", "failed", "sent", *["queued"] * 6, at=NOON)
    old = digest.deliveries.order_by("pk")[0]
    set_fate(old, "sent", at=NOON - timedelta(minutes=5))
    for batch in digest.batches.all():
        at = NOON - timedelta(minutes=5) if batch.first == batch.last == old.pk else NOON
        with time_machine.travel(at, tick=False):
            recount(batch)
    assert progress(digest, now=NOON + timedelta(seconds=30)).last_minute == 2
    assert progress(digest, now=NOON + timedelta(seconds=61)).last_minute == 0


def test_when_it_will_be_over() -> None:
    digest = edition(*["sent"] * 4, *["queued"] * 6)
    assert progress(digest).ends_at == NOON + timedelta(seconds=90)


def test_nobody_knows_the_end_of_what_does_not_move() -> None:
    assert progress(edition("queued")).ends_at is None


def test_the_end_is_not_before_the_last_copies_are_due() -> None:
    digest = edition(*["sent"] * 4, "queued")
    later = NOON + timedelta(hours=5)
    digest.deliveries.filter(state="queued").update(not_before_at=later)
    Batch.objects.update(due_at=later)
    assert progress(digest).ends_at == later


def test_an_end_in_the_quiet_hours_is_put_off_to_the_morning(settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS = "13-15"
    digest = edition("sent", *["queued"] * 90)
    assert progress(digest).ends_at == NOON + timedelta(hours=3)


@pytest.mark.parametrize("state", ["done", "paused", "held", "cancelled"])
def test_what_is_not_on_its_way_has_no_pace(state: str) -> None:
    found = progress(edition("sent", "queued", state=state))
    assert (found.last_minute, found.ends_at, found.waits) == (0, None, [])


def test_the_servers_refusal_is_the_reason() -> None:
    digest = edition("queued")
    Digest.objects.update(
        rests_until_at=NOON + timedelta(minutes=2), rests_because="There is no way to it: refused."
    )
    assert progress(digest).waits == [
        "Nothing leaves now: There is no way to it: refused. Tried again at 12:02 (23 November)."
    ]


def test_quiet_hours_and_a_resting_destination_are_reasons(settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS = "12-14"
    pace = Clock(NOON).pace()
    for _ in range(5):
        pace.refused("gmail.com", "421 too fast")
    assert progress(edition("queued")).waits == [
        "Waits until 14:00 (quiet hours).",
        "gmail.com rests until 12:05 after 5 temporary refusals in a row: “421 too fast”.",
    ]


def test_copies_refused_for_now_and_those_for_later_are_told_apart() -> None:
    edition("sent", "queued: 451 busy", at=NOON)
    digest = edition("sent", "queued: 451 busy", at=NOON)
    assert progress(digest).waits == [
        "1 copy goes from 14:00 (23 November) on: refused for now, “451 busy”."
    ]
    Batch.objects.update(settled_at=None)
    assert progress(digest).waits == ["1 copy goes from 14:00 (23 November) on, as planned."]


def test_a_silent_scheduler_is_a_reason() -> None:
    found = progress(edition("queued"), now=NOON + timedelta(minutes=6))
    assert found.waits[0].startswith("The scheduler is silent")


def test_nonsense_in_the_settings_is_a_reason(settings: Settings) -> None:
    settings.MAIL_RATE = "fast"
    assert "MAIL_RATE" in progress(edition("queued")).waits[0]


def test_a_held_copy_of_the_site_is_the_only_reason(settings: Settings) -> None:
    settings.HOLD_COPIES = True
    Rhythm.objects.update(home="https://elsewhere.example")
    found = progress(edition("queued")).waits
    assert len(found) == 1
    assert "This is a copy of https://elsewhere.example" in found[0]


def test_ada_sees_it_all_on_its_page(ada_browses: Client, settings: Settings) -> None:
    settings.MAIL_RATE = "20"
    with time_machine.travel(NOON, tick=False):
        page = page_of(edition("sent", "unknown", "queued"), ada_browses)
    assert '<progress id="progress" max="3" value="2">66 %</progress> 2 of 3 (66 %)' in page
    assert "1 sent in the last minute; at this pace the last goes at about" in page
    assert "Goes out at 20 letters a second." in page
    assert "may have arrived, so it is not sent again by itself" in page
    assert "Once the digest is done" in page


def test_a_digest_that_is_done_leads_to_the_button_for_unknown_copies(
    ada_browses: Client,
) -> None:
    page = page_of(edition("sent", "unknown", "unknown", state="done"), ada_browses)
    assert "2 unknown" in page
    assert '<a href="#verbs">Send to the rest</a> can include them' in page
    assert 'id="verbs"' in page
    assert "in the last minute" not in page


def test_a_digest_of_nobody_has_no_bar(ada_browses: Client) -> None:
    page = page_of(edition(state="done"), ada_browses)
    assert "<progress" not in page


def test_looking_changes_nothing(ada_browses: Client) -> None:
    digest = edition("sent", "unknown", "queued")
    before = list(Delivery.objects.values())
    page_of(digest, ada_browses)
    assert list(Delivery.objects.values()) == before
