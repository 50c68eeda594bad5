"""A list on its way in: looked through, attested, then imported from where it stopped.

Nothing is mailed. Opt-outs come first: no subscriber is made before all of them are known.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from newsletter.models import ImportRun
from newsletter.moving import files, reporting, seen
from newsletter.moving.formats import OWN_SUPPRESSIONS, Entry, Layout, Standing, detect
from newsletter.moving.reading import UnreadableFileError, look_at
from newsletter.moving.storing import opt_out, sign_on, take_off_suppressed
from newsletter.moving.verdicts import Judged, Verdict, batches, entries, judge

MOST_ROWS = 1_000_000
LEASE = timedelta(minutes=2)
KEEP_UNDONE = timedelta(days=7)
_INDEX_BATCH = 5000

State = ImportRun.State
Step = Callable[[ImportRun, list[Judged], datetime], list[Judged]]
logger = logging.getLogger(__name__)


def begin(chunks: Iterable[bytes], *, name: str, by: User | None, now: datetime) -> ImportRun:
    """Keep a file and say what it is; what it holds is looked through by `go_on`.

    A file of an unknown program waits for its columns first. Raises UnreadableFileError, and
    keeps nothing, if it is no list.
    """
    folder = files.keep(chunks)
    run = ImportRun(made_at=now, made_by=by, file_name=_tidy_name(name), path=str(folder))
    try:
        layout = detect(look_at(files.list_of(run)))
    except UnreadableFileError:
        files.discard(run)
        raise
    run.file_format, run.columns = layout.kind, {"layout": layout.as_json()}
    run.state = State.CHECKING if layout.is_known else State.COLUMNS
    run.save()
    return run


def _tidy_name(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[-200:] or "list.csv"


def layout_of(run: ImportRun) -> Layout:
    """How the run's file is read."""
    return Layout.from_json(run.columns["layout"])


def name_columns(run: ImportRun, columns: dict[str, int], *, day_first: bool) -> None:
    """Say which column of an unknown file is what (see `formats.ROLES`), and have it checked.

    Raises ValueError if none is the address, or one is two things.
    """
    if "address" not in columns:
        raise ValueError("Say which column holds the address.")
    if len(set(columns.values())) < len(columns):
        raise ValueError("One column cannot be two things.")
    layout = layout_of(run)
    named = Layout(layout.sheet, layout.kind, columns, day_first)
    ImportRun.objects.filter(pk=run.pk, state=State.COLUMNS).update(
        columns={"layout": named.as_json()}, state=State.CHECKING
    )
    run.refresh_from_db()


def attest(run: ImportRun, words: str, *, with_topics: bool = False) -> bool:
    """Store who gave consent for a checked list and on what basis, and have it imported.

    `with_topics` says that it covers the topics in its tags (R46). False if the run is not
    waiting for this: somebody else was faster. Raises ValueError without words.
    """
    if not words.strip():
        raise ValueError("Say where these addresses come from, and how their owners agreed.")
    columns = {**run.columns, "with_topics": with_topics}
    started = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED).update(
        state=State.RUNNING, attestation=words.strip(), columns=columns, position=0
    )
    run.refresh_from_db()
    return bool(started)


def give_up(run: ImportRun) -> bool:
    """Forget a list that was not imported, its file included. False if it is being imported."""
    undone = [State.CHECKING, State.COLUMNS, State.CHECKED, State.FAILED]
    with transaction.atomic():
        found = ImportRun.objects.select_for_update().filter(pk=run.pk, state__in=undone).first()
        if found:
            found.delete()
    if found:
        files.discard(found)
    return found is not None


def waiting(now: datetime) -> list[int]:
    """The runs that something is to be done for and that no other worker has in hand."""
    free = Q(leased_until_at=None) | Q(leased_until_at__lte=now)
    runs = ImportRun.objects.filter(free, state__in=[State.CHECKING, State.RUNNING])
    return list(runs.order_by("made_at").values_list("pk", flat=True))


def forget_old(now: datetime) -> None:
    """Delete the files of lists that were looked at a week ago and never imported."""
    old = ImportRun.objects.filter(made_at__lt=now - KEEP_UNDONE)
    for run in old.exclude(state__in=[State.RUNNING, State.DONE]):
        give_up(run)


def go_on(pk: int, *, seconds: float = 60) -> bool:
    """Check or import one run, importing for about so many seconds; whether more is left.

    A second worker at the same run does nothing. Killed at any moment, it goes on from the last
    batch: rows and position are stored together.
    """
    run = _claim(pk)
    if run is None:
        return False
    try:
        if run.state == State.CHECKING:
            _check(run)
            return False
        return _import(run, until=time.monotonic() + seconds)
    except UnreadableFileError as error:
        _fail(run, str(error))
        return False
    except FileNotFoundError:
        # Given up while it was read.
        if ImportRun.objects.filter(pk=pk).exists():
            raise
        return False
    finally:
        held = ImportRun.objects.filter(pk=pk, leased_until_at=run.leased_until_at)
        held.update(leased_until_at=None)


