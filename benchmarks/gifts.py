"""A year-end drive in minutes: webhooks of gifts, shuffled, by 8 clients at once, on PostgreSQL.
`make bench-gifts GIFTS=20000`.

One event in ten is sent twice, one gift in twenty is given back in part, one in a hundred is
disputed. Each client posts to the real webhook view, which stores the event, and acts on it before
it posts the next. Ends with an error when the drive's total is not the generator's to the cent, or
a running total is not the sum of its entries.
"""

import json
import multiprocessing
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.moving import postgres
from benchmarks.running import ROOT

GIFTS = int(os.environ.get("GIFTS", "20000"))
CLIENTS = 8
SECRET = "whsec_of_the_benchmark"
SMALL, LARGE = 100, 100_000
REQUESTS = 40
BATCH = 5000

Event = dict[str, Any]


def begin() -> None:
    """Django, with work done where it is asked for instead of by a worker."""
    import django  # noqa: PLC0415

    django.setup()
    from fibrosite.celery import app  # noqa: PLC0415

    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True


def events_of(keys: list[uuid.UUID], chance: random.Random) -> tuple[list[Event], int]:
    """What Stripe tells of these gifts, each event once, and what is raised by all, in cents."""
    events: list[Event] = []
    raised = 0
    for number, key in enumerate(keys):
        amount = amount_of(number)
        payment = f"pi_{number}"
        events.append(
            _event(
                f"{number}_paid",
                "checkout.session.completed",
                id=f"cs_{number}",
                metadata={"checkout": str(key)},
                client_reference_id=str(key),
                payment_intent=payment,
                payment_status="paid",
                amount_total=amount,
            )
        )
        raised += amount
        told, kept = _later(number, payment, amount, chance)
        events += told
        raised -= amount - kept
    return events, raised


def amount_of(number: int) -> int:
    """What a gift is, in cents."""
    return 500 + number * 7919 % 20_000


def _later(
    number: int, payment: str, amount: int, chance: random.Random
) -> tuple[list[Event], int]:
    """A refund or a dispute, if there is one, and what is left."""
    fate = chance.random()
    thing: dict[str, Any] = {"payment_intent": payment, "charge": f"ch_{number}"}
    if fate < 0.05:
        part = chance.randint(1, amount)
        thing |= {"id": f"re_{number}", "amount": part, "status": "succeeded"}
        return [_event(f"{number}_refund", "refund.created", **thing)], amount - part
    if fate < 0.06:
        outcome = chance.choice(["won", "lost"])
        thing |= {"id": f"dp_{number}", "amount": amount}
        told = [
            _event(f"{number}_{status}", f"charge.dispute.{verb}", **thing, status=status)
            for verb, status in (("created", "needs_response"), ("closed", outcome))
        ]
        return told, amount if outcome == "won" else 0
    return [], amount


def _event(name: str, kind: str, **thing: Any) -> Event:
    return {
        "id": f"evt_{name}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": {"currency": "usd", **thing}},
    }


def start_client(gate: Any) -> None:
    """A client that has imported all it needs, and waits for the others."""
    begin()
    assert post("{}", secret="another") == 400
    gate.wait()


def post_all(bodies: list[str]) -> float:
    """One client: post each event; the CPU it took, in seconds."""
    started = cpu()
    for body in bodies:
        assert post(body) == 200
    return cpu() - started


def post(body: str, *, secret: str = SECRET) -> int:
    """Post one event, signed now; the status of the answer."""
    from fibrosite.demo.checkout.hooks import stripe_signature  # noqa: PLC0415

    raw = body.encode()
    answer = client().post(
        "/webhooks/stripe/",
        raw,
        content_type="application/json",
        headers={"stripe-signature": stripe_signature(raw, secret)},
    )
    return answer.status_code


@cache
def client() -> Any:
    """The one of this process: a new one would load all middleware again with each request."""
    from django.test import Client  # noqa: PLC0415

    return Client(headers={"host": "127.0.0.1"})


