"""What a worker holds of one batch: the copies still to go, and what became of the others."""

import logging
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import Error
from django.utils import timezone

from articles.models import Article
from newsletter.models import Batch, Correction, Delivery, Digest, Subscriber, Variant
from newsletter.outcomes import Outcome
from newsletter.sending import journal
from newsletter.sending.batches import LEASE, renew
from newsletter.sending.pacing import Pace, quiet_until

logger = logging.getLogger(__name__)

# No task sends for longer than this; what is in flight at its end is waited for.
ROUND_SECONDS = 10
# How old what is known of readers and of the editor's wishes may get.
LOOK_UP = 1.0
# Rather than wait longer than this, the worker leaves the rest to a later task.
PATIENCE = 2.0
# The lease's last part is kept for what is in flight.
MARGIN = timedelta(seconds=45)
GONE = "left or paused before it was sent"
# What a worker that died may have handed over; a journal, or a report, may yet tell.
LOST = "the worker stopped while handing it over; it may have arrived"
WITHDRAWN = "an article in it was withdrawn"

State = Delivery.State


@dataclass(slots=True)
class Copy:
    """One reader's copy, as the worker holds it. `place` is its byte in the journal."""

    pk: int
    place: int
    variant: int
    email: str
    key: uuid.UUID
    corrections: tuple[int, ...]
    attempts: int
    provider_id: str = ""

    @property
    def domain(self) -> str:
        """Where it goes to."""
        return self.email.rpartition("@")[2].lower()


class Carrier(Protocol):
    """A way to the mail server."""

    def carry(self, load: "Load") -> None:
        """Hand over what the load gives, until it is over and nothing is in flight.

        Never raises for what a server does.
        """


class _Variants(dict[int, Variant]):
    """The variants of a batch, read when they are met; only the latest are kept."""

    KEPT = 64

    def __init__(self, wanted: list[int]) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, pk: int) -> Variant:
        place = self._wanted.index(pk)
        self.clear()
        for variant in Variant.objects.filter(pk__in=self._wanted[place : place + self.KEPT]):
            self[variant.pk] = variant
        if pk not in self:
            raise KeyError(pk)
        return self[pk]


