"""The migration that made rows of waiting letters: none of them is lost, none comes twice."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE = ("newsletter", "0006_words_stand_in_variants")
AFTER = ("newsletter", "0007_letters_are_rows")


def migrate(target: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps


@pytest.fixture
def old_apps(transactional_db: None) -> Iterator[Any]:
    """The models as they were; afterwards the newest again."""
    yield migrate(BEFORE)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_waiting_letters_become_rows_and_others_do_not(old_apps: Any) -> None:
    now = timezone.now()
    SignUp = old_apps.get_model("newsletter", "SignUp")
    fields = {"form": "foot", "text_version": "1", "asked_at": now, "letter_due_at": now}
    waits = SignUp.objects.create(email="waits@readers.example", **fields)
    SignUp.objects.create(email="got@readers.example", letter_sent_at=now, **fields)
    SignUp.objects.create(email="done@readers.example", confirmed_at=now, **fields)
    Subscriber = old_apps.get_model("newsletter", "Subscriber")
    Subscriber.objects.create(email="bea@readers.example", joined_at=now)
    sent = {"letter_due_at": now, "letter_sent_at": now - timedelta(days=2)}
    again = Subscriber.objects.create(email="again@readers.example", joined_at=now, **sent)
    Letter = migrate(AFTER).get_model("newsletter", "Letter")
    rows = Letter.objects.order_by("kind").values_list("kind", "email", "key", "due_at")
    assert list(rows) == [
        ("already", "again@readers.example", again.key, now),
        ("confirm", "waits@readers.example", waits.key, now),
    ]


def test_going_back_lets_them_wait_where_they_did(old_apps: Any) -> None:
    now = timezone.now()
    old_apps.get_model("newsletter", "SignUp").objects.create(
        email="waits@readers.example",
        form="foot",
        text_version="1",
        asked_at=now,
        letter_due_at=now,
    )
    migrate(AFTER)
    SignUp = migrate(BEFORE).get_model("newsletter", "SignUp")
    assert SignUp.objects.get().letter_due_at == now
