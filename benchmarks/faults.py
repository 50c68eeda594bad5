"""What else breaks while a digest goes out. `make bench-faults READERS=20000`.

Each fault on a stage of its own; FAULTS="relay_down disk_full" plays some of them. The same, with
fewer readers, are the tests in tests/faults. Ends with an error when a letter is lost, or twice,
or the digest does not end with sums that agree.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.hosts import Hosts, hosts
from benchmarks.stage import Program, Stage, stage

if TYPE_CHECKING:
    from newsletter.models import Digest

READERS = int(os.environ.get("READERS", "20000"))
# So long an undisturbed digest takes, in seconds: long enough to be disturbed in the middle.
LASTS = 3.0 if READERS < 5000 else 6.0
# Waits that a person would not notice, instead of those that are right for mail servers.
HURRY = {"REST": 1.5, "SOON": 1.5, "FIRST_PAUSE": 2.0, "FIRST_REST": 2.0, "TICK": 2}
HURRY |= {"EMAIL_TIMEOUT": 4}

# What a halted worker outlives, and what a backup says of workers that are long gone.
SHORT_LEASE = {"LEASE": 4, "MARGIN": 1}
AS_IN_PRODUCTION = {"HOLD_COPIES": "1"}
# On the digest's page, once copies are unknown.
GIVEN_UP = "may have arrived"
NO_ROOM = "No space left on device"

Seen = dict[str, Any]
Fault = Callable[[], Seen]
FAULTS: dict[str, Fault] = {}


def fault(play: Fault) -> Fault:
    """One of the list, by its name."""
    FAULTS[play.__name__] = play
    return play


def size() -> tuple[int, int]:
    """Rows of a batch and connections of a worker, for so many readers."""
    return (100, 4) if READERS < 5000 else (2000, 20)


def delay() -> float:
    """Milliseconds before each answer, so that the digest takes as long as it should."""
    return round(LASTS * 1000 * 2 * size()[1] / (4 * READERS), 1)


@contextmanager
def site(*, database: str = "postgresql", **more: Any) -> Iterator[Stage]:
    """A stage for READERS with the waits made short."""
    rows, connections = size()
    hurry = HURRY | {"BATCH_ROWS": rows} | more.pop("hurry", {})
    environment = {"MAIL_CONNECTIONS": str(connections)} | more.pop("more", {})
    with stage(READERS, database=database, hurry=hurry, more=environment, **more) as one:
        yield one


@dataclass
class Sending:
    """A digest on its way, and who sends it."""

    site: Stage
    digest: "Digest"
    worker: Program
    scheduler: Program

    def part(self, part: float) -> None:
        """Until the mail server has accepted this part of it."""
        self.site.wait_accepted(round(READERS * part))

    def seen(self, words: str, *, seconds: float = 45) -> str:
        """The digest's page, once the words are on it."""
        self.site.wait(partial(self.shows, words), seconds=seconds, hint=f"“{words}”")
        return self.site.seen(self.digest)

    def shows(self, words: str) -> bool:
        """Whether they stand on the digest's page now."""
        return words in self.site.seen(self.digest)

    def unknown(self) -> int:
        """How many copies are unknown now."""
        return self.site.report(self.digest).states.get("unknown", 0)

    def end(self, **more: Any) -> Seen:
        """What became of it, once it is done."""
        self.site.wait_done(self.digest, seconds=60 + 20 * LASTS)
        report = self.site.report(self.digest)
        told = {"is_right": report.is_right, "page": self.site.seen(self.digest)}
        return asdict(report) | told | more


def begin(one: Stage, **relay: float) -> Sending:
    """Everything runs, and the first letters are out."""
    one.relay.open(**({"delay": delay()} | relay))
    sending = launch(one)
    sending.part(0.2)
    return sending


def launch(one: Stage) -> Sending:
    """A digest is released, and a worker and a scheduler run."""
    one.prepare()
    sending = Sending(one, one.build(), one.worker(), one.scheduler())
    one.release(sending.digest)
    sending.scheduler.start()
    sending.worker.start()
    return sending


