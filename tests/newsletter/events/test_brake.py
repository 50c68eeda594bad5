"""Mail rule R54: a digest that readers complain of, or that comes back in heaps, stops."""

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from newsletter.events import alarming, recording
from newsletter.events.braking import Figures, brake_if_needed, faults, figures_of
from newsletter.models import Delivery, Digest, MailEvent
from tests.factories import SubscriberFactory
from tests.newsletter.events.scenes import State, copy_to, digest, report, told

GOES_ON: list[str] = []


@pytest.mark.parametrize(
    ("sent", "complaints", "first", "returned", "cause"),
    [
        (0, 0, 0, 0, GOES_ON),
        (1000, 2, 500, 0, GOES_ON),
        (1000, 3, 500, 0, ["complaints"]),
        (1001, 3, 500, 0, GOES_ON),
        (10_000, 29, 500, 0, GOES_ON),
        (10_000, 30, 500, 0, ["complaints"]),
        # Two angry readers of a small list are no alarm; three are.
        (40, 2, 40, 0, GOES_ON),
        (40, 3, 40, 0, ["complaints"]),
        (500, 0, 500, 25, GOES_ON),
        (500, 0, 500, 26, ["returned"]),
        (9000, 0, 500, 26, ["returned"]),
        (60, 0, 60, 9, GOES_ON),
        (60, 0, 60, 10, ["returned"]),
        (200, 0, 200, 10, GOES_ON),
        (1000, 3, 500, 100, ["complaints", "returned"]),
    ],
)
def test_a_digest_stops_at_the_limits(sent, complaints, first, returned, cause):
    found = [found for found, _ in faults(Figures(sent, complaints, first, returned))]
    assert found == cause


def sent_to_many(number, **fields):
    """A digest on its way, so many copies of which were handed over."""
    edition = digest()
    readers = SubscriberFactory.create_batch(number)
    return edition, [copy_to(reader, edition, **fields) for reader in readers]


@pytest.mark.django_db
def test_figures_count_each_copy_once():
    edition, copies = sent_to_many(12)
    for number in range(2):
        told(*(report("soft-bounce", copy, event_id=f"{number} {copy.pk}") for copy in copies[:4]))
        told(report("complaint", copies[5], event_id=f"complaint {number}"))
    told(report("hard-bounce", copies[0]), report("auto-reply", copies[6]))
    copy_to(SubscriberFactory.create(), edition, state=State.QUEUED)
    copy_to(SubscriberFactory.create(), edition, state=State.FAILED, reason="550 no")
    assert figures_of(edition) == Figures(sent=13, complaints=1, first=13, returned=5)


@pytest.mark.django_db
def test_only_the_first_five_hundred_are_counted_as_returned(monkeypatch):
    monkeypatch.setattr("newsletter.events.braking.FIRST", 5)
    edition, copies = sent_to_many(8)
    told(*(report("hard-bounce", copy) for copy in copies[4:]))
    assert figures_of(edition) == Figures(sent=8, complaints=0, first=5, returned=1)


@pytest.fixture
def stopped(ada, mailoutbox):
    User.objects.filter(pk=ada.pk).update(email="ada@fibrosite.example")
    edition, copies = sent_to_many(20)
    told(*(report("complaint", copy) for copy in copies[:3]))
    edition.refresh_from_db()
    return edition, copies


def test_the_third_complaint_pauses_the_digest_and_says_why(stopped):
    edition, _ = stopped
    assert edition.state == Digest.State.PAUSED
    assert edition.reason.startswith("Stopped by itself: 3 of 20 readers complained")


def test_the_editors_are_told_once(stopped):
    [letter] = mail.outbox
    assert letter.to == ["ada@fibrosite.example"]
    assert "was stopped" in letter.subject
    assert "3 of 20 readers" in letter.body
    assert "/admin/newsletter/digest/" in letter.body


def test_the_brake_does_not_let_go_by_itself(stopped):
    edition, _ = stopped
    recording.sweep(now=timezone.now())
    edition.refresh_from_db()
    assert edition.state == Digest.State.PAUSED


def test_after_an_editor_let_it_go_on_the_same_cause_does_not_stop_it_again(stopped):
    edition, copies = stopped
    Digest.objects.filter(pk=edition.pk).update(state=Digest.State.SENDING)
    told(report("complaint", copies[3]))
    edition.refresh_from_db()
    assert edition.state == Digest.State.SENDING
    told(*(report("hard-bounce", copy) for copy in copies[5:15]))
    edition.refresh_from_db()
    assert edition.state == Digest.State.PAUSED
    assert "10 of the first 20 copies came back" in edition.reason


@pytest.mark.django_db
@pytest.mark.parametrize("state", [Digest.State.DONE, Digest.State.CANCELLED, Digest.State.HELD])
def test_a_digest_that_is_not_on_its_way_is_left_alone(state):
    edition, copies = sent_to_many(4)
    Digest.objects.filter(pk=edition.pk).update(state=state)
    told(*(report("complaint", copy) for copy in copies))
    edition.refresh_from_db()
    assert edition.state == state
    assert not MailEvent.objects.filter(provider="brake").exists()


@pytest.mark.django_db
def test_refusals_while_handing_over_brake_too():
    edition, _ = sent_to_many(10, state=State.FAILED, reason="550 5.1.1 user unknown")
    assert brake_if_needed(edition.pk, now=timezone.now())
    assert not brake_if_needed(edition.pk, now=timezone.now())


@pytest.mark.django_db
def test_with_the_mail_server_away_the_digest_stops_all_the_same(ada, monkeypatch, caplog):
    User.objects.filter(pk=ada.pk).update(email="ada@fibrosite.example")

    def away(*args, **kwargs):
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(alarming.EmailMessage, "send", away)
    edition, _ = sent_to_many(10, state=State.FAILED, reason="550 5.1.1 user unknown")
    assert brake_if_needed(edition.pk, now=timezone.now())
    assert "was not sent" in caplog.text


@pytest.mark.django_db
def test_what_waits_is_still_there_after_the_brake():
    edition, copies = sent_to_many(10, state=State.FAILED, reason="550 5.1.1 user unknown")
    waiting = copy_to(SubscriberFactory.create(), edition, state=State.QUEUED)
    brake_if_needed(edition.pk, now=timezone.now())
    assert Delivery.objects.get(pk=waiting.pk).state == State.QUEUED
    assert len(copies) == 10
