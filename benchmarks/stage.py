"""The site's processes around a folder of their own, each of which can be killed and come back.

For benchmarks and tests of faults: a database, a broker, a counting mail server, workers and
schedulers. One stage in a process: it sets up Django for the database that it starts.
"""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.running import ROOT, wait_for
from fibrosite.demo.processes import end_with_parent

if TYPE_CHECKING:
    from newsletter.models import Digest

LOOPBACK = "127.0.0.1"
CELERY = [sys.executable, "-m", "celery", "-A", "benchmarks.hurried", "--quiet"]

P = TypeVar("P", bound="Program")


class Port:
    """A port that nobody else is given, also while its server is away."""

    def __init__(self, host: str) -> None:
        # Bound and not listening, both with SO_REUSEADDR: the server may bind it, too.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind((host, 0))
        self.number: int = self._holder.getsockname()[1]


class Program:
    """A process and all that it starts, which ends with this one."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: dict[str, str] | None = None,
        user: str | None = None,
        is_supervised: bool = False,
    ) -> None:
        self.command, self.log = list(command), log
        # It is started again when it ends by itself.
        self.is_supervised = is_supervised
        self.environment = environment if environment is not None else dict(os.environ)
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT if self.user is None else "/",
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                start_new_session=True,
                # Safe here: this process has one thread only.
                preexec_fn=partial(end_with_parent, signal.SIGKILL),  # noqa: PLW1509
            )

    def send(self, number: signal.Signals) -> None:
        """A signal to it and to all that it started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """`kill -9`, as the kernel or a container does; returns when it is gone."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def tend(self) -> None:
        """Start it again if it ended, as a supervisor does."""
        if self.is_supervised and self._process and self._process.poll() is not None:
            self.kill()
            self.start()

    def children(self) -> list[int]:
        """The processes that its first one started."""
        pid = self._process.pid if self._process else 0
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask the first process to end, and kill what is left after a while."""
        if self._process is not None:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=15)
            self.kill()


