"""Faults are played in processes of their own, with real servers on loopback."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.running import ROOT

READERS = "600"
# Such a fault takes a quarter of it; a machine that is busy is no fault.
PATIENCE = 120


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Each stage copies the same migrated PostgreSQL, whichever process of this run plays it."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    made = shared / "migrated-postgres"
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            command = [sys.executable, "-m", "benchmarks.migrated", str(made)]
            subprocess.run(command, cwd=ROOT, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGE_POSTGRES", str(made))
        yield


def played(name: str) -> dict[str, Any]:
    """What was seen of a digest to READERS readers while this fault of benchmarks.faults was met.

    Asserts what holds whatever breaks.
    """
    command = [sys.executable, "-m", "benchmarks.faults", name]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"READERS": READERS}, stdout=subprocess.PIPE, text=True
    )
    try:
        said, _ = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        # It ends all that it started.
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        raise
    assert process.returncode == 0
    seen: dict[str, Any] = json.loads(said.splitlines()[-1])
    assert_nothing_lost_or_twice(seen)
    return seen


def assert_nothing_lost_or_twice(seen: dict[str, Any]) -> None:
    """Each reader's letter came once or its fate is known to be unknown, and the sums agree."""
    assert seen["lost"] == seen["duplicate"] == seen["wrong"] == seen["untold"] == 0
    assert seen["state"] == "done"
    assert seen["sums_agree"]
    assert sum(seen["states"].values()) == seen["readers"] == int(READERS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What this machine cannot play is left out, and says why."""
    missing = [one for one in ("redis-server", "redis-cli") if not shutil.which(one)]
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        missing.append("postgresql")
    if missing:
        for item in items:
            if item.get_closest_marker("faults"):
                item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))


as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may mount and make networks")
