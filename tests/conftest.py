"""The cast, and what each test starts with.

Ada edits the site. Bea is a confirmed subscriber. Cleo is a stranger without a login. Dara
contributes: she writes, and does not publish. Edna keeps the books: she is the treasurer.
"""

import gc
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from fibrosite.roles import EDITOR, TREASURER
from newsletter.models import Rhythm, Subscriber
from tests.factories import SubscriberFactory
from tests.migrating import without_tables


def pytest_collection_finish() -> None:
    """What is loaded by now stays, so that looking for garbage need not walk it each time."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_attempts_counted() -> None:
    """Rate limits count from zero in each test."""
    cache.clear()


@pytest.fixture(autouse=True)
def _journals_of_its_own(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> None:
    """No test finds the journals of another; the folder is made once one is written."""
    settings.JOURNAL_DIR = str(tmp_path_factory.getbasetemp() / "journals" / uuid4().hex)


@pytest.fixture(autouse=True)
def _ledger_may_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """SQLite has no TRUNCATE, and the ledger refuses DELETE: its guards rest between tests."""
    empties = "transactional_db" in request.fixturenames or _is_transactional(request)
    if empties:
        # Set up before this, so that it is torn down after.
        request.getfixturevalue("transactional_db")
    yield
    if empties and connection.vendor == "sqlite":
        _empty_ledger()


def _is_transactional(request: pytest.FixtureRequest) -> bool:
    mark = request.node.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction"))


def _empty_ledger() -> None:
    guards = "type = 'trigger' AND tbl_name = 'donations_ledgerentry'"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE {guards}")
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("DELETE FROM donations_ledgerentry")
        for _, statement in found:
            cursor.execute(statement)


@pytest.fixture
def no_tables(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """An empty database in place of the newest, for tests of migrations."""
    with django_db_blocker.unblock(), without_tables():
        yield


@pytest.fixture
def ada(db: None) -> User:
    """The editor."""
    user = User.objects.create_user("ada", password="open sesame", is_staff=True)
    user.groups.add(Group.objects.get(name=EDITOR))
    return user


@pytest.fixture
def ada_browses(ada: User) -> Client:
    """A browser in which Ada is logged in."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def edna(db: None) -> User:
    """The treasurer."""
    user = User.objects.create_user("edna", password="open sesame", is_staff=True)
    user.groups.add(Group.objects.get(name=TREASURER))
    return user


@pytest.fixture
def edna_browses(edna: User) -> Client:
    """A browser in which Edna is logged in."""
    client = Client()
    client.force_login(edna)
    return client


@pytest.fixture
def dara_browses(db: None) -> Client:
    """A browser in which Dara is logged in: she may write, not publish, and see studies."""
    dara = User.objects.create_user("dara", is_staff=True)
    parts = ["gistpoint", "reference", "articletext", "pagereference", "pagetext"]
    names = [f"{verb}_{part}" for verb in ("view", "add") for part in parts]
    names += [f"{verb}_{one}" for verb in ("view", "add", "change") for one in ("article", "page")]
    names += ["view_study", "view_notice"]
    dara.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(dara)
    return client


@pytest.fixture
def bea(db: None) -> Subscriber:
    """The confirmed subscriber."""
    return SubscriberFactory.create(email="bea@readers.example")


@pytest.fixture
def cleo() -> Client:
    """A stranger's browser."""
    return Client()


@pytest.fixture
def rhythm(db: None) -> Rhythm:
    """The one row of the rhythm, as the migration left it: due in a week."""
    rhythm, _ = Rhythm.objects.get_or_create(
        single=1, defaults={"next_due_at": timezone.now() + timedelta(weeks=1)}
    )
    return rhythm
