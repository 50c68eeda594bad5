"""`kill -9` of the worker in the middle of a digest. `make bench-kill READERS=5000 KILLS=1`.

Ends with an error when a reader got the digest twice, or the ledger does not add up.
"""

import functools
import json
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.running import RunningSite, running_site, wait_for

READERS = int(os.environ.get("READERS", "5000"))
KILLS = int(os.environ.get("KILLS", "1"))
TO = re.compile(rb"^X-Envelope-To: (\S+)", re.MULTILINE)

# Run inside the site by `manage.py shell`; the first digest of the demo must be over by then.
PREPARE = """
from datetime import timedelta
from django.utils import timezone
from articles.models import Article
from articles.publishing import publish
from newsletter.building import build_digest
from newsletter.models import Digest, Subscriber
now = timezone.now()
Subscriber.objects.bulk_create(
    [Subscriber(email=f"reader{{n}}@kill.example", joined_at=now) for n in range({readers})],
    batch_size=1000,
)
publish(Article.objects.filter(state="draft").first(), now=now)
digest = build_digest(now=timezone.now())
print("digest", digest.pk, digest.audience)
"""
COUNTS = "SELECT state, count(*) FROM newsletter_delivery WHERE digest_id = ? GROUP BY state"


def counts(site: RunningSite, digest: int) -> Counter[str]:
    """The deliveries of the digest by state, read from the site's own database."""
    with sqlite3.connect(site.folder / "fibrosite.sqlite3", timeout=20) as connection:
        return Counter(dict(connection.execute(COUNTS, [digest])))


def has_sent(site: RunningSite, digest: int, part: int) -> bool:
    """Whether so many copies have gone out."""
    return counts(site, digest)["sent"] >= part


def is_over(site: RunningSite, digest: int) -> bool:
    """Whether the digest is done."""
    with sqlite3.connect(site.folder / "fibrosite.sqlite3", timeout=20) as connection:
        found = connection.execute("SELECT state FROM newsletter_digest WHERE id = ?", [digest])
        return bool(found.fetchone() == ("done",))


def kill_in_the_middle(site: RunningSite, digest: int, audience: int) -> None:
    """Kill the worker each time another equal part of the digest has gone out."""
    for kill in range(1, KILLS + 1):
        part = audience * kill // (KILLS + 1)
        reached = functools.partial(has_sent, site, digest, part)
        wait_for(reached, seconds=600, hint=f"{part} sent")
        site.kill_worker()
        print(f"kill {kill}: {dict(counts(site, digest))}")


def main() -> int:
    """Send to READERS, kill KILLS times, wait for the end, count."""
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder)) as site:
        wait_for(lambda: is_over(site, 1), seconds=90, hint="the demo's first digest")
        before = len(site.letters())
        words = site.manage("shell", "-v0", "-c", PREPARE.format(readers=READERS)).split()
        digest, audience = int(words[-2]), int(words[-1])
        began = time.monotonic()
        kill_in_the_middle(site, digest, audience)
        wait_for(lambda: is_over(site, digest), seconds=900, hint="the end of the digest")
        seconds = time.monotonic() - began
        final = counts(site, digest)
        arrived = Counter(
            match[1] for letter in site.letters()[before:] if (match := TO.search(letter))
        )
    duplicate = sum(count - 1 for count in arrived.values())
    lost = audience - len(arrived) - final["unknown"] - final["failed"] - final["skipped"]
    print(f"at the end: {dict(final)}, {len(arrived)} readers have it, {seconds:.0f} s")
    figures = {
        "readers": audience, "kills": KILLS, "seconds": round(seconds, 1), **final,
        "arrived": len(arrived), "lost": max(0, lost), "duplicate": duplicate,
    }  # fmt: skip
    print(json.dumps(figures))
    adds_up = sum(final.values()) == audience and final["sent"] <= len(arrived)
    return 0 if duplicate == 0 and lost <= 0 and adds_up else 1


if __name__ == "__main__":
    sys.exit(main())
