"""Killed at any moment, an import goes on: nobody is lost, nobody comes twice, counts add up."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from newsletter import tasks
from newsletter.models import ConsentEvent, ImportRun, Subscriber, Suppression
from newsletter.moving import files, importing, verdicts
from tests.newsletter.moving.lists import BASIS, bring, carry_out, check, everything
from tests.newsletter.scenes import race

pytestmark = pytest.mark.django_db

READERS = 23
COUNTS = {"NEW": 18, "OUT": 5, "TWICE": 6, "BAD": 1}


class Killed(BaseException):
    """The end of the process."""


def a_list(readers: int = READERS) -> str:
    """Readers, of whom every fifth opted out, repetitions in capitals, and a bad address."""
    rows = [
        f"reader{n}@example.com,{'unsubscribed' if n % 5 == 0 else 'active'},2020-01-{n + 1:02}"
        for n in range(readers)
    ]
    again = [f"READER{n}@EXAMPLE.COM,active,2020-02-01" for n in range(0, readers, 4)]
    return "\n".join(["email,status,date", *again[:3], *rows, "nobody,active,", *again[3:]])


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a batch: a short list has many moments to be killed in."""
    monkeypatch.setattr(verdicts.batches, "__defaults__", (3,))


def ready(text: str | None = None) -> ImportRun:
    run = bring(text or a_list())
    check(run)
    importing.attest(run, BASIS)
    return run


def work(run: ImportRun) -> None:
    """What workers do until nothing is left."""
    for _ in range(1000):
        # A killed worker's lease runs out.
        ImportRun.objects.update(leased_until_at=None)
        if not importing.go_on(run.pk):
            break
    run.refresh_from_db()


