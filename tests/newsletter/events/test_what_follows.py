"""What a report does, whenever it comes: mail rules R51, R52, R53 and R62."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone

from newsletter.events import recording
from newsletter.models import ConsentEvent, MailEvent, Subscriber, Suppression
from newsletter.suppressing import suppression_of
from tests.factories import SubscriberFactory
from tests.newsletter.events.scenes import (
    Kind,
    State,
    copy_to,
    digest,
    recounted,
    refused,
    report,
    told,
)

pytestmark = pytest.mark.django_db
Active, Left, Blocked = Subscriber.State.ACTIVE, Subscriber.State.LEFT, Subscriber.State.BLOCKED


def state_of(reader):
    reader.refresh_from_db()
    return reader.state


def fate_of(copy):
    copy.refresh_from_db()
    return copy.state


def test_a_complaint_takes_the_reader_off_at_once(bea):
    told(report("complaint", copy_to(bea)))
    assert state_of(bea) == Blocked
    assert suppression_of(bea.email).reason == "complaint"
    [consent] = bea.consent.all()
    assert (consent.kind, consent.method) == ("left", "provider")
    assert "Postmark" in consent.detail


def test_one_hard_bounce_is_enough(bea):
    told(report("hard-bounce", copy_to(bea)))
    assert (state_of(bea), suppression_of(bea.email).reason) == (Blocked, "hard-bounce")


def test_who_left_at_the_provider_left(bea):
    told(report("unsubscribed", copy_to(bea)))
    assert (state_of(bea), suppression_of(bea.email).reason) == (Left, "unsubscribed")


@pytest.mark.parametrize("kind", ["delivered", "deferred", "auto-reply", "unknown", "rejected"])
def test_nothing_else_takes_a_reader_off(bea, kind):
    told(*(report(kind, copy_to(bea)) for _ in range(5)))
    assert state_of(bea) == Active
    assert not Suppression.objects.exists()


def test_soft_bounces_of_three_digests_in_a_row_take_the_reader_off(bea):
    copies = [copy_to(bea) for _ in range(3)]
    told(*(report("soft-bounce", copy) for copy in copies[:2]))
    assert state_of(bea) == Active
    told(report("soft-bounce", copies[2]))
    assert (state_of(bea), suppression_of(bea.email).reason) == (Blocked, "soft-bounces")


def test_many_soft_bounces_of_two_digests_count_as_two(bea):
    one, two = copy_to(bea), copy_to(bea)
    bounces = [
        report("soft-bounce", copy, event_id=f"{n}") for n, copy in enumerate([one, two] * 3)
    ]
    told(bounces[0], report("delivered", one), report("deferred", one), *bounces[1:])
    assert MailEvent.objects.filter(kind=Kind.SOFT_BOUNCE).count() == 6
    assert state_of(bea) == Active


def test_a_digest_that_arrived_in_between_starts_the_row_again(bea):
    copies = [copy_to(bea) for _ in range(5)]
    told(*(report("soft-bounce", copies[n]) for n in (0, 1, 3, 4)))
    assert state_of(bea) == Active


def test_a_copy_that_never_went_out_does_not_break_the_row(bea):
    first = copy_to(bea)
    copy_to(bea, state=State.SKIPPED)
    copy_to(bea, state=State.FAILED, reason="given up after 10 attempts: 451 later")
    told(*(report("soft-bounce", copy) for copy in (first, copy_to(bea), copy_to(bea))))
    assert state_of(bea) == Blocked


def test_soft_bounces_of_another_reader_are_not_counted(bea):
    dora = SubscriberFactory.create(joined_at=bea.joined_at)
    told(*(report("soft-bounce", copy_to(reader)) for reader in (bea, bea, dora)))
    assert (state_of(bea), state_of(dora)) == (Active, Active)


@pytest.mark.parametrize(
    ("because", "state"),
    [("complaint", Blocked), ("unsubscribed", Left), ("rejected", Blocked), ("", Active)],
)
def test_the_providers_own_list_is_mirrored(bea, because, state):
    told(report("rejected", copy_to(bea), detail={"because": because}))
    assert state_of(bea) == state
    assert Suppression.objects.count() == bool(because)


def test_an_address_that_is_on_no_list_is_never_mailed_either(db):
    told(report("complaint", recipient="Somebody@Readers.example"))
    assert suppression_of("somebody@readers.example").reason == "complaint"
    assert not ConsentEvent.objects.exists()


def test_a_report_is_found_to_its_reader_by_the_address_alone(bea):
    told(report("complaint", recipient="BEA@readers.example"))
    assert state_of(bea) == Blocked


def test_a_report_on_an_address_the_reader_had_before_leaves_the_reader(bea):
    copy = copy_to(bea)
    Subscriber.objects.filter(pk=bea.pk).update(email="bea@new.example")
    told(report("hard-bounce", copy))
    assert state_of(bea) == Active
    assert suppression_of("bea@readers.example").reason == "hard-bounce"


def test_a_report_of_before_the_owner_came_back_changes_nothing(bea):
    Subscriber.objects.filter(pk=bea.pk).update(joined_at=timezone.now())
    long_ago = timezone.now() - timedelta(days=40)
    told(report("complaint", copy_to(bea), happened_at=long_ago))
    assert state_of(bea) == Active
    assert not Suppression.objects.exists()


def test_who_left_and_then_complains_is_blocked_without_leaving_twice(bea):
    Subscriber.objects.filter(pk=bea.pk).update(state=Left, left_at=timezone.now())
    told(report("complaint", copy_to(bea)))
    assert state_of(bea) == Blocked
    assert not bea.consent.exists()


def test_an_erased_reader_is_not_found_again(bea):
    copy = copy_to(bea)
    row = recording.keep(report("complaint", copy), now=timezone.now())
    bea.delete()
    recording.handle(row.pk, now=timezone.now())
    assert suppression_of("bea@readers.example") is not None


@pytest.mark.parametrize(
    ("kind", "fate"),
    [
        ("delivered", State.SENT),
        ("complaint", State.SENT),
        ("auto-reply", State.SENT),
        ("hard-bounce", State.FAILED),
        ("soft-bounce", State.FAILED),
        ("rejected", State.FAILED),
        ("deferred", State.UNKNOWN),
        ("unknown", State.UNKNOWN),
    ],
)
def test_a_report_settles_a_copy_of_unknown_fate(bea, kind, fate):
    copy = copy_to(bea, state=State.UNKNOWN, reason="the worker stopped")
    told(report(kind, copy))
    assert fate_of(copy) == fate
    assert ("settled by a report" in copy.reason) == (fate != State.UNKNOWN)


@pytest.mark.parametrize("state", [State.QUEUED, State.SENT, State.SKIPPED])
def test_a_report_leaves_a_copy_whose_fate_is_known(bea, state):
    copy = copy_to(bea, state=state)
    told(report("soft-bounce", copy), report("delivered", copy))
    assert fate_of(copy) == state


def test_a_copy_that_failed_in_our_hands_stays_failed(bea):
    copy = copy_to(bea, state=State.FAILED, reason="550 no")
    told(report("delivered", copy))
    assert (fate_of(copy), copy.reason) == (State.FAILED, "550 no")


def everything(reader, copies):
    """All that reports can change, without the moments."""
    return (
        state_of(reader),
        [fate_of(copy) for copy in copies],
        list(Suppression.objects.values_list("reason", flat=True)),
        sorted(reader.consent.values_list("kind", "method")),
    )


@pytest.mark.parametrize(
    "kinds",
    [
        ["soft-bounce", "soft-bounce", "soft-bounce", "delivered"],
        ["soft-bounce", "delivered", "soft-bounce", "soft-bounce"],
        ["delivered", "soft-bounce", "complaint", "unsubscribed"],
        ["hard-bounce", "delivered", "unsubscribed", "auto-reply"],
        ["rejected", "deferred", "delivered", "soft-bounce"],
    ],
    ids=" ".join,
)
def test_the_order_in_which_reports_come_does_not_matter(bea, kinds):
    outcomes = set()
    for order in permutations(range(len(kinds))):
        with transaction.atomic():
            reader = SubscriberFactory.create(joined_at=bea.joined_at)
            copies = [copy_to(reader, state=State.UNKNOWN) for _ in range(3)]
            reports = [report(kind, copies[min(n, 2)]) for n, kind in enumerate(kinds)]
            told(*(reports[n] for n in order))
            recording.sweep(now=timezone.now() + timedelta(minutes=5))
            told(*reports)
            outcomes.add(repr(everything(reader, copies)))
            # The next order finds nothing of this one.
            transaction.set_rollback(True)
    assert len(outcomes) == 1


def test_two_workers_with_the_same_report_do_it_once(bea):
    row = recording.keep(report("complaint", copy_to(bea)), now=timezone.now())
    for _ in range(2):
        recording.handle(row.pk, now=timezone.now())
    assert bea.consent.count() == 1


def test_the_sweep_does_what_the_queue_lost(bea):
    recording.keep(report("complaint", copy_to(bea)), now=timezone.now())
    recording.sweep(now=timezone.now())
    assert state_of(bea) == Active
    recording.sweep(now=timezone.now() + recording.PATIENCE * 2)
    assert state_of(bea) == Blocked


def test_one_report_that_breaks_does_not_hold_up_the_rest(bea, monkeypatch, caplog):
    bad = recording.keep(report("delivered", copy_to(bea)), now=timezone.now())
    recording.keep(report("complaint", copy_to(bea)), now=timezone.now())
    follow = recording._follow

    def breaks(event, *, now):
        if event.pk == bad.pk:
            raise RuntimeError("odd row")
        follow(event, now=now)

    monkeypatch.setattr(recording, "_follow", breaks)
    recording.sweep(now=timezone.now() + recording.PATIENCE * 2)
    assert state_of(bea) == Blocked
    bad.refresh_from_db()
    assert bad.handled_at is None
    assert "could not be handled" in caplog.text


def test_a_report_that_came_before_its_copy_was_unknown_settles_it_later(bea):
    copy = copy_to(bea, state=State.QUEUED)
    told(report("delivered", copy))
    copy.state = State.UNKNOWN
    copy.save()
    recounted(copy)
    recording.sweep(now=timezone.now())
    assert fate_of(copy) == State.SENT


def test_a_refusal_by_the_mail_server_is_a_bounce_too(bea):
    copy = refused(bea, "550 5.1.1 <bea@readers.example> User unknown")
    later = timezone.now() + recording.PATIENCE * 2
    recording.sweep(now=later)
    assert (state_of(bea), suppression_of(bea.email).source) == (Blocked, "smtp")
    recording.keep_refusals([copy.pk], now=later)
    recording.sweep(now=later)
    assert MailEvent.objects.count() == 1


@pytest.mark.parametrize(
    "reason", ["550 5.7.1 spam", "given up after 10 attempts: 451 later", "provider answered 400"]
)
def test_a_refusal_that_is_not_about_the_mailbox_leaves_the_reader(bea, reason):
    refused(bea, reason)
    recording.sweep(now=timezone.now() + recording.PATIENCE * 2)
    assert state_of(bea) == Active


def test_a_moment_in_the_future_is_not_believed(bea):
    now = timezone.now()
    late = report("delivered", copy_to(bea), happened_at=now + timedelta(days=400))
    assert recording.keep(late, now=now).happened_at == now


def test_a_complaint_outweighs_what_was_known_of_a_stranger(db):
    told(*(report(kind, recipient="x@readers.example") for kind in ("hard-bounce", "complaint")))
    told(report("unsubscribed", recipient="x@readers.example"))
    assert Suppression.objects.get().reason == "complaint"


def test_of_an_erased_reader_the_events_know_nothing(bea):
    copy = copy_to(bea)
    told(report("hard-bounce", copy, detail={"words": "550 no"}))
    recording.forget("BEA@readers.example")
    event = MailEvent.objects.get()
    assert (event.address_hash, event.detail, event.delivery) == ("", {}, copy)


def test_copies_of_an_old_digest_are_not_looked_at_again(bea, django_assert_max_num_queries):
    old = digest(finished_at=timezone.now() - timedelta(days=2), state="done")
    copy = copy_to(bea, old, state=State.QUEUED)
    told(report("delivered", copy))
    copy.state = State.UNKNOWN
    copy.save()
    recounted(copy)
    with django_assert_max_num_queries(4):
        recording.sweep(now=timezone.now())
    assert fate_of(copy) == State.UNKNOWN


def test_a_report_is_counted_with_the_other_copies_of_its_digest(bea):
    copy = copy_to(bea, state=State.UNKNOWN)
    assert copy.digest.counts() == {"unknown": 1}
    told(report("delivered", copy))
    assert copy.digest.counts() == {"sent": 1}
