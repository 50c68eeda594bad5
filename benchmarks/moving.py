"""A long list on its way in and out again. `make bench-moving ROWS=200000`.

On SQLite, and on a PostgreSQL of its own if one is installed. Ends with an error when the counts
are not those of the list, or the second export differs from the first.
"""

import hashlib
import json
import os
import pwd
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.running import ROOT, free_port

ROWS = int(os.environ.get("ROWS", "200000"))
# Of ten rows: seven subscribed, one left, one never confirmed, one that comes twice.
STATUSES = ["active"] * 7 + ["cancelled", "inactive", "active"]


def write_list(path: Path, rows: int) -> dict[str, int]:
    """A list as Kit writes it, and what must become of its rows."""
    counts = {"NEW": 0, "OUT": 0, "UNCONFIRMED": 0, "TWICE": 0}
    of = {"active": "NEW", "cancelled": "OUT", "inactive": "UNCONFIRMED"}
    with path.open("w", encoding="utf-8") as file:
        file.write("first_name,email,created_at,status\n")
        for number in range(rows):
            kind = number % 10
            reader = number - 9 if kind == 9 else number
            email = f"reader{reader}@long-{reader % 977}.example"
            email = email.upper() if kind == 9 else email
            status = STATUSES[kind]
            counts["TWICE" if kind == 9 else of[status]] += 1
            file.write(f"Zoë,{email},2022-09-10T11:12:13Z,{status}\n")
    return counts


@contextmanager
def postgres(folder: Path) -> Iterator[str | None]:
    """The address of a throw-away PostgreSQL; None if there is no such program."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin: int(bin.parts[-2]))
    if not found:
        yield None
        return
    data, port = folder / "postgres", free_port()
    data.mkdir()
    folder.chmod(0o755)
    # PostgreSQL refuses to run as root.
    user = {"user": "postgres"} if os.getuid() == 0 else {}
    if user:
        shutil.chown(data, pwd.getpwnam("postgres").pw_name)

    def run(program: str, *arguments: str) -> None:
        command = [str(found[-1] / program), *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=data,
            **user,  # type: ignore[call-overload]
        )

    run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
    run("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def measure(path: Path, folder: Path, database: str | None) -> dict[str, Any]:
    """All steps in a process of their own, so that its memory is its own."""
    folder.mkdir()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "fibrosite.settings.dev",
        "VAR_DIR": str(folder),
        "LOG_LEVEL": "WARNING",
        **({"DATABASE_URL": database} if database else {}),
    }
    migrate = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "-m", "benchmarks.moving", str(path)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def peak_mb() -> int:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def cpu_s() -> float:
    """The seconds of CPU that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round(used.ru_utime + used.ru_stime, 1)


def child(path: Path) -> None:
    """Check, import, export, check again; prints the figures."""
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415

    # Otherwise each query is kept.
    settings.DEBUG = False
    from newsletter.moving import importing  # noqa: PLC0415

    figures: dict[str, Any] = {"start_mb": peak_mb()}
    began = time.monotonic()
    run = bring(path)
    importing.go_on(run.pk)
    run.refresh_from_db()
    figures |= {"check_s": round(time.monotonic() - began, 1), "check_mb": peak_mb()}
    began = time.monotonic()
    importing.attest(run, "A measurement.")
    while importing.go_on(run.pk):
        pass
    run.refresh_from_db()
    figures |= {"import_s": round(time.monotonic() - began, 1), "import_mb": peak_mb()}
    figures["counts"] = run.counts["imported"]
    began = time.monotonic()
    figures["bytes"], figures["sum"] = export(path.with_name("out.csv"))
    figures |= {"export_s": round(time.monotonic() - began, 1), "peak_mb": peak_mb()}
    figures["cpu_s"] = cpu_s()
    print(json.dumps(figures))


def bring(path: Path) -> Any:
    """The file as an upload brings it."""
    from django.utils import timezone  # noqa: PLC0415

    from newsletter.moving import importing  # noqa: PLC0415

    with path.open("rb") as file:
        chunks = iter(lambda: file.read(1 << 16), b"")
        return importing.begin(chunks, name=path.name, by=None, now=timezone.now())


def export(path: Path) -> tuple[int, str]:
    """Write all subscribers; the length of the file and its digest."""
    from newsletter.moving import exporting  # noqa: PLC0415

    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(exporting.subscribers())
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()[:16]


def main() -> int:
    """Measure both databases, and bring the export of one into an empty site of the same kind."""
    results: dict[str, Any] = {"rows": ROWS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = folder / "list.csv"
        expected = write_list(path, ROWS)
        with postgres(folder) as address:
            for name, database in (("sqlite", None), ("postgresql", address)):
                if name == "postgresql" and database is None:
                    print("PostgreSQL is not installed here.")
                    continue
                results[name] = measure(path, folder / name, database)
                show(name, results[name])
            back = measure(folder / "out.csv", folder / "back", None)
        show("sqlite, our own export", back)
    names = [name for name in ("sqlite", "postgresql") if name in results]
    right = all(results[name]["counts"] == expected for name in names)
    same = back["sum"] == results[names[-1]]["sum"]
    results |= {"own": back, "counts_as_expected": right, "round_trip_equal": same}
    print(json.dumps(results))
    return 0 if right and same else 1


def show(name: str, figures: dict[str, Any]) -> None:
    """One line of the table."""
    steps = ""
    for step in ("check", "import", "export"):
        seconds = max(figures[f"{step}_s"], 0.1)
        steps += f"{step} {seconds:6.1f} s ({ROWS / seconds:,.0f} rows/s)  "
    print(f"{name:24}{steps}memory {figures['start_mb']} -> {figures['peak_mb']} MB", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child(Path(sys.argv[1]))
        sys.exit(0)
    sys.exit(main())
