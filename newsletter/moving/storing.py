"""Rows of a list as rows of the database: opt-outs, then subscribers with their consent."""

import uuid
from dataclasses import replace
from datetime import datetime

from articles.models import Tag
from newsletter.choosing import topics_key
from newsletter.models import ConsentEvent, ImportRun, Subscriber, SubscriberTopic, Suppression
from newsletter.models.digests import last_news
from newsletter.moving import own
from newsletter.moving.formats import OWN, OWN_SUPPRESSIONS, Entry, Standing, name_of
from newsletter.moving.verdicts import Judged, Verdict, batches, subscribers_at
from newsletter.suppressing import address_hash, address_hashes, suppress

_REASONS = {
    Standing.LEFT: Suppression.Reason.IMPORTED,
    Standing.BOUNCED: Suppression.Reason.HARD_BOUNCE,
    Standing.COMPLAINED: Suppression.Reason.COMPLAINT,
}


def source_of(run: ImportRun) -> str:
    """Where its rows come from, in 60 characters."""
    return f"{name_of(run.file_format)}: {run.file_name}"[:60]


def opt_out(run: ImportRun, judged: list[Judged], now: datetime) -> list[Judged]:
    """Never mail those who opted out in the file; returns what became of each row.

    For an address without subscriber a keyed hash is all that is kept; our own export brings
    its row back as it was.
    """
    out = [one for one in judged if one.verdict == Verdict.OUT]
    if run.file_format == OWN_SUPPRESSIONS:
        rows = [own.restore_suppression(one.entry.row or {}) for one in out]
        Suppression.objects.bulk_create(rows, ignore_conflicts=True)
        return judged
    known = subscribers_at(one.entry.address.lower() for one in out)
    strangers = [one for one in out if one.entry.address.lower() not in known]
    for one in out:
        if subscriber := known.get(one.entry.address.lower()):
            why = f"{run.file_name}, row {one.entry.number}: {one.entry.why}"
            _take_off(run, subscriber, _REASONS[one.entry.standing], why, now)
    if run.file_format == OWN:
        _restore(run, strangers, now)
    else:
        Suppression.objects.bulk_create(
            (_suppression(run, one.entry, now) for one in strangers), ignore_conflicts=True
        )
    return judged


def _suppression(run: ImportRun, entry: Entry, now: datetime) -> Suppression:
    return Suppression(
        address_hash=address_hash(entry.address),
        reason=_REASONS[entry.standing],
        source=source_of(run),
        since_at=entry.left_at or now,
    )


def _take_off(run: ImportRun, subscriber: Subscriber, reason: str, why: str, now: datetime) -> None:
    suppress(subscriber.email, reason=reason, source=source_of(run), now=now)
    ConsentEvent.objects.create(
        subscriber=subscriber,
        kind=ConsentEvent.Kind.LEFT,
        method=ConsentEvent.Method.IMPORTED,
        form=run.file_format[:20],
        detail=why[:300],
        happened_at=now,
    )


def sign_on(run: ImportRun, judged: list[Judged], now: datetime) -> list[Judged]:
    """Make subscribers of the new ones, each with a ConsentEvent; what became of each row.

    A row whose address signed up at this very moment by itself is already here.
    """
    new = [one for one in judged if one.verdict == Verdict.NEW]
    made = _restore(run, new, now) if run.file_format == OWN else _make(run, new, now)
    return [
        replace(one, verdict=Verdict.HERE)
        if one.verdict == Verdict.NEW and one.entry.number not in made
        else one
        for one in judged
    ]


def _make(run: ImportRun, new: list[Judged], now: datetime) -> set[int]:
    served = last_news()
    rows = {
        one.entry.number: own.Restored(
            Subscriber(
                email=one.entry.address,
                joined_at=one.entry.agreed_at or now,
                source="import",
                served_news=served,
            ),
            one.entry.tags if run.columns.get("with_topics") else (),
            [],
        )
        for one in new
    }
    return _write(run, rows, {one.entry.number: one.entry for one in new}, now)


def _restore(run: ImportRun, judged: list[Judged], now: datetime) -> set[int]:
    """Rows of our own export as they were: state, preferences, topics, history of consent."""
    served = last_news()
    rows = {one.entry.number: own.restore(one.entry.row or {}) for one in judged}
    for one in judged:
        subscriber = rows[one.entry.number].subscriber
        subscriber.served_news = served
        if subscriber.email.lower() != one.entry.address.lower():
            subscriber.email = one.entry.address
    _free_keys([row.subscriber for row in rows.values()])
    _make_tags({name for row in rows.values() for name in row.topics})
    return _write(run, rows, {one.entry.number: one.entry for one in judged}, now)


def _free_keys(subscribers: list[Subscriber]) -> None:
    """A key keeps old links alive; one that another row has gives way."""
    keys = [one.key for one in subscribers]
    taken = set(Subscriber.objects.filter(key__in=keys).values_list("key", flat=True))
    for one in subscribers:
        if one.key in taken:
            one.key = uuid.uuid4()
        taken.add(one.key)


def _make_tags(names: set[str]) -> None:
    """A reader who chose topics that this site lacks would otherwise get all."""
    known = set(Tag.objects.filter(name__in=names).values_list("name", flat=True))
    for name in sorted(names - known):
        Tag.objects.get_or_create(name=name)


def _write(
    run: ImportRun, rows: dict[int, own.Restored], entries: dict[int, Entry], now: datetime
) -> set[int]:
    """Store rows by their number in the file; the numbers of those that were stored."""
    topics = _topics({name for row in rows.values() for name in row.topics})
    for row in rows.values():
        found = [topics[name] for name in row.topics if name in topics]
        row.subscriber.topics_key = topics_key(found)
    Subscriber.objects.bulk_create([row.subscriber for row in rows.values()], ignore_conflicts=True)
    keys = [row.subscriber.key for row in rows.values()]
    made = dict(Subscriber.objects.filter(key__in=keys).values_list("key", "pk"))
    stored = {number: row for number, row in rows.items() if row.subscriber.key in made}
    for number, row in stored.items():
        row.events.append(_imported(run, entries[number], now))
        for event in row.events:
            event.subscriber_id = made[row.subscriber.key]
    ConsentEvent.objects.bulk_create(event for row in stored.values() for event in row.events)
    SubscriberTopic.objects.bulk_create(
        SubscriberTopic(subscriber_id=made[row.subscriber.key], topic_id=topics[name])
        for row in stored.values()
        for name in dict.fromkeys(row.topics)
        if name in topics
    )
    return set(stored)


def _topics(names: set[str]) -> dict[str, int]:
    if not names:
        return {}
    return dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))


def _imported(run: ImportRun, entry: Entry, now: datetime) -> ConsentEvent:
    where = f"{run.file_name[-100:]}, row {entry.number}. "
    return ConsentEvent(
        kind=ConsentEvent.Kind.IMPORTED,
        method=ConsentEvent.Method.IMPORTED,
        form=run.file_format,
        detail=f"{where}{run.attestation}"[:300],
        asked_at=entry.agreed_at,
        happened_at=now,
    )


def take_off_suppressed(run: ImportRun, now: datetime) -> None:
    """Take those off the list whose hash came with a list of suppressions. Safe to repeat."""
    active = Subscriber.objects.active().order_by("pk")
    for batch in batches(active.iterator(chunk_size=1000)):
        by_hash = {one: row for row in batch for one in address_hashes(row.email)}
        for found in Suppression.objects.filter(address_hash__in=by_hash):
            why = f"{run.file_name}: {found.get_reason_display()}"
            _take_off(run, by_hash[found.address_hash], found.reason, why, now)
