"""Destinations that refuse letters for now are left alone for a while, by all workers."""

from collections import Counter
from datetime import datetime, timedelta

from django.db.models import F, Q

from newsletter.events.recording import without_addresses
from newsletter.models import DomainRest

# So many temporary refusals in a row, and none accepted between.
IN_A_ROW = 5
FIRST_REST = timedelta(minutes=5)
LONGEST_REST = timedelta(hours=2)
# What lies further back says nothing of today.
FORGOTTEN_AFTER = timedelta(days=1)
# One refusal is everyday life (greylisting), and each that is told costs some queries.
WORTH_TELLING = 2
AT_MOST = 20


class Rests:
    """What this worker knows of the rests, and the refusals it has not told the others of yet."""

    def __init__(self) -> None:
        self.rows: dict[str, DomainRest] = {}
        self._refusals: Counter[str] = Counter()
        self._words: dict[str, str] = {}

    def look(self, now: datetime) -> None:
        """Tell the others of our refusals, and learn of theirs."""
        self.tell(now)
        known = DomainRest.objects.filter(refused_at__gt=now - FORGOTTEN_AFTER)
        self.rows = {row.domain: row for row in known}

    def tell(self, now: datetime) -> None:
        """Tell the other workers where letters were refused in a row, though not yet five."""
        for domain, refusals in self._refusals.most_common(AT_MOST):
            if refusals >= WORTH_TELLING:
                self._tell(domain, now)

    def is_troubled(self, domain: str) -> bool:
        """Whether anything is known against it."""
        return domain in self.rows or domain in self._refusals

    def until(self, domain: str, now: datetime) -> datetime | None:
        """When its rest ends; None if it does not rest."""
        row = self.rows.get(domain)
        return row.until_at if row and row.until_at and row.until_at > now else None

    def resting(self, now: datetime) -> set[str]:
        """The domains that rest now."""
        return {domain for domain in self.rows if self.until(domain, now)}

    def refused(self, domain: str, words: str, now: datetime) -> None:
        """Count a temporary refusal; with the fifth in a row a rest begins."""
        if self.until(domain, now):
            # Sent before the rest began: it says nothing new.
            return
        self._refusals[domain] += 1
        self._words[domain] = without_addresses(words)[:200]
        row = self.rows.get(domain)
        if self._refusals[domain] + (row.refusals if row else 0) >= IN_A_ROW:
            self._tell(domain, now)

    def accepted(self, domain: str) -> None:
        """Forget all that was held against it."""
        self._refusals.pop(domain, None)
        if self.rows.pop(domain, None):
            DomainRest.objects.filter(domain=domain).delete()

    def _tell(self, domain: str, now: datetime) -> None:
        refusals = self._refusals.pop(domain)
        self._forget_old(now)
        row, _ = DomainRest.objects.get_or_create(domain=domain, defaults={"refused_at": now})
        awake = DomainRest.objects.filter(Q(until_at=None) | Q(until_at__lte=now), domain=domain)
        awake.update(
            refusals=F("refusals") + refusals, refused_at=now, words=self._words.pop(domain)
        )
        # Of two workers who count to five at once one begins the rest.
        pause = min(FIRST_REST * 2 ** min(row.rests, 10), LONGEST_REST)
        awake.filter(refusals__gte=IN_A_ROW, rests=row.rests).update(
            until_at=now + pause, rests=F("rests") + 1, refusals=0
        )
        row.refresh_from_db()
        self.rows[domain] = row

    def _forget_old(self, now: datetime) -> None:
        DomainRest.objects.filter(refused_at__lte=now - FORGOTTEN_AFTER).delete()
