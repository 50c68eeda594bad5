"""Child processes: started, listened to, restarted and stopped. Standard library only."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TextIO

# A child that lived this long starts again after the shortest pause.
STEADY_SECONDS = 60
LONGEST_PAUSE = 30
# A line longer than this is shown in pieces.
LONGEST_LINE = 64 * 1024
# Whatever a demo starts carries this variable, so that a later one can find what is left of it.
MARK = "FIBROSITE_DEMO"
COLOURS = {"web": 32, "worker": 36, "schedule": 33, "mail": 35, "prepare": 34, "payments": 31}
PR_SET_PDEATHSIG = 1


class Terminal:
    """Writes whole lines, each behind the name of who said it."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self.gone = False

    def say(self, text: str, name: str = "") -> None:
        """Show a line. Never fails: a terminal that went away is only noted."""
        prefix = self._prefix(name) if name else ""
        try:
            self.stream.write(f"{prefix}{text}\n")
            self.stream.flush()
        except OSError:
            self.gone = True

    def _prefix(self, name: str) -> str:
        label = f"{name:<8} | "
        return f"\033[{COLOURS.get(name, 0)}m{label}\033[0m" if self.coloured else label


class Child:
    """One program that should run, in a process group of its own.

    The group keeps Ctrl-C in the terminal away from it (its parent decides when it stops), and
    lets what it started itself be stopped with it.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        terminal: Terminal,
        *,
        once: bool = False,
        vital: bool = False,
        orphaned: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Runs `once`, or is started again when it ends; `vital` when all is lost without it.

        `orphaned` is what it gets from the kernel should its parent vanish.
        """
        self.name = name
        self.once = once
        self.vital = vital
        self.orphaned = orphaned
        self.command = command
        self.environment = environment
        self.terminal = terminal
        self.process: subprocess.Popen[bytes] | None = None
        self.exit_code: int | None = None
        self.unfinished = b""
        self.started_at = 0.0
        self.pause = 0.0
        self.deaths: deque[float] = deque(maxlen=5)

    @property
    def running(self) -> bool:
        return self.process is not None

    @property
    def output(self) -> int:
        """The descriptor on which its lines arrive."""
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.exit_code = None
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Safe here: the parent has one thread only, so no lock can be held by another.
            preexec_fn=partial(end_with_parent, self.orphaned),  # noqa: PLW1509
        )
        os.set_blocking(self.output, False)

    def listen(self) -> int | None:
        """Show the lines that have arrived: 0 at the end of all output, None when none wait."""
        try:
            data = os.read(self.output, 64 * 1024)
        except BlockingIOError:
            return None
        *lines, self.unfinished = (self.unfinished + data).split(b"\n")
        if not data or len(self.unfinished) > LONGEST_LINE:
            lines, self.unfinished = [*lines, self.unfinished], b""
        for line in filter(None, lines):
            self.terminal.say(line.decode(errors="replace").rstrip("\r"), self.name)
        return len(data)

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def bury(self) -> None:
        """After its end: show its last words, end what is left of its group."""
        assert self.process is not None
        assert self.process.stdout is not None
        # A granian that is killed leaves its worker, which would keep the port.
        self.signal(signal.SIGKILL)
        while self.listen():
            pass
        self.exit_code = self.process.returncode
        self.process.stdout.close()
        self.process = None

    def next_pause(self, now: float) -> float:
        """How long to wait before the next start: 1, 2, 4 ... 30 s while it keeps dying young."""
        young = now - self.started_at < STEADY_SECONDS
        self.pause = min(self.pause * 2 or 1, LONGEST_PAUSE) if young else 1
        self.deaths.append(now)
        return self.pause

    def hopeless(self, within: float) -> bool:
        """Has it died five times within so many seconds?"""
        deaths = self.deaths
        return len(deaths) == deaths.maxlen and deaths[-1] - deaths[0] <= within

    def signal(self, number: int) -> None:
        """Signal it and whatever it started; no matter if nothing is left of it."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def how_it_ended(self) -> str:
        code = self.exit_code or 0
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"stopped with exit code {code}"


def _linux_prctl() -> Callable[..., int] | None:
    return ctypes.CDLL(None).prctl if sys.platform == "linux" else None


_prctl = _linux_prctl()


def end_with_parent(number: signal.Signals) -> None:
    """Ask the kernel for this signal when the parent of this process dies (Linux only)."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def end_leftovers(mark: str, patience: float = 5) -> None:
    """Kill what an earlier demo with this mark left behind (Linux only).

    Only for who holds the lock: then nothing with the mark belongs to a living demo.
    """
    deadline = time.monotonic() + patience
    while (left := list(marked(mark))) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def marked(mark: str) -> Iterator[int]:
    """The processes that carry this mark (Linux only)."""
    wanted = f"{MARK}={mark}".encode()
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in file.read_bytes().split(b"\0"):
                yield int(file.parent.name)
        except OSError:
            continue  # it is gone, or is another user's
