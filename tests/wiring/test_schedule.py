"""What the scheduler names is there to be run."""

from datetime import timedelta

import pytest
from django.conf import settings

from fibrosite.celery import app
from fibrosite.schedule import SCHEDULE

SILENT_AFTER = timedelta(minutes=5)


@pytest.mark.parametrize("entry", SCHEDULE, ids=str)
def test_a_scheduled_name_is_a_registered_task(entry: str):
    app.loader.import_default_modules()
    assert SCHEDULE[entry]["task"] in app.tasks


def test_the_scheduler_runs_this_schedule_in_utc():
    assert settings.CELERY_BEAT_SCHEDULE is SCHEDULE
    assert settings.CELERY_ENABLE_UTC


def test_the_newsletter_ticks_well_before_it_counts_as_silent():
    [tick] = [e for e in SCHEDULE.values() if e["task"] == "newsletter.tasks.tick"]
    assert tick["schedule"] * 5 <= SILENT_AFTER
