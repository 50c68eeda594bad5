"""What becomes of each row of a list, in words that an editor understands."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.db.models.functions import Lower

from newsletter.forms import LONGEST_ADDRESS, check_address, tidy_address
from newsletter.models import ConsentEvent, Subscriber, Suppression
from newsletter.moving import own, seen
from newsletter.moving.formats import OWN_SUPPRESSIONS, Entry, Layout, Row, Standing, reader
from newsletter.moving.reading import lines
from newsletter.moving.seen import Place
from newsletter.suppressing import address_hashes

BATCH = 500
_HASH = re.compile(r"[0-9a-f]{64}")

Thing = TypeVar("Thing")


class Verdict(StrEnum):
    """What importing does with a row."""

    NEW = "new subscriber"
    HERE = "already here, unchanged"
    OUT = "opted out in the file"
    BARRED = "opted out here"
    TWICE = "another row of this address counts"
    UNCONFIRMED = "never confirmed"
    RESTING = "paused or inactive there"
    UNKNOWN = "status not understood"
    BAD = "no usable address"
    UNREADABLE = "row cannot be read"


_NOT_SUBSCRIBED = {
    Standing.UNCONFIRMED: Verdict.UNCONFIRMED,
    Standing.RESTING: Verdict.RESTING,
    Standing.UNKNOWN: Verdict.UNKNOWN,
}


@dataclass(frozen=True)
class Judged:
    """A row, what becomes of it, and why."""

    entry: Entry
    verdict: Verdict
    why: str = ""


def batches(things: Iterable[Thing], size: int = BATCH) -> Iterator[list[Thing]]:
    """Lists of so many, in order."""
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch


def entries(layout: Layout, path: Path, *, after: int = 0) -> Iterator[Entry]:
    """What the rows after row `after` say, with tidy addresses; a bad one has its `problem`.

    Raises UnreadableFileError as `reading.lines` does.
    """
    read = reader(layout)
    tidy = _tidy_hash if layout.kind == OWN_SUPPRESSIONS else _tidy
    for line in lines(layout.sheet, path, after=after):
        yield tidy(read(line))


def _tidy(entry: Entry) -> Entry:
    if entry.problem:
        return entry
    written = entry.address.strip()[: LONGEST_ADDRESS * 2]
    address = tidy_address(written)
    bad = why_bad(address)
    problem = _fails(own.restore, entry)
    return replace(entry, address=written if bad else address, bad=bad, problem=problem)


def _tidy_hash(entry: Entry) -> Entry:
    if entry.problem:
        return entry
    bad = "" if _HASH.fullmatch(entry.address) else "this is no keyed hash of an address"
    return replace(entry, bad=bad, problem=_fails(own.restore_suppression, entry))


def _fails(restore: Callable[[Row], object], entry: Entry) -> str:
    """Why a row of our own export cannot be restored; "" if it can, or is another's."""
    if entry.row is not None:
        try:
            restore(entry.row)
        except ValueError as error:
            return str(error)
    return ""


def why_bad(address: str) -> str:
    """Why no letter can be sent to a tidy address; "" if one can."""
    if not address:
        return "there is no address"
    try:
        check_address(address)
    except ValidationError:
        return _fault(address)
    return ""


def _fault(address: str) -> str:
    local, at, domain = address.rpartition("@")
    faults: list[tuple[bool, str]] = [
        (not at, "it has no @"),
        (len(address) > LONGEST_ADDRESS, f"it is longer than {LONGEST_ADDRESS} characters"),
        (bool(re.search(r"[\s,;]", address)), "it holds a space, comma or semicolon"),
        (not local, "nothing stands before the @"),
        (not local.isascii(), "it has letters before the @ that many mail servers refuse"),
        ("." not in domain.strip("."), "after the @ stands no full domain, such as example.org"),
    ]
    return next((words for is_so, words in faults if is_so), "it is not written as addresses are")


@dataclass(frozen=True)
class Here:
    """What this site knows of some addresses, by address in lower case."""

    subscribers: dict[str, Subscriber]
    suppressed: dict[str, Suppression]
    confirmed: dict[int, datetime]


