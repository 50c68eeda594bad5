"""The health page: for probes, honest, and never from a cache."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from newsletter.models import Rhythm


@pytest.mark.django_db
def test_a_site_whose_scheduler_ticks_is_well(cleo: Client, rhythm: Rhythm):
    Rhythm.objects.update(ticked_at=timezone.now())
    response = cleo.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "scheduler": "ok"}


@pytest.mark.django_db
@pytest.mark.parametrize("ago", [None, timedelta(minutes=6)])
def test_a_silent_scheduler_is_told_and_makes_nobody_sick(
    cleo: Client, rhythm: Rhythm, ago: timedelta | None
):
    Rhythm.objects.update(ticked_at=ago and timezone.now() - ago)
    response = cleo.get("/healthz")
    assert response.status_code == 200
    assert response.json()["scheduler"] == "silent"


def test_without_a_database_the_site_is_down(cleo: Client, monkeypatch: pytest.MonkeyPatch):
    def down(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(Rhythm.objects, "values_list", down)
    response = cleo.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"status": "down", "database": "unreachable"}
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_health_is_kept_by_no_cache_and_changes_nothing(cleo: Client):
    assert "no-store" in cleo.get("/healthz").headers["Cache-Control"]
    assert cleo.head("/healthz").status_code == 200
    assert cleo.post("/healthz").status_code == 405