class Postgres(Program):
    """A throw-away PostgreSQL. It does not wait for the disk: programs die here, not machines."""

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        self.bin = max(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: int(found.parts[-2])
        )
        self.host, self._held = host, Port(host)
        self.port = self._held.number
        self.data = folder / "postgres"
        folder.chmod(0o755)
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.getuid() == 0 else None
        made = os.environ.get("STAGE_POSTGRES")
        self._copy(made) if made else self._initialise(user)
        with (self.data / "pg_hba.conf").open("a") as doors:
            doors.write("host all all samenet trust\n")
        options = {"port": self.port, "listen_addresses": host, "fsync": "off"}
        options |= {"unix_socket_directories": str(self.data)}
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        command += [f"--{name}={value}" for name, value in options.items()]
        super().__init__(command, folder / "postgres.log", user=user)

    def _copy(self, made: str) -> None:
        """What benchmarks.migrated left; the files keep their owner."""
        subprocess.run(["cp", "-a", made, str(self.data)], check=True)

    def _initialise(self, user: str | None) -> None:
        self.data.mkdir()
        if user:
            shutil.chown(self.data, pwd.getpwnam(user).pw_name)
        make = [str(self.bin / "initdb"), "-D", str(self.data), "-U", "postgres"]
        make += ["-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd="/", user=user)

    @property
    def url(self) -> str:
        """Its address for the site."""
        return f"postgres://postgres@{self.host}:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        ask = [str(self.bin / "pg_isready"), "-q", "-h", self.host, "-p", str(self.port)]
        wait_for(
            lambda: subprocess.run(ask, check=False).returncode == 0,
            seconds=30,
            hint=f"PostgreSQL; see {self.log}",
        )

    def crash(self) -> None:
        """Stop it as `pg_ctl -m immediate` does: nothing is tidied up."""
        self.stop(signal.SIGQUIT)

    def run(self, program: str, *arguments: str) -> None:
        """One of its own programs, such as pg_dump."""
        place = ["-h", self.host, "-p", str(self.port), "-U", "postgres"]
        subprocess.run([str(self.bin / program), *place, *arguments], check=True)


class Redis(Program):
    """A throw-away Redis that keeps nothing."""

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        self.host, self._held = host, Port(host)
        self.port = self._held.number
        command = ["redis-server", "--bind", host, "--port", str(self.port), "--save", ""]
        command += ["--appendonly", "no", "--protected-mode", "no", "--dir", str(folder)]
        super().__init__(command, folder / "redis.log")

    @property
    def url(self) -> str:
        """Its address for the site."""
        return f"redis://{self.host}:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        wait_for(lambda: self.ask("ping") == "PONG", seconds=10, hint="Redis")

    def ask(self, *words: str) -> str:
        """What it answers to a command; "" if it does not."""
        command = ["redis-cli", "-h", self.host, "-p", str(self.port), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()


class Relay(Program):
    """The counting mail server. Its log outlives it; `options` are those of benchmarks.relay."""

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        self.host, self._held = host, Port(host)
        self.port = self._held.number
        self.accepted = folder / "accepted"
        self.accepted.touch()
        super().__init__([], folder / "relay.log")

    def open(self, **options: float) -> None:
        """Start it with these options, such as `delay=20`, and wait until it listens."""
        self.command = [sys.executable, "-m", "benchmarks.relay", "--host", self.host]
        self.command += ["--port", str(self.port), "--log", str(self.accepted)]
        for name, value in options.items():
            self.command += [f"--{name.replace('_', '-')}", str(value)]
        self.start()
        wait_for(self._listens, seconds=10, hint=f"the mail server; see {self.log}")

    def _listens(self) -> bool:
        return any(state == "0A" for state in self._sockets(1))

    def connections(self) -> int:
        """How many it has with workers at this moment."""
        return sum(state == "01" for state in self._sockets(1))

    def _sockets(self, column: int) -> Iterator[str]:
        """The kernel's states of the sockets with its port as their own."""
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[column].rpartition(":")[2], 16) == self.port:
                yield fields[3]

    def count(self) -> int:
        """How many letters it has accepted, as far as they are written down."""
        return self.accepted.read_bytes().count(b"\n")

    def letters(self, after: int = 0) -> Counter[int]:
        """How often each delivery was accepted, but for the first lines of the log."""
        lines = self.accepted.read_bytes().splitlines()[after:]
        return Counter(int(line.split()[1]) for line in lines)


@dataclass(frozen=True)
class Report:
    """What became of a digest, by its rows and by the mail server's log.

    `lost` were called sent and never arrived, or have no row. `untold` arrived and are called
    neither sent nor unknown. `sums_agree`: batches and rows count the same, and all of them.
    """

    readers: int
    state: str
    states: dict[str, int]
    accepted: int
    lost: int
    duplicate: int
    wrong: int
    untold: int
    sums_agree: bool

    @property
    def is_right(self) -> bool:
        """Whether it is over, nothing lost or twice, and all is known that can be."""
        faults = self.lost or self.duplicate or self.wrong or self.untold
        return self.state == "done" and self.sums_agree and not faults


@dataclass
class Stage:
    """All programs of one site."""

    folder: Path
    readers: int
    database: str = "postgresql"
    host: str = LOOPBACK
    # Waits made shorter, by the names that benchmarks.hurried knows.
    hurry: dict[str, float] = field(default_factory=dict)
    # More of the site's own environment.
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._programs: list[Program] = []
        self.relay = self.own(Relay(self.folder, self.host))
        self.var = self.folder / "var"
        self.var.mkdir()
        others = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in others},
            "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev",
            "VAR_DIR": str(self.var),
            "LOG_LEVEL": "INFO",
            "EMAIL_HOST": self.host,
            "EMAIL_PORT": str(self.relay.port),
            "READERS": str(self.readers),
            "HURRY": json.dumps(self.hurry),
            **self.more,
        }
        if self.database == "postgresql":
            self.postgres = self.own(Postgres(self.folder, self.host))
            self.redis = self.own(Redis(self.folder, self.host))
            self.environment |= {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url}

    def own(self, program: P) -> P:
        """It is killed at the end of the stage."""
        self._programs.append(program)
        return program

    def close(self) -> None:
        """Kill all of it: the last first."""
        for program in reversed(self._programs):
            # A database would leave its shared memory behind.
            program.stop(signal.SIGQUIT) if isinstance(program, Postgres) else program.kill()

    def prepare(self) -> None:
        """Start the servers but for the mail server; an empty site with its articles and readers.

        From here on this process is one of the site's.
        """
        if self.database == "postgresql":
            self.postgres.start()
            self.redis.start()
        os.environ.update(self.environment)
        import django  # noqa: PLC0415

        django.setup()
        from benchmarks import hurried, send  # noqa: PLC0415

        hurried.hurry()
        send.prepare()

    def worker(self, name: str = "one", *, before: Sequence[str] = (), **more: str) -> Program:
        """A worker that is not started yet; `before` stands in front of its command."""
        pool = "prefork" if self.database == "postgresql" else "threads"
        command = [*CELERY, "worker", "--pool", pool, "--concurrency", "2", "--hostname", name]
        command += ["--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        command = [*before, *command, "--without-heartbeat"]
        return self._site_program(command, f"worker-{name}", more)

    def scheduler(self, name: str = "one") -> Program:
        """A scheduler that is not started yet."""
        return self._site_program([*CELERY, "beat", "--pidfile="], f"beat-{name}", {})

    def _site_program(self, command: list[str], name: str, more: dict[str, str]) -> Program:
        environment = self.environment | more
        log = self.folder / f"{name}.log"
        return self.own(Program(command, log, environment=environment, is_supervised=True))

    def hang_up(self) -> None:
        """End this process's own connection to the database."""
        from django.db import connection  # noqa: PLC0415

        connection.close()

    def copy_of_var(self, name: str) -> Path:
        """The site's folder on another machine: it knows the same secret."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copy(self.var / "secret-key", folder)
        return folder

    # The digest

    def build(self) -> "Digest":
        """A digest to all readers that is held."""
        from benchmarks import send  # noqa: PLC0415

        return send.freeze()[0]

    def release(self, digest: "Digest") -> None:
        """As the editor's button does; the scheduler finds it."""
        type(digest).objects.filter(pk=digest.pk).update(state="sending")

    def wait(self, what: Callable[[], Any], *, seconds: float, hint: str) -> Any:
        """Until it is true, and meanwhile be the supervisor of workers and schedulers."""

        def look() -> Any:
            for program in self._programs:
                program.tend()
            return what()

        return wait_for(look, seconds=seconds, hint=f"{hint}; see {self.folder}")

    def wait_accepted(self, number: int, *, seconds: float = 60) -> None:
        """Until the mail server has accepted so many."""
        self.wait(lambda: self.relay.count() >= number, seconds=seconds, hint=f"{number} letters")

    def is_done(self, digest: "Digest") -> bool:
        """Whether all of it is final."""
        digest.refresh_from_db()
        return digest.state == "done"

    def wait_done(self, digest: "Digest", *, seconds: float = 120) -> None:
        """Until all of it is final, and the mail server has written all down."""
        self.wait(partial(self.is_done, digest), seconds=seconds, hint="the end of the digest")
        time.sleep(0.5)

    def report(self, digest: "Digest", *, after: int = 0) -> Report:
        """What became of it; the first lines of the mail server's log belong to another."""
        from benchmarks import send  # noqa: PLC0415

        digest.refresh_from_db()
        states: dict[int, str] = dict(digest.deliveries.values_list("pk", "state"))
        letters = self.relay.letters(after)
        counted = Counter(states.values())
        sent = {pk for pk, state in states.items() if state == "sent"}
        told = {pk for pk, state in states.items() if state in ("sent", "unknown")}
        verdict, counts = send.judge(digest, self.relay.accepted)
        return Report(
            readers=digest.audience,
            state=digest.state,
            states=dict(counted),
            accepted=letters.total(),
            lost=len(sent - letters.keys()) + digest.audience - len(states),
            duplicate=letters.total() - len(letters),
            wrong=verdict.wrong,
            untold=len(letters.keys() - told),
            sums_agree=counts == counted and counted.total() == digest.audience,
        )

    def seen(self, digest: "Digest") -> str:
        """The words on the digest's page in the newsroom."""
        from django.contrib.auth.models import User  # noqa: PLC0415
        from django.test import Client  # noqa: PLC0415
        from django.urls import reverse  # noqa: PLC0415

        editor, _ = User.objects.get_or_create(username="ada", is_staff=True, is_superuser=True)
        browser = Client(SERVER_NAME=LOOPBACK)
        browser.force_login(editor)
        page = browser.get(reverse("admin:newsletter_digest_change", args=[digest.pk]))
        content = page.content.decode().partition('id="content-main"')[2].partition("<h2 id=")[0]
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).split())


@contextmanager
def stage(readers: int, **options: Any) -> Iterator[Stage]:
    """A stage in a folder of its own; nothing of it is left at the end."""
    with TemporaryDirectory(prefix="stage", ignore_cleanup_errors=True) as folder:
        one = Stage(Path(folder), readers, **options)
        try:
            yield one
        finally:
            one.close()