def _claim(pk: int) -> ImportRun | None:
    now = timezone.now()
    free = Q(leased_until_at=None) | Q(leased_until_at__lte=now)
    busy = [State.CHECKING, State.RUNNING]
    run = ImportRun.objects.filter(pk=pk).first()
    if run is None or not files.is_here(run):
        # With several machines, another one may have the folder.
        return None
    mine = ImportRun.objects.filter(free, pk=pk, state__in=busy)
    if not mine.update(leased_until_at=now + LEASE):
        return None
    run.refresh_from_db()
    return run


def _fail(run: ImportRun, reason: str) -> None:
    ImportRun.objects.filter(pk=run.pk).update(
        state=State.FAILED, reason=reason[:300], finished_at=timezone.now()
    )
    files.discard(run)


# The dry run


def _check(run: ImportRun) -> None:
    """Look all rows through, and write down what would become of each; nothing else changes."""
    last = _index(run)
    counts: Counter[str] = Counter()
    with reporting.writing(files.report_of(run)) as report:
        for batch in batches(_entries(run)):
            judged = _judge(run, batch)
            report(judged)
            counts.update(one.verdict.name for one in judged)
            _hold(run)
    # A list that was given up meanwhile is no longer there to be updated.
    ImportRun.objects.filter(pk=run.pk, state=State.CHECKING).update(
        state=State.CHECKED, counts={"last_row": last, "checked": counts}
    )


def _entries(run: ImportRun, *, after: int = 0) -> Iterator[Entry]:
    return entries(layout_of(run), files.list_of(run), after=after)


def _judge(run: ImportRun, batch: list[Entry]) -> list[Judged]:
    by_hash = run.file_format == OWN_SUPPRESSIONS
    return judge(batch, files.seen_of(run), by_hash=by_hash)


def _hold(run: ImportRun) -> None:
    run.leased_until_at = timezone.now() + LEASE
    ImportRun.objects.filter(pk=run.pk).update(leased_until_at=run.leased_until_at)


def _index(run: ImportRun) -> int:
    """Find which row counts for each address; the number of the last row."""
    last = 0

    def usable() -> Iterator[list[tuple[str, int, Standing]]]:
        nonlocal last
        for count, batch in enumerate(batches(_entries(run), _INDEX_BATCH), 1):
            if count * _INDEX_BATCH > MOST_ROWS:
                raise UnreadableFileError(f"This list has over {MOST_ROWS:,} rows. Divide it.")
            last = batch[-1].number
            _hold(run)
            yield [(one.address, one.number, one.standing) for one in batch if one.is_usable]

    seen.write(files.seen_of(run), usable())
    return last


# The import: all opt-outs, then all others


def _import(run: ImportRun, *, until: float) -> bool:
    """Go on with both passes until the time is over; whether more is left for this worker."""
    if not files.seen_of(run).exists():
        _index(run)
    while time.monotonic() < until:
        passes_done, row = divmod(run.position, run.counts["last_row"] + 1)
        if passes_done == len(_PASSES):
            _finish(run)
            return False
        if not _go_through(run, passes_done, after=row, until=until):
            return False
    return True


def _go_through(run: ImportRun, number: int, *, after: int, until: float) -> bool:
    """Carry out one pass from a row on; False if the run is another worker's by now."""
    length = run.counts["last_row"] + 1
    start, (is_mine, step) = length * number, _PASSES[number]
    for batch in batches(filter(is_mine, _entries(run, after=after))):
        if not _store(run, step, batch, start + batch[-1].number):
            return False
        if time.monotonic() >= until:
            return True
    return _store(run, step, [], start + length)


def _opted_out(entry: Entry) -> bool:
    return entry.standing.is_out and entry.is_usable


def _other(entry: Entry) -> bool:
    return not _opted_out(entry)


# Each row belongs to one of the two.
_PASSES: list[tuple[Callable[[Entry], bool], Step]] = [(_opted_out, opt_out), (_other, sign_on)]


def _store(run: ImportRun, step: Step, batch: list[Entry], position: int) -> bool:
    """One batch and the position after it, together or not at all."""
    now = timezone.now()
    with transaction.atomic():
        # One batch at a time, whatever the list: no opt-out of another one slips in between.
        running = ImportRun.objects.select_for_update().filter(state=State.RUNNING)
        at = dict(running.order_by("pk").values_list("pk", "position"))
        if at.get(run.pk) != run.position:
            return False
        done = Counter(one.verdict.name for one in step(run, _judge(run, batch), now))
        done.update(run.counts.get("imported", {}))
        counts = {**run.counts, "imported": done}
        ImportRun.objects.filter(pk=run.pk).update(
            position=position, counts=counts, leased_until_at=now + LEASE
        )
    run.position, run.counts, run.leased_until_at = position, counts, now + LEASE
    return True


def _finish(run: ImportRun) -> None:
    if run.file_format == OWN_SUPPRESSIONS:
        take_off_suppressed(run, timezone.now())
    ImportRun.objects.filter(pk=run.pk, state=State.RUNNING).update(
        state=State.DONE, finished_at=timezone.now()
    )
    run.state = State.DONE
    files.discard(run)
    logger.info("Imported %s: %s", run.file_name, in_words(run.counts["imported"]))


def in_words(counts: dict[str, int]) -> str:
    """Such as "new subscriber: 5, opted out in the file: 2"."""
    found = [f"{one}: {counts[one.name]:,}" for one in Verdict if counts.get(one.name)]
    return ", ".join(found) or "no rows"
