"""A migrated PostgreSQL for stages to copy. `python -m benchmarks.migrated FOLDER`.

To migrate takes longer than most faults last. The variable STAGE_POSTGRES tells stages of FOLDER.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.running import ROOT
from benchmarks.stage import Postgres


def make(kept: Path) -> None:
    """Leave there the files of a server that was stopped in good order."""
    with TemporaryDirectory() as name:
        server = Postgres(Path(name))
        server.start()
        try:
            _migrate(server.url, name)
        finally:
            # Its "fast" way to stop, which writes all down.
            server.stop(signal.SIGINT)
        shutil.move(server.data, kept)


def _migrate(url: str, var: str) -> None:
    own = {"DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev", "VAR_DIR": var, "DATABASE_URL": url}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=os.environ | own, check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
