"""Authors of earlier versions get the comma that tells a person from a group."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from tests.factories import StudyFactory

migration = import_module("research.migrations.0003_authors_with_commas")


@pytest.mark.parametrize(
    ("stored", "line"),
    [
        ("Gentile E", "Gentile, E"),
        ("van der Berg J-P", "van der Berg, J-P"),
        ("Fluge Ø", "Fluge, Ø"),
        ("RECOVER Consortium", "RECOVER Consortium"),
        ("World Health Organization", "World Health Organization"),
        ("Plato", "Plato"),
        ("et al.", "et al."),
        ("Gentile, Eleonora", "Gentile, Eleonora"),
        ("", ""),
    ],
)
def test_a_person_gets_a_comma_and_all_else_stays(stored: str, line: str):
    assert migration.with_comma(stored) == line


@pytest.mark.django_db
def test_stored_lists_are_put_right_and_a_second_run_changes_nothing():
    study = StudyFactory.create(authors="Gentile E\r\nRECOVER Consortium\net al.")
    for _ in range(2):
        migration.set_commas(apps, SimpleNamespace(connection=connection))
        study.refresh_from_db()
        assert study.authors == "Gentile, E\nRECOVER Consortium\net al."