# The broker


@fault
def broker_restarted() -> Seen:
    """Redis is killed, is away for two seconds, and comes back empty."""
    with site() as one:
        sending = begin(one)
        one.redis.kill()
        time.sleep(2)
        one.redis.start()
        return sending.end()


@fault
def broker_flushed() -> Seen:
    """All keys of Redis vanish: the queue, and where it was bound."""
    with site() as one:
        sending = begin(one)
        assert one.redis.ask("flushall") == "OK"
        return sending.end()


# The database


@fault
def database_restarted() -> Seen:
    """PostgreSQL stops at once in the middle, and recovers two seconds later."""
    with site() as one:
        sending = begin(one)
        one.postgres.crash()
        time.sleep(2)
        one.postgres.start()
        one.hang_up()
        return sending.end()


# The mail server


@fault
def relay_down() -> Seen:
    """It stops in the middle and comes back three seconds later."""
    with site() as one:
        sending = begin(one)
        one.relay.stop()
        waits = sending.seen("Nothing leaves now:")
        time.sleep(3)
        one.relay.open(delay=delay())
        return sending.end(waits=waits)


@fault
def relay_refusing() -> Seen:
    """It turns every connection away from the start, and opens three seconds later."""
    with site() as one:
        one.relay.open(closed=1)
        sending = launch(one)
        waits = sending.seen("Nothing leaves now:")
        time.sleep(3)
        one.relay.stop()
        one.relay.open(delay=delay())
        return sending.end(waits=waits)


