"""`kill -9` of the workers while a digest goes out. `make bench-kill READERS=100000 KILLS=100`.

A PostgreSQL, a Redis and a prefork worker of its own; DATABASE=sqlite: the embedded default with
a broker of files and threads. The whole worker dies, children too, and is started again at once.
Ends with an error when a letter is lost or twice, or more are unknown than connections were open.
"""

import json
import os
import random
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.stage import Program, Stage, stage

if TYPE_CHECKING:
    from newsletter.models import Digest

READERS = int(os.environ.get("READERS", "100000"))
KILLS = int(os.environ.get("KILLS", "100"))
DATABASE = os.environ.get("DATABASE", "postgresql")
SEED = int(os.environ.get("SEED", "1"))
# The mail server is slow enough for so many seconds of sending before each kill.
LIVES = (0.2, 2.0)
CONNECTIONS = 40
# This part of the kills is followed by a second one, so many seconds after the start.
AGAIN, START = 0.2, (0.3, 1.5)
# When a mail server has written down all that it accepted from workers that are gone.
WRITTEN = 0.6


@dataclass(frozen=True)
class Kill:
    """What one kill did: copies whose fate nobody knows, and how long nothing was sent.

    Now and then the worker dies again in the midst of its start: `deaths`.
    """

    deaths: int
    connections: int
    unknown: int
    resume_s: float


def unknown(digest: "Digest") -> int:
    """The copies of unknown fate until now."""
    return digest.deliveries.filter(state="unknown").count()


def kill(site: Stage, worker: Program, digest: "Digest", pauses: list[float]) -> Kill | None:
    """Kill the worker, start it again, and wait for its first letter; None if that was the last.

    After each of the pauses it dies once more.
    """
    before, connections = unknown(digest), 0
    for pause in (0.0, *pauses):
        time.sleep(pause)
        connections += site.relay.connections()
        began = time.monotonic()
        worker.kill()
        worker.start()
    time.sleep(WRITTEN)
    accepted = site.relay.count()
    site.wait(
        lambda: site.relay.count() > accepted or site.is_done(digest),
        seconds=60,
        hint="letters after a kill",
    )
    resume_s = time.monotonic() - began
    if site.is_done(digest):
        return None
    site.wait(partial(has_no_orphans, digest), seconds=30, hint="the dead worker's batches")
    return Kill(1 + len(pauses), connections, unknown(digest) - before, round(resume_s, 2))


def has_no_orphans(digest: "Digest") -> bool:
    """Whether journals have settled what the dead worker held: no more is leased than may be."""
    from newsletter.sending import journal  # noqa: PLC0415

    held = set(digest.batches.exclude(owner="").values_list("owner", flat=True))
    return held <= {path.stem for path in journal.folder().glob("*.journal")}


def run(site: Stage) -> dict[str, float]:
    """Send to all readers, kill on the way, and count."""
    rate = READERS / (max(KILLS, 1) * sum(LIVES))
    site.relay.open(delay=round(CONNECTIONS / (4 * rate) * 1000, 1))
    site.prepare()
    digest = site.build()
    worker, chance = site.worker(), random.Random(SEED)
    site.scheduler().start()
    site.release(digest)
    worker.start()
    began = time.monotonic()
    kills: list[Kill] = []
    site.wait_accepted(1)
    while len(kills) < KILLS:
        time.sleep(chance.uniform(*LIVES))
        again = [chance.uniform(*START)] if chance.random() < AGAIN else []
        one = kill(site, worker, digest, again)
        if one is None:
            break
        kills.append(one)
        show(len(kills), one, site)
    site.wait_done(digest, seconds=300 + READERS / rate)
    return sums(site, digest, kills) | {"seconds": round(time.monotonic() - began, 1)}


def show(number: int, one: Kill, site: Stage) -> None:
    """A line for each kill."""
    print(
        f"kill {number} ({one.deaths}): {one.connections} connections, {one.unknown} unknown, "
        f"{one.resume_s} s until the next letter, {site.relay.count():,} accepted",
        flush=True,
    )


def sums(site: Stage, digest: "Digest", kills: list[Kill]) -> dict[str, float]:
    """All figures."""
    report = site.report(digest)
    print(f"at the end: {report}")
    beyond = sum(one.unknown > one.connections for one in kills)
    return {
        "readers": READERS,
        "kills": len(kills),
        "lost": report.lost,
        "duplicate": report.duplicate,
        "wrong": report.wrong,
        "untold": report.untold,
        "unknown": report.states.get("unknown", 0),
        "unknown_max_per_kill": max((one.unknown for one in kills), default=0),
        "kills_with_more_unknown_than_connections": beyond,
        "resume_s": max((one.resume_s for one in kills), default=0.0),
        "resume_median_s": sorted(one.resume_s for one in kills)[len(kills) // 2] if kills else 0.0,
        "is_right": report.is_right,
    }


def main() -> int:
    """Print each kill and, as the last line, all figures; 1 if a promise was broken."""
    with stage(READERS, database=DATABASE) as site:
        figures = run(site)
    print(json.dumps(figures))
    is_right = figures["is_right"] and not figures["kills_with_more_unknown_than_connections"]
    return 0 if is_right and figures["kills"] else 1


if __name__ == "__main__":
    sys.exit(main())