def known_here(batch: Iterable[Entry], *, by_hash: bool) -> Here:
    """What this site knows of the addresses of a batch, in three queries."""
    addresses = {entry.address.lower() for entry in batch if entry.is_usable}
    if by_hash:
        hashes = {address: address for address in addresses}
        return Here({}, _suppressed(hashes), {})
    subscribers = subscribers_at(addresses)
    out = [
        subscribers[entry.address.lower()].pk
        for entry in batch
        if entry.standing.is_out and entry.left_at and entry.address.lower() in subscribers
    ]
    hashes = {one: address for address in addresses for one in address_hashes(address)}
    return Here(subscribers, _suppressed(hashes), _confirmed(out))


def subscribers_at(addresses: Iterable[str]) -> dict[str, Subscriber]:
    """The subscribers with these lower-case addresses, by address."""
    rows = Subscriber.objects.annotate(lower=Lower("email")).filter(lower__in=addresses)
    return {row.email.lower(): row for row in rows}


def _suppressed(hashes: dict[str, str]) -> dict[str, Suppression]:
    rows = Suppression.objects.filter(address_hash__in=hashes)
    return {hashes[row.address_hash]: row for row in rows}


def _confirmed(subscribers: list[int]) -> dict[int, datetime]:
    """When each last confirmed on this site that they want mail."""
    if not subscribers:
        return {}
    events = ConsentEvent.objects.filter(
        subscriber__in=subscribers, kind=ConsentEvent.Kind.CONFIRMED
    )
    return dict(events.order_by().values_list("subscriber").annotate(Max("happened_at")))


def judge(batch: list[Entry], index: Path, *, by_hash: bool = False) -> list[Judged]:
    """What becomes of each of these rows as things stand now; nothing is stored."""
    places = seen.find(index, (entry.address for entry in batch if entry.is_usable))
    here = known_here(batch, by_hash=by_hash)
    return [_judge(entry, places, here) for entry in batch]


def _judge(entry: Entry, places: dict[str, Place], here: Here) -> Judged:
    if entry.problem:
        return Judged(entry, Verdict.UNREADABLE, entry.problem)
    if entry.bad:
        return Judged(entry, Verdict.BAD, entry.bad)
    place = places[entry.address.lower()]
    if place.row != entry.number:
        out = ", and says that this person opted out" if place.standing.is_out else ""
        return Judged(entry, Verdict.TWICE, f"row {place.row} counts{out}")
    if entry.standing in _NOT_SUBSCRIBED:
        return Judged(entry, _NOT_SUBSCRIBED[entry.standing], entry.why)
    return _judge_out(entry, here) if entry.standing.is_out else _judge_in(entry, here)


def _judge_in(entry: Entry, here: Here) -> Judged:
    """R45: who opted out here stays out, whatever a list says."""
    subscriber = here.subscribers.get(entry.address.lower())
    if subscriber and subscriber.state == Subscriber.State.ACTIVE:
        return Judged(entry, Verdict.HERE, f"since {subscriber.joined_at:%Y-%m-%d}")
    if why := _barred(entry, here):
        return Judged(entry, Verdict.BARRED, why)
    return Judged(entry, Verdict.NEW, entry.why)


def _judge_out(entry: Entry, here: Here) -> Judged:
    if why := _barred(entry, here):
        return Judged(entry, Verdict.BARRED, f"{why}; {entry.why}" if entry.why else why)
    subscriber = here.subscribers.get(entry.address.lower())
    confirmed = here.confirmed.get(subscriber.pk) if subscriber else None
    if entry.left_at and confirmed and confirmed > entry.left_at:
        why = f"left there on {entry.left_at:%Y-%m-%d}, confirmed here on {confirmed:%Y-%m-%d}"
        return Judged(entry, Verdict.HERE, why)
    return Judged(entry, Verdict.OUT, entry.why)


def _barred(entry: Entry, here: Here) -> str:
    address = entry.address.lower()
    if suppression := here.suppressed.get(address):
        return f"{suppression.get_reason_display()}, {suppression.since_at:%Y-%m-%d}"
    subscriber = here.subscribers.get(address)
    if subscriber is None or subscriber.state == Subscriber.State.ACTIVE:
        return ""
    since = f", {subscriber.left_at:%Y-%m-%d}" if subscriber.left_at else ""
    return f"{subscriber.get_state_display()}{since}"