@fault
def relay_slow() -> Seen:
    """It answers each command after a quarter of a second."""
    with site(more={"MAIL_CONNECTIONS": str(max(40, READERS // 50))}) as one:
        one.relay.open(delay=250)
        return launch(one).end()


@fault
def relay_silent() -> Seen:
    """It is halted for longer than a worker waits for an answer."""
    with site() as one:
        sending = begin(one)
        one.relay.send(signal.SIGSTOP)
        time.sleep(HURRY["EMAIL_TIMEOUT"] + 2)
        one.relay.send(signal.SIGCONT)
        return sending.end()


@fault
def relay_cutting() -> Seen:
    """It breaks the connection before it accepts a letter, or after that without a word."""
    with site() as one:
        return begin(one, cut_before=1, cut_after=1).end()


@fault
def relay_closing() -> Seen:
    """It ends each connection after ten letters."""
    with site() as one:
        return begin(one, closes_after=10).end()


@fault
def relay_greylisting() -> Seen:
    """It puts every recipient off at first."""
    with site() as one:
        one.relay.open(delay=delay() / 4, greylists=1)
        sending = launch(one)
        waits = sending.seen("450 4.2.0 Later")
        return sending.end(waits=waits)


# The worker's machine


@fault
def disk_full() -> Seen:
    """The disk of the journals fills up in the middle, and is emptied three seconds later."""
    with site() as one, tiny_disk(one.folder / "disk", rows=size()[0]) as disk:
        one.environment["JOURNAL_DIR"] = str(disk)
        sending = begin(one)
        with kept_full(disk):
            waits = sending.seen(NO_ROOM)
            time.sleep(3)
        return sending.end(waits=waits)


@contextmanager
def tiny_disk(folder: Path, *, rows: int) -> Iterator[Path]:
    """A disk in memory with room for a few journals. Needs root."""
    folder.mkdir()
    room = f"size={10 * (9 * rows + 8192)}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", room, "stage", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def kept_full(disk: Path) -> Iterator[None]:
    """No room on this disk, nor where a journal ended: that must not be room for the next one."""
    filler, over = disk / "filler", threading.Event()
    keeper = threading.Thread(target=lambda: _fill_until(filler, over))
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        filler.unlink()


def _fill_until(path: Path, over: threading.Event) -> None:
    with path.open("ab", buffering=0) as file:
        while not over.wait(0.001):
            with suppress(OSError):
                while not over.is_set():
                    file.write(bytes(4096))


@fault
def worker_halted() -> Seen:
    """One of two workers stands still for longer than its lease, and goes on."""
    with site(hurry=SHORT_LEASE) as one:
        other = one.worker("two")
        sending = begin(one)
        other.start()
        sending.part(0.3)
        sending.worker.send(signal.SIGSTOP)
        sending.seen(GIVEN_UP)
        sending.worker.send(signal.SIGCONT)
        return sending.end()


@fault
def worker_halted_and_killed() -> Seen:
    """One of two workers stands still for longer than its lease, and is killed and started."""
    with site(hurry=SHORT_LEASE) as one:
        other = one.worker("two")
        sending = begin(one)
        other.start()
        sending.part(0.3)
        sending.worker.send(signal.SIGSTOP)
        sending.seen(GIVEN_UP)
        sending.worker.kill()
        return sending.end()


@fault
def children_killed() -> Seen:
    """The kernel kills the processes that send, and leaves the one that started them."""
    with site() as one:
        sending = begin(one)
        for part in (0.3, 0.5, 0.7):
            sending.part(part)
            for child in sending.worker.children():
                os.kill(child, signal.SIGKILL)
        return sending.end()


# Two of something


@fault
def two_schedulers() -> Seen:
    """Two schedulers and two workers meet a digest that is due: it is built and sent once."""
    with site() as one:
        one.relay.open(delay=delay())
        one.prepare()
        from django.utils import timezone  # noqa: PLC0415

        from newsletter.models import Digest, Rhythm  # noqa: PLC0415

        Rhythm.objects.update(next_due_at=timezone.now())
        programs = [one.worker("one"), one.worker("two")]
        programs += [one.scheduler("one"), one.scheduler("two")]
        for program in programs:
            program.start()
        digest = one.wait(Digest.objects.first, seconds=40, hint="the digest that is due")
        sending = Sending(one, digest, programs[0], programs[2])
        return sending.end(digests=Digest.objects.count())


@fault
def restored_backup_sqlite() -> Seen:
    """The file of the database is put back to what it was in the middle of a digest."""
    with site(database="sqlite", more=AS_IN_PRODUCTION, hurry=SHORT_LEASE) as one:
        database, backup = one.var / "fibrosite.sqlite3", one.folder / "backup.sqlite3"

        def keep() -> None:
            with closing(sqlite3.connect(database, timeout=20)) as connection:
                connection.execute("VACUUM INTO ?", [str(backup)])

        def restore() -> None:
            for part in ("", "-wal", "-shm"):
                Path(f"{database}{part}").unlink(missing_ok=True)
            shutil.copy(backup, database)

        return _restored(one, keep, restore)


@fault
def restored_backup_postgresql() -> Seen:
    """The same with pg_dump and pg_restore."""
    with site(more=AS_IN_PRODUCTION, hurry=SHORT_LEASE) as one:
        dump = str(one.folder / "dump")

        def keep() -> None:
            one.postgres.run("pg_dump", "-Fc", "-f", dump, "postgres")

        def restore() -> None:
            one.postgres.run("pg_restore", "--clean", "--if-exists", "-d", "postgres", dump)

        return _restored(one, keep, restore)


def _restored(one: Stage, keep: Callable[[], None], restore: Callable[[], None]) -> Seen:
    """Nothing is sent after it until a person says so, and then the next digest is."""
    sending = begin(one)
    keep()
    _tick()
    sending.end()
    sending.worker.stop()
    sending.scheduler.stop()
    one.hang_up()
    restore()
    accepted = one.relay.count()
    sending.worker.start()
    sending.scheduler.start()
    waits = sending.seen("older than what was sent")
    time.sleep(5)
    held = one.relay.count() - accepted
    return _goes_on(sending, accepted, held=held, waits=waits)


def _tick() -> None:
    """What the scheduler starts three times a minute."""
    from django.utils import timezone  # noqa: PLC0415

    from newsletter import ticking  # noqa: PLC0415

    ticking.work_to_do(now=timezone.now())


def _goes_on(sending: Sending, accepted: int, **more: Any) -> Seen:
    """As the words on the page say: cancel what went out, then send from here."""
    from django.core.management import call_command  # noqa: PLC0415

    from newsletter import steering  # noqa: PLC0415
    from tests.factories import ArticleFactory  # noqa: PLC0415

    one = sending.site
    assert steering.cancel(sending.digest, by="ada")
    call_command("send_from_here", stdout=sys.stderr)
    ArticleFactory.create(title="What came after the backup")
    following = one.build()
    one.release(following)
    one.wait_done(following)
    report = one.report(following, after=accepted)
    return asdict(report) | {"is_right": report.is_right, "page": one.seen(following)} | more


# Three machines


@fault
def host_cut_off() -> Seen:
    """One of three machines loses its network until the others are through, and has it again."""
    three = {"MAIL_SENDERS": "3"}
    with (
        hosts(3) as machines,
        site(host=machines.address, hurry=SHORT_LEASE, more=three) as one,
    ):
        sending = _on_hosts(one, machines)
        sending.part(0.3)
        machines.cut(0)
        waits = sending.seen(GIVEN_UP, seconds=30)
        one.wait_done(sending.digest)
        given_up = sending.unknown()
        machines.join(0)
        open_at_once = 2 * size()[1]
        one.wait(lambda: sending.unknown() <= open_at_once, seconds=60, hint="the host's journals")
        _send_to_the_rest(sending.digest)
        return sending.end(waits=waits, given_up=given_up)


def _on_hosts(one: Stage, machines: Hosts) -> Sending:
    """A digest is released, a worker runs on each machine and the scheduler on this one."""
    one.relay.open(delay=delay())
    one.prepare()
    sending = Sending(one, one.build(), one.worker(), one.scheduler())
    workers = [
        one.worker(name, before=before, VAR_DIR=str(one.copy_of_var(name)))
        for name, before in zip(("host0", "host1", "host2"), machines.prefixes, strict=True)
    ]
    for program in [*workers, sending.scheduler]:
        program.start()
    # So that each takes a batch.
    one.wait(lambda: all(map(_is_ready, workers)), seconds=60, hint="the workers")
    one.release(sending.digest)
    return sending


def _is_ready(worker: Program) -> bool:
    """Whether Celery says that it takes tasks."""
    return b" ready." in worker.log.read_bytes()


def _send_to_the_rest(digest: "Digest") -> None:
    """As the editor's button does: copies that were not begun when the digest ended have failed."""
    from django.utils import timezone  # noqa: PLC0415

    from newsletter import steering  # noqa: PLC0415

    steering.send_to_the_rest(digest, with_unknown=False, now=timezone.now())


# One after the other


def play(name: str) -> Seen:
    """One fault in this process; what was seen."""
    began = time.monotonic()
    found = FAULTS[name]()
    return found | {"seconds": round(time.monotonic() - began, 1)}


def play_apart(name: str) -> Seen:
    """One fault in a process of its own, as each sets up Django for its database."""
    command = [sys.executable, "-m", "benchmarks.faults", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"is_right": False, "error": f"ended with {done.returncode}"}
    seen: Seen = json.loads(done.stdout.splitlines()[-1])
    return seen


def main() -> int:
    """Print a line for each and, as the last line, all figures; 1 if a promise was broken."""
    figures = {}
    for name in os.environ.get("FAULTS", "").split() or FAULTS:
        seen = play_apart(name)
        seen.pop("page", None), seen.pop("waits", None)
        figures[name] = seen
        right = "right" if seen["is_right"] else "WRONG"
        print(f"{name:28}{right:8}{seen.get('seconds', 0):6} s  {seen.get('states')}", flush=True)
    print(json.dumps(figures))
    return 0 if all(seen["is_right"] for seen in figures.values()) else 1


if __name__ == "__main__":
    # Whoever ends this process ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if len(sys.argv) > 1:
        print(json.dumps(play(sys.argv[1])))
        sys.exit(0)
    sys.exit(main())