class Load:
    """One leased batch in a worker's hands. Every carrier works on this, and on nothing else.

    Once a second it renews the lease, asks whether the digest may go on, and reads its copies
    anew: who left or rests since, or changed the address, is known before the next hand-over.
    """

    def __init__(self, batch: Batch, notes: journal.Journal, pace: Pace) -> None:
        self.batch = batch
        self.digest: Digest = batch.digest
        self.notes = notes
        self.pace = pace
        self.outcomes: dict[int, tuple[Copy, Outcome]] = {}
        self.sent: list[Copy] = []
        self.began_at: datetime = batch.leased_at or timezone.now()
        self.stop: Outcome | None = None
        self._places: dict[int, int] = {}
        self._taken: dict[int, Copy] = {}
        self._withdrawn = _withdrawn_variants(self.digest, now=self.began_at)
        self._copies: deque[Copy] = deque()
        self._parked: dict[str, deque[Copy]] = {}
        self._free_at: dict[str, float] = {}
        self._is_halted = False
        self._deadline: float | None = None
        self._looked = time.monotonic()
        self._lease_ends = time.monotonic() + (LEASE - MARGIN).total_seconds()
        self._read_first()

    # Reading

    def _read_first(self) -> None:
        rows = list(self._rows())
        keys = [row[0] for row in rows]
        self._places = {pk: place for place, pk in enumerate(keys)}
        self.notes.fill(self.batch.pk, keys)
        wanted = list(dict.fromkeys(row[1] for row in rows))
        self.variants = _Variants(wanted)
        lines = Correction.objects.filter(digest=self.digest.pk)
        self.corrections: dict[int, Correction] = {line.pk: line for line in lines}
        self._fill(rows)

    def _rows(self) -> Iterator[tuple]:
        rows = self.batch.copies().waiting(self.began_at).order_by("pk")
        return rows.values_list(
            "pk",
            "variant_id",
            "attempts",
            "subscriber__email",
            "subscriber__key",
            "subscriber__state",
            "subscriber__paused_until_at",
        ).iterator(chunk_size=5000)

    def _fill(self, rows: list[tuple]) -> None:
        """Lay ready what is still to go; what must not go is settled at once."""
        now = timezone.now()
        told = self._corrections_by_copy()
        places, taken = self._places, self._taken
        waiting = self._waiting_domains()
        self._copies.clear()
        self._parked.clear()
        for pk, variant, attempts, email, key, state, paused_until in rows:
            if pk not in places or pk in taken:
                continue
            copy = Copy(pk, places[pk], variant, email or "", key, told.get(pk, ()), attempts)
            gone = state != Subscriber.State.ACTIVE or (paused_until and paused_until > now)
            if gone or variant in self._withdrawn:
                reason = GONE if gone else WITHDRAWN
                self._keep(copy, Outcome(State.SKIPPED, reason))
            elif waiting and copy.domain in waiting:
                self._parked.setdefault(copy.domain, deque()).append(copy)
            else:
                self._copies.append(copy)

    def _waiting_domains(self) -> set[str]:
        now = time.monotonic()
        return {domain for domain in self._parked if self._free_at[domain] > now}

    def _corrections_by_copy(self) -> dict[int, tuple[int, ...]]:
        if not self.corrections:
            return {}
        through = Delivery.corrections.through.objects
        rows = through.filter(
            correction__in=self.corrections,
            delivery__gte=self.batch.first,
            delivery__lte=self.batch.last,
        )
        told: dict[int, tuple[int, ...]] = {}
        pairs = rows.order_by("correction_id").values_list("delivery_id", "correction_id")
        for delivery, correction in pairs:
            told[delivery] = (*told.get(delivery, ()), correction)
        return told

    # What a carrier does

    def take(self) -> Copy | None:
        """The next copy that may go now; None if none may (see `is_over` and `rests_for`)."""
        if self.is_over:
            return None
        if self._parked:
            self._unpark()
        copies, pace = self._copies, self.pace
        while copies:
            copy = copies.popleft()
            domain = copy.domain
            wait = 0.0 if domain not in self._parked else self._free_at[domain]
            wait = wait or pace.wait(domain)
            if not wait:
                if self._deadline is None:
                    # From here: a server that greets slowly still gets its letters.
                    self._deadline = time.monotonic() + ROUND_SECONDS
                self._taken[copy.pk] = copy
                return copy
            self._park(copy, domain, wait)
        return None

    def _park(self, copy: Copy, domain: str, wait: float) -> None:
        """Put a copy aside whose domain must wait; those of other domains go on."""
        if domain not in self._parked:
            self._parked[domain] = deque()
            self._free_at[domain] = time.monotonic() + wait
        self._parked[domain].append(copy)

    def _unpark(self) -> None:
        now = time.monotonic()
        for domain in [one for one in self._parked if self._free_at[one] <= now]:
            self._copies.extendleft(reversed(self._parked.pop(domain)))

    def begin(self, copy: Copy) -> None:
        """Note that the copy is about to be handed over: from now on it may have arrived."""
        self.notes.mark(copy.place, journal.BEGUN)

    def put_back(self, copy: Copy) -> None:
        """The copy was surely not handed over: it goes again, and the attempt does not count."""
        self.notes.mark(copy.place, journal.UNTOUCHED)
        self._taken.pop(copy.pk, None)
        self.pace.give_back(copy.domain)
        self._copies.appendleft(copy)

    def settle(self, copy: Copy, outcome: Outcome) -> None:
        """What became of a copy that was taken. An outcome with `stop` ends the load."""
        if outcome.state == State.SENT:
            self.notes.mark(copy.place, journal.ACCEPTED)
            self.sent.append(copy)
            self.pace.accepted(copy.domain)
            return
        if outcome.stop:
            self.halt(outcome)
        if outcome.state == State.UNKNOWN and settings.MAIL_RESEND_UNKNOWN:
            outcome = replace(outcome, state=State.QUEUED)
        if outcome.state != State.UNKNOWN:
            self.notes.mark(copy.place, journal.UNTOUCHED)
        if outcome.state == State.QUEUED and not outcome.stop:
            self.pace.refused(copy.domain, outcome.reason)
        self._keep(copy, outcome)

    def _keep(self, copy: Copy, outcome: Outcome) -> None:
        self._taken[copy.pk] = copy
        self.outcomes[copy.pk] = (copy, outcome)

    def halt(self, outcome: Outcome) -> None:
        """Take no more; the digest rests for as long as the outcome says."""
        self.stop = outcome
        self._is_halted = True

    def look_up(self) -> None:
        """To be called often: once a second it sees what changed. Cheap otherwise."""
        now = time.monotonic()
        if now < self._looked + LOOK_UP:
            return
        self._looked = now
        try:
            self._look()
        except Error as error:
            # Without the database nobody can tell us to stop, nor can we tell what we sent.
            logger.warning(
                "Batch %s stops: the database does not answer (%s)", self.batch.pk, error
            )
            self._is_halted = True

    def _look(self) -> None:
        at = timezone.now()
        if quiet_until(at) or not renew(self.batch, now=at):
            self._is_halted = True
            return
        self._lease_ends = time.monotonic() + (LEASE - MARGIN).total_seconds()
        if not self._is_halted:
            self._fill(list(self._rows()))

    @property
    def is_over(self) -> bool:
        """Whether no more may be taken: all is taken, or it is time to stop."""
        if self._is_halted or not (self._copies or self._parked):
            return True
        now = time.monotonic()
        if now > self._lease_ends or (self._deadline is not None and now > self._deadline):
            return True
        return not self._copies and self.rests_for > PATIENCE

    @property
    def rests_for(self) -> float:
        """Seconds until `take` may give something again; 0.0 if it may now."""
        if self._copies or not self._parked:
            return 0.0
        soonest = min(self._free_at[domain] for domain in self._parked)
        return max(0.0, soonest - time.monotonic())

    def rest(self) -> None:
        """Wait until a copy may go, or something may have changed."""
        if not self.is_over:
            time.sleep(min(self.rests_for, LOOK_UP))

    def close(self) -> None:
        """The carrier is through: what it took and never settled may have arrived if begun."""
        settled = {copy.pk for copy in self.sent} | self.outcomes.keys()
        for copy in [one for pk, one in self._taken.items() if pk not in settled]:
            if self.notes.marked(copy.place) == journal.BEGUN:
                self.settle(copy, Outcome(State.UNKNOWN, LOST))
            else:
                self.put_back(copy)

    def untouched(self) -> list[int]:
        """The copies of which nothing became: they were never begun, or were put back."""
        return [pk for pk in self._places if pk not in self._taken]

    def not_sent_between(self, first: int, last: int) -> list[int]:
        """The copies between these two, both included, that were not sent."""
        sent = {copy.pk for copy in self.sent}
        return [pk for pk in self._places if first <= pk <= last and pk not in sent]

    @property
    def left_until(self) -> datetime | None:
        """When what was left over may go; None if at once."""
        wait = self.rests_for
        return timezone.now() + timedelta(seconds=wait) if wait else None


def _withdrawn_variants(digest: Digest, *, now: datetime) -> set[int]:
    """The variants that hold an article which readers may no longer see."""
    public = Article.objects.published(now).order_by().values("pk")
    gone = digest.items.exclude(article__in=public).order_by()
    return set(gone.values_list("variant", flat=True))
