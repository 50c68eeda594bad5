"""Old shapes of the database, built up from nothing beside the one that other tests use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

NAME = f"before_a_migration_{os.environ.get('PYTEST_XDIST_WORKER', '')}"


def migrate(*targets: tuple[str, str]) -> StateApps:
    """Bring the database to these migrations; the models as they are there."""
    executor = MigrationExecutor(connections["default"])
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


def newest(*apps: str) -> list[tuple[str, str]]:
    """The last migration of each of these apps, or of all."""
    leaves = MigrationExecutor(connections["default"]).loader.graph.leaf_nodes()
    return [leaf for leaf in leaves if leaf[0] in apps or not apps]


@contextmanager
def without_tables() -> Iterator[None]:
    """A database without tables stands in for the tests' own, and is gone afterwards.

    To build one up to an old migration is far quicker than to take the newest back to it.
    """
    ours = connections["default"]
    other = _beside(ours, ":memory:" if ours.vendor == "sqlite" else NAME)
    _create_anew(ours)
    connections["default"] = other
    try:
        yield
    finally:
        connections["default"] = ours
        # SQLite's own refuses to close what is in memory.
        BaseDatabaseWrapper.close(other)
        _drop(ours)


def _beside(ours: BaseDatabaseWrapper, name: str) -> BaseDatabaseWrapper:
    """A connection as ours is, to another database of the same server."""
    other: BaseDatabaseWrapper = ours.copy()
    other.settings_dict["NAME"] = name
    return other


def _create_anew(ours: BaseDatabaseWrapper) -> None:
    # A run that was killed may have left one.
    _drop(ours)
    _ask_server(ours, f"CREATE DATABASE {NAME}")


def _drop(ours: BaseDatabaseWrapper) -> None:
    _ask_server(ours, f"DROP DATABASE IF EXISTS {NAME}")


def _ask_server(ours: BaseDatabaseWrapper, statement: str) -> None:
    """Nothing to ask where a database is made by connecting to it."""
    if ours.vendor == "sqlite":
        return
    server = _beside(ours, "postgres")
    with server.cursor() as cursor:
        cursor.execute(statement)
    server.close()
