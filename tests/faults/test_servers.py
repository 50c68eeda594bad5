"""Broker, database or mail server break in the middle of a digest."""

import pytest

from tests.faults.conftest import played

pytestmark = pytest.mark.faults

# Two workers' worth of connections, each with one letter on its way at most.
CONNECTIONS = 8


def unknown(seen: dict) -> int:
    return seen["states"].get("unknown", 0)


def test_a_broker_that_is_started_again_costs_time_alone():
    seen = played("broker_restarted")
    # Celery's worker may give up when its broker is gone, and is started again.
    assert unknown(seen) <= CONNECTIONS


def test_a_flushed_broker_costs_nothing():
    seen = played("broker_flushed")
    assert seen["states"] == {"sent": 600}


def test_a_database_that_crashes_is_told_afterwards_what_was_sent():
    seen = played("database_restarted")
    assert unknown(seen) <= CONNECTIONS


def test_a_mail_server_that_stops_leaves_at_most_one_letter_per_connection_unknown():
    seen = played("relay_down")
    assert unknown(seen) <= CONNECTIONS
    assert "Nothing leaves now: no way to the mail server" in seen["waits"]
    if unknown(seen):
        assert f"{unknown(seen)} unknown" in seen["page"]
        assert "Send to the rest" in seen["page"]


def test_a_mail_server_that_turns_everybody_away_is_waited_for():
    seen = played("relay_refusing")
    assert seen["states"] == {"sent": 600}
    assert "Closed for today" in seen["waits"]


def test_a_slow_mail_server_gets_all_letters():
    assert played("relay_slow")["states"] == {"sent": 600}


def test_a_mail_server_that_falls_silent_leaves_only_what_it_held_unknown():
    assert unknown(played("relay_silent")) <= 2 * CONNECTIONS


def test_what_was_cut_off_is_held_for_a_person():
    seen = played("relay_cutting")
    # The server breaks off 2 % of the letters, half of them after it accepted them.
    assert 0 < unknown(seen) <= 600 * 0.05
    assert seen["accepted"] > seen["states"]["sent"]
    assert f"{unknown(seen)} unknown" in seen["page"]


def test_a_mail_server_that_ends_connections_gets_all_letters():
    assert played("relay_closing")["states"] == {"sent": 600}


def test_greylisted_letters_go_later():
    seen = played("relay_greylisting")
    assert seen["states"] == {"sent": 600}
    assert "refused for now, “450 4.2.0 Later”" in seen["waits"]
