"""No digest goes out at night, by the clock on the wall, also when the clocks change."""

from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from newsletter.sending.pacing import quiet_until
from tests.newsletter.sending.clocks import Clock


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-22 21:59+01:00", None),
        ("2026-11-22 22:00+01:00", "2026-11-23 07:00+01:00"),
        ("2026-11-23 00:00+01:00", "2026-11-23 07:00+01:00"),
        ("2026-11-23 06:59+01:00", "2026-11-23 07:00+01:00"),
        ("2026-11-23 07:00+01:00", None),
        # The night in which an hour is left out, and the one in which it comes twice.
        ("2026-03-28 23:00+01:00", "2026-03-29 07:00+02:00"),
        ("2026-03-29 01:59+01:00", "2026-03-29 07:00+02:00"),
        ("2026-10-24 23:00+02:00", "2026-10-25 07:00+01:00"),
        ("2026-10-25 02:30+02:00", "2026-10-25 07:00+01:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25 07:00+01:00"),
    ],
)
def test_quiet_hours_through_the_night(settings: Settings, now: str, until: str | None) -> None:
    settings.TIME_ZONE, settings.MAIL_QUIET_HOURS = "Europe/Berlin", "22-7"
    assert quiet_until(at(now)) == (at(until) if until else None)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        # Two o'clock does not exist: the change itself ends them.
        ("0-2", "2026-03-29 01:30+01:00", "2026-03-29 03:00+02:00"),
        ("0-2", "2026-03-29 03:00+02:00", None),
        ("2-4", "2026-03-29 03:00+02:00", "2026-03-29 04:00+02:00"),
        # Two o'clock comes twice: the first ends them, and they do not begin again.
        ("0-2", "2026-10-25 01:30+02:00", "2026-10-25 02:00+02:00"),
        ("0-2", "2026-10-25 02:30+01:00", None),
        ("2-3", "2026-10-25 02:30+02:00", "2026-10-25 03:00+01:00"),
        ("2-3", "2026-10-25 02:30+01:00", "2026-10-25 03:00+01:00"),
    ],
)
def test_hours_that_the_change_of_clocks_touches(
    settings: Settings, hours: str, now: str, until: str | None
) -> None:
    settings.TIME_ZONE, settings.MAIL_QUIET_HOURS = "Europe/Berlin", hours
    assert quiet_until(at(now)) == (at(until) if until else None)


def test_quiet_hours_in_the_middle_of_the_day(settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS = "12-14"
    assert quiet_until(at("2026-11-22 13:59+00:00")) == at("2026-11-22 14:00+00:00")
    assert quiet_until(at("2026-11-22 14:00+00:00")) is None
    assert quiet_until(at("2026-11-22 11:59+00:00")) is None


def test_without_the_setting_no_hour_is_quiet(settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS = ""
    assert quiet_until(at("2026-11-22 03:00+00:00")) is None


@pytest.mark.django_db
def test_letters_wait_for_the_morning_and_say_so(settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS = "22-7"
    clock = Clock(at("2026-11-22 21:59:50+00:00"))
    pace = clock.pace()
    assert pace.wait("gmail.com") == 0.0
    clock.move(11)
    assert pace.wait("gmail.com") == pytest.approx(9 * 3600 - 1)
    assert pace.reason == "waits until 07:00 (quiet hours)"
    clock.move(9 * 3600)
    assert pace.wait("gmail.com") == 0.0


@pytest.mark.django_db
def test_letters_that_wait_at_night_use_up_nothing(settings: Settings) -> None:
    settings.MAIL_QUIET_HOURS, settings.MAIL_RATE = "22-7", "1"
    clock = Clock(at("2026-11-23 06:59:59+00:00"))
    pace = clock.pace()
    assert pace.wait("gmail.com") == pytest.approx(1)
    clock.move(1)
    assert pace.wait("gmail.com") == 0.0
