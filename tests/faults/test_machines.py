"""Workers die or stand still, disks fill up, networks are cut, there are two of something."""

import pytest

from tests.faults.conftest import as_root, played

pytestmark = pytest.mark.faults

CONNECTIONS = 8


def unknown(seen: dict) -> int:
    return seen["states"].get("unknown", 0)


def test_killed_children_of_a_worker_leave_at_most_one_letter_per_connection_unknown():
    assert unknown(played("children_killed")) <= 3 * CONNECTIONS


@as_root
def test_without_room_for_a_journal_nothing_is_handed_over():
    seen = played("disk_full")
    assert seen["states"] == {"sent": 600}
    assert "No space left on device" in seen["waits"]


def test_a_worker_that_outlived_its_lease_tells_what_it_sent_and_sends_no_more():
    seen = played("worker_halted")
    assert seen["states"] == {"sent": 600}


def test_the_journal_of_a_worker_that_was_given_up_still_counts():
    assert unknown(played("worker_halted_and_killed")) <= CONNECTIONS


def test_two_schedulers_build_and_send_one_digest():
    seen = played("two_schedulers")
    assert seen["digests"] == 1
    assert seen["states"] == {"sent": 600}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_restored_backup_sends_nothing_until_a_person_says_so(database):
    seen = played(f"restored_backup_{database}")
    assert seen["held"] == 0
    assert "older than what was sent from this machine" in seen["waits"]
    assert seen["states"] == {"sent": 600}


@as_root
def test_a_host_that_was_cut_off_settles_its_batch_when_it_is_back():
    seen = played("host_cut_off")
    # Two batches of a hundred, until its journals told that nearly all of them had arrived.
    assert seen["given_up"] >= 100
    assert "may have arrived" in seen["waits"]
    assert unknown(seen) <= CONNECTIONS
    assert unknown(seen) + seen["states"]["sent"] == 600
