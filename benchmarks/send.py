"""A digest to a long list, from release to done. `make bench-send READERS=1000000`.

A PostgreSQL, a Redis and Celery workers of its own; DATABASE=sqlite: the embedded default instead.
Letters go to a counting sink, whose log must hold each reader's letter once, with that reader's
link. DELAY (milliseconds), TEMPORARY, REFUSED, CUT_BEFORE and CUT_AFTER (percent) make it a
worse server. Beside it: django-newsletter with PEER_READERS, and smtp-source as the limit.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import sink
from benchmarks.moving import postgres
from benchmarks.running import ROOT, free_port, wait_for

READERS = int(os.environ.get("READERS", "100000"))
PEER_READERS = int(os.environ.get("PEER_READERS", "5000"))
DATABASE = os.environ.get("DATABASE", "postgresql")
FAULTS = ("DELAY", "TEMPORARY", "REFUSED", "CUT_BEFORE", "CUT_AFTER")
ARTICLES = 12
LIMIT_LETTERS = 100_000
TICKS = os.sysconf("SC_CLK_TCK")


# What the site needs around it


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[int]:
    """A program that runs until the end of the block; its id."""
    with log.open("ab") as file:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=file, stderr=file)
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of a throw-away Redis."""
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    command += ["--appendonly", "no", "--dir", str(folder)]
    with process(command, dict(os.environ), folder / "redis.log"):
        time.sleep(0.3)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def counting_sink(folder: Path, name: str, *options: str) -> Iterator[tuple[int, Path]]:
    """Port and log of a sink with two processes."""
    port, log = free_port(), folder / f"{name}.accepted"
    log.touch()
    command = [sys.executable, "-m", "benchmarks.sink", "--port", str(port), "--processes", "2"]
    command += ["--log", str(log), *options]
    with process(command, dict(os.environ), folder / f"{name}.log"):
        time.sleep(0.3)
        yield port, log


def site_environment(
    folder: Path, mail_port: int, database: str | None, broker: str | None
) -> dict[str, str]:
    """The environment of the site's processes."""
    (folder / "statements").mkdir()
    found = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev",
        "VAR_DIR": str(folder / "var"),
        "LOG_LEVEL": "WARNING",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail_port),
        "STATEMENTS": str(folder / "statements"),
    }
    (folder / "var").mkdir()
    return found | ({"DATABASE_URL": database, "REDIS_URL": broker} if database and broker else {})


