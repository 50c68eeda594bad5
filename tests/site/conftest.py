"""The whole site as `make run` starts it, once for the tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from benchmarks.running import RunningSite, running_site


def _servers() -> dict[str, str]:
    """SITE_DATABASE_URL and SITE_BROKER_URL name servers to use in place of plain files."""
    # What the tests themselves run on is not the site's.
    found = {"DATABASE_URL": os.environ.get("SITE_DATABASE_URL", "")}
    if "SITE_BROKER_URL" in os.environ:
        found["BROKER_URL"] = os.environ["SITE_BROKER_URL"]
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A running demo with its own database, broker folder and mailbox."""
    with running_site(tmp_path_factory.mktemp("site"), **_servers()) as started:
        yield started
