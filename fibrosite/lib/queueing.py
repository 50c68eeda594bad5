"""Hand work to Celery without ever failing the request that asked for it."""

import logging
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def enqueue(task: Task, *args: Any) -> None:
    """Queue `task` once the current transaction is committed.

    With the broker down this logs and returns: whatever must happen stands in the database,
    and the next tick of the scheduler finds it there.
    """

    def publish() -> None:
        try:
            task.delay(*args)
        except (OperationalError, OSError) as error:
            logger.warning("%s waits for the broker: %s", task.name, error)

    transaction.on_commit(publish)
