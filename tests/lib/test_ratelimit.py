"""Limits count attempts, window by window, and never stand in the way when they cannot count."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisDown

from fibrosite.lib.ratelimit import seconds_left, seconds_to_wait
from tests.factories import NOON


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def attempt(key: str = "192.0.2.7", scope: str = "login") -> int:
    return seconds_to_wait(scope, key, limit=3, per=600)


def test_attempts_within_the_limit_do_not_wait(clock):
    assert [attempt() for _ in range(3)] == [0, 0, 0]


def test_the_next_attempt_waits_until_the_window_ends(clock):
    for _ in range(3):
        attempt()
    assert attempt() == 600
    clock.shift(timedelta(seconds=450))
    assert attempt() == 150


def test_a_new_window_starts_from_zero(clock):
    for _ in range(9):
        attempt()
    clock.shift(timedelta(seconds=600))
    assert attempt() == 0


def test_another_visitor_and_another_scope_are_counted_apart(clock):
    for _ in range(4):
        attempt()
    assert attempt(key="192.0.2.8") == 0
    assert attempt(scope="sign-up") == 0


def test_the_cache_holds_no_address(clock):
    attempt(key="203.0.113.99")
    assert not [name for name in cache._cache if "203.0.113" in name]


def test_with_the_cache_down_nobody_waits(monkeypatch, caplog):
    def down(*args: object, **kwargs: object) -> None:
        raise RedisDown("connection refused")

    monkeypatch.setattr(cache, "add", down)
    assert [attempt() for _ in range(9)] == [0] * 9
    assert "login is not limited" in caplog.text


def left(key: str = "192.0.2.7") -> int:
    return seconds_left("login", key, limit=3, per=600)


def test_looking_counts_nothing(clock):
    assert [left() for _ in range(9)] == [0] * 9
    assert attempt() == 0


def test_looking_says_what_the_next_attempt_would_wait(clock):
    attempt()
    attempt()
    assert left() == 0
    attempt()
    clock.shift(timedelta(seconds=450))
    assert left() == 150
    assert left("192.0.2.8") == 0
    clock.shift(timedelta(seconds=150))
    assert left() == 0


def test_with_the_cache_down_looking_lets_everybody_in(monkeypatch: pytest.MonkeyPatch):
    def down(*_: object) -> None:
        raise RedisDown

    monkeypatch.setattr(cache, "get", down)
    assert left() == 0
