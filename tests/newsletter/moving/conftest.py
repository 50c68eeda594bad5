"""A private folder for the lists of each test."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def lists_home(settings: Settings, tmp_path: Path) -> Path:
    """Where the files lie while they are brought in."""
    settings.VAR_DIR = tmp_path
    return tmp_path / "imports"
