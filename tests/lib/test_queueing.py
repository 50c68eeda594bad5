"""Work is queued after the commit, and a silent broker breaks no page."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

from fibrosite.lib.queueing import enqueue

queued: list[tuple[Any, ...]] = []


@shared_task(name="tests.greet")
def greet(name: str) -> None:
    """A task to queue."""


@pytest.fixture(autouse=True)
def _queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queued.clear()
    monkeypatch.setattr(greet, "delay", lambda *args: queued.append(args))


def broker_fails_with(error: Exception) -> Callable[..., None]:
    def delay(*args: Any) -> None:
        raise error

    return delay


@pytest.mark.django_db(transaction=True)
def test_work_is_queued_once_the_transaction_is_committed():
    with transaction.atomic():
        enqueue(greet, "Bea")
        assert queued == []
    assert queued == [("Bea",)]


@pytest.mark.django_db(transaction=True)
def test_work_of_a_transaction_that_failed_is_not_queued():
    with transaction.atomic():
        enqueue(greet, "Bea")
        transaction.set_rollback(True)
    assert queued == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("refused"), ConnectionError(), TimeoutError()])
def test_with_the_broker_down_the_request_goes_on(monkeypatch, caplog, error: Exception):
    monkeypatch.setattr(greet, "delay", broker_fails_with(error))
    enqueue(greet, "Bea")
    assert "tests.greet waits for the broker" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(greet, "delay", broker_fails_with(TypeError("no such argument")))
    with pytest.raises(TypeError):
        enqueue(greet, "Bea")