def worker_command() -> list[str]:
    """Two at once: processes, or threads in the embedded default."""
    pool = "threads" if DATABASE == "sqlite" else "prefork"
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.counting", "--quiet", "worker"]
    command += ["--pool", pool, "--concurrency", "2", "--loglevel", "WARNING"]
    return [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"]


BEAT = [sys.executable, "-m", "celery", "-A", "fibrosite", "--quiet", "beat", "--pidfile="]


# What the kernel says of the workers


@dataclass(frozen=True)
class Used:
    """CPU seconds and peak memory of the worker's processes so far."""

    cpu_s: float
    peak_mb: int


def used(pid: int) -> Used:
    """By the worker's first process and its children."""
    cpu, peak = 0.0, 0
    for one in [pid, *children(pid)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        # With children that ended and were waited for.
        cpu += sum(int(ticks) for ticks in fields[11:15]) / TICKS
        status = Path(f"/proc/{one}/status").read_text()
        peak = max(peak, int(status.partition("VmHWM:")[2].split()[0]) // 1024)
    return Used(cpu, peak)


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# The readers and their digest


def prepare() -> None:
    """An empty site with ARTICLES research summaries, and READERS readers."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from newsletter.models import Subscriber  # noqa: PLC0415
    from tests.factories import ArticleFactory  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    gist = [f"Forty people rested for a day and then walked, point {n} of it." for n in range(6)]
    for number in range(ARTICLES):
        ArticleFactory.create(title=f"What slow tapping shows, part {number}", gist=gist)
    one = Subscriber.objects.create(email="reader0@many.example", joined_at=timezone.now())
    is_sqlite = connection.vendor == "sqlite"
    own = {
        "key": "lower(hex(randomblob(16)))" if is_sqlite else "gen_random_uuid()",
        "email": "'reader' || n || '@many' || (n %% 1000) || '.example'",
    }
    fields = Subscriber._meta.local_fields
    names = [str(field.column) for field in fields if not field.primary_key]
    series = (
        "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %s) "
        "SELECT n FROM c)"
        if is_sqlite
        else "(SELECT generate_series(1, %s) AS n)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO newsletter_subscriber ({', '.join(names)}) "
            f"SELECT {', '.join(own.get(name, name) for name in names)} "
            f"FROM newsletter_subscriber, {series} AS numbers WHERE newsletter_subscriber.id = %s",
            [READERS - 1, one.pk],
        )
        cursor.execute("ANALYZE")


def freeze() -> tuple[Any, float]:
    """The digest, held, and how long it took to build it."""
    from django.utils import timezone  # noqa: PLC0415

    from newsletter.building import build_digest  # noqa: PLC0415

    began = time.monotonic()
    digest = build_digest(now=timezone.now(), hold=None)
    assert digest
    assert digest.audience == READERS
    return digest, time.monotonic() - began


def release(digest: Any) -> None:
    """As the editor's button does, without waiting for the scheduler."""
    from fibrosite.lib.queueing import enqueue  # noqa: PLC0415
    from newsletter import tasks  # noqa: PLC0415
    from newsletter.models import Digest  # noqa: PLC0415

    Digest.objects.filter(pk=digest.pk).update(state=Digest.State.SENDING)
    enqueue(tasks.keep_sending)


def is_done(digest: Any) -> bool:
    """Whether it is; copies that were put off go at once if nothing else is left."""
    from django.db.models import Q  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from newsletter.models import Batch  # noqa: PLC0415

    digest.refresh_from_db()
    if digest.state == "done":
        return True
    now = timezone.now()
    unfinished = Batch.objects.filter(digest=digest).exclude(state=Batch.State.DONE)
    if not unfinished.filter(~Q(state=Batch.State.WAITING) | Q(due_at__lte=now)).exists():
        digest.deliveries.filter(state="queued").update(not_before_at=now)
        unfinished.update(due_at=now)
    return False


def judge(digest: Any, log: Path) -> tuple[sink.Verdict, dict[str, int]]:
    """What the sink's log says of the copies that count as sent; how many are in each state."""
    from newsletter.tokens import ReaderTokens  # noqa: PLC0415

    tokens = ReaderTokens()
    sent = digest.deliveries.filter(state="sent")
    rows = sent.values_list("subscriber__email", "pk", "subscriber__key").order_by("pk")
    expected = (
        (email, pk, tokens.both(key)[0].decode())
        for email, pk, key in rows.iterator(chunk_size=5000)
    )
    verdict = sink.read(log, expected)
    counts = digest.counts()
    return verdict, {state: number for state, number in counts.items() if number}


# One run, and who stands beside it


def sink_options() -> list[str]:
    """The faults that the environment asks for, as the sink's command line has them."""
    return [
        part
        for name in FAULTS
        if name in os.environ
        for part in (f"--{name.lower().replace('_', '-')}", os.environ[name])
    ]


def measure(folder: Path) -> dict[str, Any]:
    """Build the digest, release it, wait for its end, and read the sink's log."""
    with ExitStack() as stack:
        port, log = stack.enter_context(counting_sink(folder, "sink", *sink_options()))
        database = broker = None
        if DATABASE != "sqlite":
            database = stack.enter_context(postgres(folder))
            broker = stack.enter_context(redis(folder))
        environment = site_environment(folder, port, database, broker)
        os.environ.update(environment)
        import django  # noqa: PLC0415

        django.setup()
        prepare()
        digest, freeze_s = freeze()
        worker = stack.enter_context(process(worker_command(), environment, folder / "worker.log"))
        stack.enter_context(process(BEAT, environment, folder / "beat.log"))
        # Until it has started, and done what it does at its start.
        time.sleep(6)
        before, asked = used(worker), statements(folder)
        began = time.monotonic()
        release(digest)
        limit = 120 + READERS / 200
        wait_for(lambda: is_done(digest), seconds=limit, hint=f"the end; {folder}/worker.log")
        seconds = time.monotonic() - began
        after, asked = used(worker), statements(folder) - asked
        figures = {
            "readers": READERS,
            "seconds": round(seconds, 2),
            "rate": round(READERS / seconds),
            "cpu_us": round((after.cpu_s - before.cpu_s) / READERS * 1e6, 1),
            "rss_mb": after.peak_mb,
            "queries_per_message": round(asked / READERS, 4),
        }
        # The sink writes its last lines when nothing comes for a moment.
        time.sleep(1)
        verdict, counts = judge(digest, log)
        extra = {
            "accepted": verdict.accepted,
            "states": counts,
            "freeze_s": round(freeze_s, 2),
            "rate_with_freeze": round(READERS / (seconds + freeze_s)),
            "letter_bytes": letter_bytes(digest),
        }
    same = {"lost": verdict.lost, "duplicate": verdict.duplicate, "wrong": verdict.wrong}
    if counts != {"sent": READERS}:
        print(f"The worker said:\n{(folder / 'worker.log').read_text()[-2000:]}")
    return figures | same | extra


def statements(folder: Path) -> int:
    """What the workers have sent to the database until now."""
    from benchmarks import counting  # noqa: PLC0415

    return counting.read(folder / "statements")


def letter_bytes(digest: Any) -> int:
    """How large one letter is."""
    from newsletter.letters import digest_letter  # noqa: PLC0415

    row = digest.deliveries.select_related("subscriber", "variant").first()
    return len(digest_letter(digest, row.variant, row, row.subscriber).message().as_bytes())


def peer(folder: Path, size: int) -> float | None:
    """Letters a second of django-newsletter; None if it cannot be had."""
    venv = folder / "peer"
    uv, python = [sys.executable, "-m", "uv"], str(venv / "bin" / "python")
    wanted = ["django-newsletter==1.2.1", "sorl-thumbnail", "setuptools<81"]
    try:
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(venv)], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, *wanted], check=True)
    except subprocess.CalledProcessError as error:
        print(f"The peer cannot be had: {error}")
        return None
    (folder / "of-peer").mkdir()
    with counting_sink(folder, "peer") as (port, log):
        given = [str(port), str(PEER_READERS), str(size), str(folder / "of-peer")]
        done = subprocess.run(
            [python, str(ROOT / "benchmarks" / "peer.py"), *given],
            capture_output=True,
            text=True,
            check=True,
        )
        time.sleep(1)
        figures = json.loads(done.stdout.splitlines()[-1])
        arrived = len(log.read_bytes().splitlines())
    assert arrived == PEER_READERS, f"{arrived} letters of the peer arrived"
    cpu = figures["cpu_s"] / PEER_READERS * 1e6
    rate = PEER_READERS / figures["seconds"]
    print(
        f"django-newsletter   {rate:10,.0f} letters/s   {cpu:8,.0f} us of CPU a letter "
        f"of {figures['letter_bytes']:,} bytes, on SQLite"
    )
    return round(rate, 1)


