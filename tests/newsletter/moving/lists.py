"""Lists on their way in, as the tests bring them."""

from collections import Counter
from pathlib import Path

from django.utils import timezone

from newsletter.models import ConsentEvent, ImportRun, Subscriber, Suppression
from newsletter.moving import importing
from newsletter.moving.formats import Entry, detect
from newsletter.moving.reading import look_at
from newsletter.moving.verdicts import entries

DATA = Path(__file__).parents[2] / "data" / "subscribers"
BASIS = "From the old newsletter; all confirmed by mail. Attested by Ada."


def bring(content: bytes | str, name: str = "list.csv") -> ImportRun:
    """A file as it is uploaded."""
    raw = content.encode() if isinstance(content, str) else content
    return importing.begin([raw], name=name, by=None, now=timezone.now())


def bring_file(name: str) -> ImportRun:
    """One of the recorded files."""
    return bring((DATA / name).read_bytes(), name)


def check(run: ImportRun) -> dict[str, int]:
    """The dry run, with the columns as guessed; what would become of the rows."""
    if run.state == ImportRun.State.COLUMNS:
        layout = importing.layout_of(run)
        importing.name_columns(run, dict(layout.columns), day_first=layout.day_first)
    importing.go_on(run.pk)
    run.refresh_from_db()
    return dict(run.counts.get("checked", {}))


def carry_out(run: ImportRun, **attested: bool) -> dict[str, int]:
    """The dry run, the attestation and the import; what became of the rows."""
    check(run)
    assert importing.attest(run, BASIS, **attested)
    while importing.go_on(run.pk):
        pass
    run.refresh_from_db()
    assert run.state == ImportRun.State.DONE, run.reason
    return dict(run.counts["imported"])


def rows_of(path: Path) -> list[Entry]:
    """What the rows of a file say."""
    layout = detect(look_at(path))
    return list(entries(layout, path))


def everything() -> dict[str, object]:
    """All that an import may write, to compare."""
    return {
        "subscribers": sorted(
            Subscriber.objects.values_list("email", "state", "cadence", "joined_at", "left_at")
        ),
        "suppressions": sorted(Suppression.objects.values_list("address_hash", "reason")),
        "consent": Counter(ConsentEvent.objects.values_list("subscriber__email", "kind")),
    }