def cpu() -> float:
    """The seconds of CPU that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def a_drive(name: str) -> Any:
    """An open drive."""
    from datetime import timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415

    from donations.models import Drive  # noqa: PLC0415

    today = timezone.localdate()
    return Drive.objects.create(
        name=name,
        slug=name.lower().replace(" ", "-"),
        goal_minor=10_000_000,
        starts_on=today - timedelta(days=30),
        ends_on=today + timedelta(days=30),
        story="<p>For a year of articles.</p>",
        how_to_give="<p>By cheque.</p>",
    )


def deliver() -> dict[str, Any]:
    """Post the events of GIFTS gifts, and compare what the ledger says with what they hold."""
    from datetime import timedelta  # noqa: PLC0415

    from django.db import connections  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from donations.ledger import progress  # noqa: PLC0415
    from donations.models import Checkout, PaymentEvent  # noqa: PLC0415
    from donations.providers import acting  # noqa: PLC0415
    from donations.proving import differences  # noqa: PLC0415

    chance = random.Random(1)
    drive = a_drive("Year end")
    rows = [
        Checkout(drive=drive, amount_minor=amount_of(n), currency="USD", provider="stripe")
        for n in range(GIFTS)
    ]
    Checkout.objects.bulk_create(rows, batch_size=BATCH)
    events, expected = events_of([row.key for row in rows], chance)
    again = chance.sample(events, len(events) // 10)
    bodies = [json.dumps(event) for event in chance.sample(events + again, len(events + again))]
    connections.close_all()

    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(CLIENTS + 1)
    with spawn.Pool(CLIENTS, start_client, [gate]) as pool:
        gate.wait()
        began = time.monotonic()
        used = sum(pool.map(post_all, [bodies[n::CLIENTS] for n in range(CLIENTS)], chunksize=1))
        seconds = time.monotonic() - began

    left = PaymentEvent.objects.filter(handled_at=None).count()
    acting.sweep(now=timezone.now() + timedelta(hours=1))
    wrong = list(differences())
    raised = progress(drive).raised_minor
    print(f"{len(bodies)} events, {left} left to the sweep; raised {raised}, expected {expected}")
    for sentence in wrong[:10]:
        print(sentence)
    stuck = PaymentEvent.objects.filter(handled_at=None).count()
    return {
        "gifts": GIFTS,
        "events": len(bodies),
        "seconds": round(seconds, 1),
        "rate": round(len(bodies) / seconds),
        "cpu_us": round(used * 1e6 / len(bodies)),
        "total_ok": raised == expected and not wrong and not stuck,
    }


def fill(drive: Any, gifts: int) -> None:
    """So many gifts at once, with the totals that booking them one by one would have made."""
    from datetime import timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415

    from donations.models import (  # noqa: PLC0415
        Donation,
        DriveDay,
        DriveTotal,
        LedgerEntry,
    )

    now = timezone.now()
    at = [now - timedelta(days=n % 30, seconds=n % 1000) for n in range(gifts)]
    rows = [
        Donation(
            drive=drive, currency="USD", method="card", held_minor=amount_of(n),
            counted_minor=amount_of(n), paid_at=at[n], given_on=timezone.localdate(at[n]),
        )
        for n in range(gifts)
    ]  # fmt: skip
    Donation.objects.bulk_create(rows, batch_size=BATCH)
    entries = (
        LedgerEntry(
            drive=drive, donation=row, kind="settled", amount_minor=row.held_minor,
            drive_minor=row.held_minor, currency="USD", counts=True,
            source_key=f"bench:{drive.pk}:{n}", happened_at=at[n], recorded_at=now,
        )
        for n, row in enumerate(rows)
    )  # fmt: skip
    LedgerEntry.objects.bulk_create(entries, batch_size=BATCH)
    days: dict[Any, int] = {}
    for row in rows:
        days[row.given_on] = days.get(row.given_on, 0) + row.held_minor
    DriveDay.objects.bulk_create(
        DriveDay(drive=drive, day=day, raised_minor=minor) for day, minor in days.items()
    )
    DriveTotal.objects.create(
        drive=drive, raised_minor=sum(days.values()), gifts=gifts, donors=gifts, as_of=now
    )


def page_ms(paths: dict[str, str]) -> dict[str, float]:
    """The time of one request through all middleware, in ms: the median of some, in turns."""
    taken: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(REQUESTS):
        for name, path in paths.items():
            began = time.perf_counter()
            assert client().get(path).status_code == 200
            taken[name].append((time.perf_counter() - began) * 1000)
    return {name: round(statistics.median(all_), 2) for name, all_ in taken.items()}


def pages() -> dict[str, float]:
    """What the page and the JSON of a drive cost with few gifts and with many."""
    from django.db import connection  # noqa: PLC0415

    from donations.proving import differences  # noqa: PLC0415

    paths: dict[str, str] = {}
    for gifts in (SMALL, LARGE):
        drive = a_drive(f"Drive of {gifts}")
        fill(drive, gifts)
        paths[f"page_ms_{gifts}"] = drive.get_absolute_url()
        paths[f"json_ms_{gifts}"] = f"{drive.get_absolute_url()}progress.json"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert list(differences()) == []
    return page_ms(paths)


def main() -> int:
    """Deliver, measure pages, print."""
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as database:
        if database is None:
            print("There is no PostgreSQL on this machine.")
            return 1
        folder = Path(name) / "var"
        folder.mkdir()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev",
            "VAR_DIR": str(folder),
            "DATABASE_URL": database,
            "LOG_LEVEL": "WARNING",
            "STRIPE_API_KEY": "sk_test_benchmark",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        }
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, check=True)
        begin()
        figures = deliver() | pages()
        from django.db import connections  # noqa: PLC0415

        connections.close_all()
    print(json.dumps(figures))
    return 0 if figures["total_ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