def test_the_counts_of_the_list_are_as_expected():
    assert carry_out(bring(a_list())) == COUNTS


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("moment", range(13))
def test_killed_before_or_after_any_batch_it_ends_as_if_nothing_had_been(
    monkeypatch: pytest.MonkeyPatch, moment: int, after: bool
):
    run = ready()
    store, calls = importing._store, 0

    def mortal(*args: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == moment + 1 and not after:
            raise Killed
        stored = store(*args)
        if calls == moment + 1:
            raise Killed
        return stored

    with monkeypatch.context() as patch:
        patch.setattr(importing, "_store", mortal)
        with pytest.raises(Killed):
            importing.go_on(run.pk)
    work(run)
    assert_whole(run)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("moment", range(13))
def test_killed_in_the_middle_of_a_batch_nothing_of_it_stays(
    monkeypatch: pytest.MonkeyPatch, moment: int
):
    run = ready()
    steps, calls = list(importing._PASSES), 0

    def mortal(step: Any) -> Any:
        def carry(*args: Any) -> Any:
            nonlocal calls
            done = step(*args)
            calls += 1
            if calls == moment + 1:
                raise Killed
            return done

        return carry

    with monkeypatch.context() as patch:
        patch.setattr(importing, "_PASSES", [(mine, mortal(step)) for mine, step in steps])
        with pytest.raises(Killed):
            importing.go_on(run.pk)
    before = Subscriber.objects.count() + Suppression.objects.count()
    run.refresh_from_db()
    imported = run.counts.get("imported", {})
    assert before == imported.get("NEW", 0) + imported.get("OUT", 0)
    work(run)
    assert_whole(run)


def assert_whole(run: ImportRun) -> None:
    assert run.state == ImportRun.State.DONE
    assert run.counts["imported"] == run.counts["checked"] == COUNTS
    assert Subscriber.objects.active().count() == COUNTS["NEW"]
    assert ConsentEvent.objects.filter(kind="imported").count() == COUNTS["NEW"]
    assert Suppression.objects.count() == COUNTS["OUT"]


@pytest.mark.usefixtures("small_batches")
def test_no_subscriber_is_made_before_the_last_opt_out_is_stored(
    monkeypatch: pytest.MonkeyPatch,
):
    run = ready()
    seen = []
    store = importing._store

    def watched(*args: Any) -> bool:
        stored = store(*args)
        seen.append((Suppression.objects.count(), Subscriber.objects.count()))
        return stored

    monkeypatch.setattr(importing, "_store", watched)
    work(run)
    assert [people for out, people in seen if out < COUNTS["OUT"] and people] == []
    assert seen[-1] == (COUNTS["OUT"], COUNTS["NEW"])


@pytest.mark.usefixtures("small_batches")
def test_in_rounds_of_no_time_it_comes_to_the_same_end():
    run = ready()
    rounds = 0
    while importing.go_on(run.pk, seconds=0.0001) and rounds < 500:
        rounds += 1
    run.refresh_from_db()
    assert rounds > 3
    assert_whole(run)


def test_killed_while_it_is_looked_through_it_is_looked_through_again(
    monkeypatch: pytest.MonkeyPatch,
):
    run = bring(a_list())
    importing.name_columns(run, {"address": 0, "status": 1}, day_first=False)
    with monkeypatch.context() as patch:
        patch.setattr(importing, "judge", lambda *args, **kwargs: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            importing.go_on(run.pk)
    assert not files.report_of(run).exists()
    assert check(run) == COUNTS


def test_what_was_kept_of_the_addresses_is_made_again_if_it_is_lost():
    run = ready()
    files.seen_of(run).unlink()
    work(run)
    assert_whole(run)


def test_a_worker_leaves_alone_what_another_one_has_in_hand():
    run = ready()
    ImportRun.objects.update(leased_until_at=timezone.now() + timedelta(minutes=1))
    assert importing.waiting(timezone.now()) == []
    assert not importing.go_on(run.pk)
    assert not Subscriber.objects.exists()
    assert importing.waiting(timezone.now() + timedelta(minutes=2)) == [run.pk]


def test_a_worker_that_slept_through_its_lease_stores_nothing():
    run = ready()
    stale = ImportRun.objects.get(pk=run.pk)
    work(run)
    before = everything()
    assert not importing._store(stale, importing.sign_on, [], 5)
    assert everything() == before


def test_a_machine_without_the_file_leaves_the_run_to_another():
    run = ready()
    path = files.list_of(run)
    aside = path.rename(path.with_suffix(".aside"))
    assert not importing.go_on(run.pk)
    run.refresh_from_db()
    assert run.state == ImportRun.State.RUNNING
    aside.rename(path)
    work(run)
    assert_whole(run)


def test_the_task_goes_on_with_all_that_waits():
    runs = [bring(a_list(5)), ready()]
    importing.name_columns(runs[0], {"address": 0}, day_first=False)
    tasks.move_lists()
    states = {run.pk: run.state for run in ImportRun.objects.all()}
    assert states == {runs[0].pk: "checked", runs[1].pk: "done"}


def test_attesting_twice_imports_once():
    run = ready()
    assert not importing.attest(run, "again")
    work(run)
    assert not importing.attest(run, "again")
    run.refresh_from_db()
    assert run.attestation == BASIS
    assert_whole(run)


def test_a_list_that_nobody_wanted_is_forgotten_after_a_week(lists_home: Any):
    run, running = bring(a_list()), ready()
    importing.forget_old(timezone.now())
    assert ImportRun.objects.count() == 2
    importing.forget_old(timezone.now() + timedelta(days=8))
    assert list(ImportRun.objects.values_list("pk", flat=True)) == [running.pk]
    assert [path.name for path in lists_home.iterdir()] == [running.path.rsplit("/")[-1]]
    assert not importing.give_up(running)
    assert not files.is_here(run)


def test_a_sign_up_at_this_very_moment_is_already_here(monkeypatch: pytest.MonkeyPatch):
    run = ready("email,status\na@example.com,active\nb@example.com,active\n")
    judge = importing.judge

    def late(*args: Any, **kwargs: Any) -> Any:
        judged = judge(*args, **kwargs)
        Subscriber.objects.get_or_create(email="A@example.com", joined_at=run.made_at)
        return judged

    monkeypatch.setattr(importing, "judge", late)
    work(run)
    assert run.counts["imported"] == {"NEW": 1, "HERE": 1}
    assert Subscriber.objects.count() == 2
    assert ConsentEvent.objects.count() == 1


@pytest.mark.usefixtures("shared_database", "small_batches")
def test_two_imports_at_once_make_each_address_once():
    texts = [a_list(), a_list().replace("reader7@", "other7@")]
    runs = [ready(text) for text in texts]

    def carry(run: ImportRun) -> None:
        importing.go_on(run.pk)

    threads = [threading.Thread(target=in_thread, args=(carry, run)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        work(run)
        assert run.state == ImportRun.State.DONE
    assert Subscriber.objects.count() == COUNTS["NEW"] + 1
    assert ConsentEvent.objects.count() == COUNTS["NEW"] + 1
    assert Suppression.objects.count() == COUNTS["OUT"]
    made = sum(run.counts["imported"]["NEW"] for run in runs)
    assert made == COUNTS["NEW"] + 1


def in_thread(carry: Any, run: ImportRun) -> None:
    try:
        carry(run)
    finally:
        connection.close()


@pytest.mark.usefixtures("shared_database", "small_batches")
def test_two_workers_at_one_run_make_each_address_once():
    run = ready()
    race(*[lambda: importing.go_on(run.pk)] * 2)
    work(run)
    assert_whole(run)
