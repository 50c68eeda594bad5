"""The whole site as `make run` starts it, in a folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], *, seconds: float, hint: str) -> Any:
    """Ask until the answer is true, and return it. Raises TimeoutError with `hint` otherwise."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds:.0f} s for {hint}")


class RunningSite:
    """Web, worker, scheduler and mail server, and what they leave in their folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev",
            "VAR_DIR": str(folder),
            "PORT": str(self.port),
            **environment,
        }
        self.log = folder / "site.log"

    def start(self) -> float:
        """Start everything; the seconds until the first page was served."""
        self.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fibrosite.demo.supervisor"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self.answers, seconds=60, hint=f"the first page; see {self.log}")
        return time.monotonic() - began

    def answers(self) -> bool:
        """Whether the first page is served."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the site ended at once:\n{self.log.read_text()}")
        try:
            with urllib.request.urlopen(self.url + "/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """Stop everything as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def processes(self) -> dict[int, str]:
        """The running processes of this site, by id, with their command lines."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"VAR_DIR={self.folder}".encode() in environment.split(b"\0"):
                found[int(entry.name)] = command
        return found

    def kill_worker(self) -> None:
        """`kill -9` the worker, as the kernel does when memory runs out."""
        for pid, command in self.processes().items():
            if "celery" in command and " worker " in command:
                os.kill(pid, signal.SIGKILL)

    def letters(self) -> list[bytes]:
        """The raw letters that arrived, oldest first."""
        return [path.read_bytes() for path in sorted((self.folder / "mail").glob("*.eml"))]

    def letters_to(self, address: str) -> list[bytes]:
        """Those to one address."""
        envelope = re.compile(rb"^X-Envelope-To: .*" + re.escape(address.encode()), re.MULTILINE)
        return [letter for letter in self.letters() if envelope.search(letter)]

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the site; what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout


@contextmanager
def running_site(folder: Path, **environment: str) -> Iterator[RunningSite]:
    """A started site, stopped at the end whatever happens."""
    site = RunningSite(folder, **environment)
    site.start()
    try:
        yield site
    finally:
        site.stop()
