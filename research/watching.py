"""Watching studies for corrections, expressions of concern and retractions.

A tick asks the source about one batch of studies; the database says which. Signals only ever add
to what is known: when a source takes a notice back, or is down, the banner stays until an editor
sets the notice aside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q, QuerySet

from research.models import Notice, Study
from research.records import Signal
from research.sources.updates import signals_about

BATCH = 20
# What was answered is asked again after a week, what was not after an hour.
HOLDS = timedelta(weeks=1)
PAUSE = timedelta(hours=1)

# From nothing to the gravest.
_STATUSES = [
    (Notice.Kind.CORRECTION, Study.Status.CORRECTED),
    (Notice.Kind.CONCERN, Study.Status.CONCERN),
    (Notice.Kind.RETRACTION, Study.Status.RETRACTED),
]


@dataclass
class _Said:
    """What the signals about one notice say together, in whatever order they came."""

    publisher: bool = False
    retraction_watch: bool = False
    dated_on: date | None = None

    def hear(self, signal: Signal) -> None:
        self.publisher |= signal.source == "publisher"
        self.retraction_watch |= signal.source == "retraction-watch"
        self.dated_on = _earliest(self.dated_on, signal.dated_on)


def due(*, now: datetime) -> QuerySet[Study]:
    """The studies to ask about at `now`, those first that were never checked."""
    in_time = Q(check_again_at__isnull=True) | Q(check_again_at__lte=now)
    return (
        Study.objects.watchable()
        .filter(in_time)
        .order_by(
            F("checked_at").asc(nulls_first=True), F("check_again_at").asc(nulls_first=True), "pk"
        )
    )


def tick(*, now: datetime) -> int:
    """Ask about the batch that is due; of how many studies the source spoke.

    Two ticks at once ask about different studies. A source that is down, or answers nonsense,
    changes nothing: what was claimed is due again after a pause.
    """
    claimed = [study for study in due(now=now)[:BATCH] if _claim(study, now=now)]
    found = signals_about([study.doi for study in claimed if study.doi])
    answered = [study for study in claimed if study.doi in found]
    for study in answered:
        _keep(study, found[study.doi or ""], now=now)
    return len(answered)


def _claim(study: Study, *, now: datetime) -> bool:
    mine = Study.objects.filter(pk=study.pk, check_again_at=study.check_again_at)
    return bool(mine.update(check_again_at=now + PAUSE))


def _keep(study: Study, signals: list[Signal] | None, *, now: datetime) -> None:
    same = Study.objects.filter(pk=study.pk, doi=study.doi)
    if signals is None:
        # The source does not hold it, so we do not know; it may some day.
        same.update(check_again_at=now + HOLDS)
        return
    with transaction.atomic():
        if same.update(checked_at=now, check_again_at=now + HOLDS):
            take_in(study, signals, now=now)


@transaction.atomic
def take_in(study: Study, signals: Iterable[Signal], *, now: datetime) -> bool:
    """Write down what sources say of a study, as notices and as its status. True if it is new.

    The order in which signals come does not matter, and the same ones again change nothing. A
    signal without a DOI adds nothing where a notice of its kind has one.
    """
    # Two who hear of the same study write one after the other.
    Study.objects.select_for_update().filter(pk=study.pk).first()
    known = {(notice.kind, notice.doi): notice for notice in study.notices.all()}
    said = _by_notice(signals)
    changed = [
        _write(study, known, key, said[key], now=now)
        for key in sorted(said, reverse=True)
        if key[1] or not _has_doi(known, key[0])
    ]
    return settle_status(study) or any(changed)


def _by_notice(signals: Iterable[Signal]) -> dict[tuple[str, str], _Said]:
    said: dict[tuple[str, str], _Said] = {}
    for signal in signals:
        said.setdefault((signal.kind, signal.doi), _Said()).hear(signal)
    return said


def _has_doi(known: dict[tuple[str, str], Notice], kind: str) -> bool:
    return any(key[0] == kind and key[1] for key in known)


def _write(
    study: Study,
    known: dict[tuple[str, str], Notice],
    key: tuple[str, str],
    said: _Said,
    *,
    now: datetime,
) -> bool:
    kind, doi = key
    # One that was known without its DOI has got it now.
    notice = known.get(key) or known.pop((kind, ""), None)
    notice = notice or Notice(study=study, kind=kind, noticed_at=now)
    before = _told(notice) if notice.pk else None
    if notice.doi != doi:
        notice.doi, notice.dated_on = doi, None
        notice.from_publisher = notice.from_retraction_watch = False
    notice.from_publisher |= said.publisher
    notice.from_retraction_watch |= said.retraction_watch
    notice.dated_on = _earliest(notice.dated_on, said.dated_on)
    known[key] = notice
    if _told(notice) == before:
        return False
    notice.save()
    return True


def _told(notice: Notice) -> tuple[str, bool, bool, date | None]:
    return notice.doi, notice.from_publisher, notice.from_retraction_watch, notice.dated_on


def _earliest(*days: date | None) -> date | None:
    return min(filter(None, days), default=None)


def settle_status(study: Study) -> bool:
    """Give the study the status of its gravest standing notice. True if that is another one."""
    kinds = set(study.notices.filter(stands=True).order_by().values_list("kind", flat=True))
    status = next((s for kind, s in reversed(_STATUSES) if kind in kinds), Study.Status.NONE)
    changed = Study.objects.filter(pk=study.pk).exclude(status=status).update(status=status)
    study.status = status
    return bool(changed)


def settle(notices: QuerySet[Notice], editor: AbstractBaseUser, *, now: datetime) -> int:
    """Note that an editor dealt with these notices; how many were open."""
    return notices.filter(settled_at__isnull=True).update(settled_at=now, settled_by=editor)


@transaction.atomic
def set_aside(
    notices: QuerySet[Notice], editor: AbstractBaseUser, *, stands: bool, now: datetime
) -> int:
    """Take these notices from readers, or show them again; how many it changed.

    An editor's word holds: the same signal does not bring a notice back.
    """
    chosen = list(notices.exclude(stands=stands).select_related("study"))
    rows = Notice.objects.filter(pk__in=[notice.pk for notice in chosen])
    rows.update(stands=stands)
    settle(rows, editor, now=now)
    for notice in chosen:
        settle_status(notice.study)
    return len(chosen)
