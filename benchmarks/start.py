"""How long until the first page, and how much memory the whole site takes. `make bench-start`."""

import json
import tempfile
import time
from pathlib import Path

from benchmarks.running import RunningSite, wait_for

PROCESSES = 6
FIRST_TICK_S = 25


def memory_mb(site: RunningSite) -> tuple[float, float]:
    """Resident and proportional memory of all processes together, in MB."""
    rss = pss = 0
    for pid in site.processes():
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                rss += int(line.split()[1])
            elif line.startswith("Pss:"):
                pss += int(line.split()[1])
    return rss / 1024, pss / 1024


def settle(site: RunningSite) -> None:
    """Wait for worker and scheduler, which start after the first page, and for the first tick."""
    wait_for(lambda: len(site.processes()) >= PROCESSES, seconds=30, hint="all processes")
    time.sleep(FIRST_TICK_S)


def main() -> None:
    """Start the site three times in one new folder: with an empty database, then warm."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first_s", "second_s", "third_s"):
            site = RunningSite(Path(folder))
            figures[name] = round(site.start(), 2)
            settle(site)
            figures["processes"] = len(site.processes())
            rss, pss = memory_mb(site)
            figures["rss_mb"], figures["pss_mb"] = round(rss), round(pss)
            site.stop()
            print(f"{name:10} {figures[name]:6.2f} s   rss {rss:4.0f} MB   pss {pss:4.0f} MB")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