def limit(folder: Path, size: int) -> float | None:
    """Letters a second of postfix's smtp-source, on kept connections; None if it cannot be had."""
    place = folder / "postfix"
    place.mkdir()
    tool = shutil.which("smtp-source")
    environment = dict(os.environ)
    if tool is None:
        try:
            command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", "postfix"]
            subprocess.run(command, cwd=place, check=True, capture_output=True)
            [package] = place.glob("*.deb")
            subprocess.run(["dpkg", "-x", package, place], check=True)
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            print(f"smtp-source cannot be had: {error}")
            return None
        tool = str(place / "usr/sbin/smtp-source")
        environment["LD_LIBRARY_PATH"] = str(place / "usr/lib/postfix")
    with counting_sink(folder, "limit") as (port, _):
        options = ["-d", "-s", "20", "-m", str(LIMIT_LETTERS), "-l", str(size)]
        options += ["-f", "limit@sender.example", "-t", "limit@readers.example"]
        began = time.monotonic()
        subprocess.run([tool, *options, f"127.0.0.1:{port}"], env=environment, check=True)
        rate = LIMIT_LETTERS / (time.monotonic() - began)
    print(f"smtp-source         {rate:10,.0f} letters/s")
    return round(rate)


def show(figures: dict[str, Any]) -> None:
    """The table."""
    print(f"{READERS:,} readers on {DATABASE}, letters of {figures['letter_bytes']:,} bytes")
    print(f"Frozen in {figures['freeze_s']} s, sent in {figures['seconds']} s")
    for name in ("rate", "rate_with_freeze", "cpu_us", "rss_mb", "queries_per_message"):
        print(f"{name:20}{figures[name]:>12,}")
    print(f"{figures['accepted']:,} accepted by the sink; {figures['states']}")
    for name in ("lost", "duplicate", "wrong"):
        print(f"{name:20}{figures[name]:>12,}")


def main() -> int:
    """Print the table and, as the last line, all figures; 1 if a letter is lost, twice or wrong."""
    with tempfile.TemporaryDirectory(prefix="bench-send") as place:
        folder = Path(place)
        figures = measure(folder)
        show(figures)
        size = figures["letter_bytes"]
        figures["peer_rate"] = peer(folder, size) if PEER_READERS else None
        figures["limit_rate"] = limit(folder, size) if PEER_READERS else None
    print(json.dumps(figures))
    return 1 if figures["lost"] or figures["duplicate"] or figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
