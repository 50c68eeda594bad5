"""What we hold of one person: shown to its owner, and erased at the owner's wish."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet

from newsletter import posting, suppressing
from newsletter.events import recording
from newsletter.models import Letter, MailEvent, SignUp, Subscriber, Suppression, same_address

# What a mail server said of a copy may name the mailbox.
_ADDRESS = re.compile(r"[^\s<>()\"',;:]+@[^\s<>()\"',;:]+")


@dataclass(frozen=True)
class Person:
    """The rows of one address."""

    email: str
    # What the mailed links are made of.
    key: uuid.UUID
    reader: Subscriber | None
    sign_up: SignUp | None

    def letters(self) -> QuerySet[Letter]:
        """Letters to this person, to an earlier address too."""
        keys = [row.key for row in (self.reader, self.sign_up) if row is not None]
        if self.reader is not None:
            keys += self.reader.changes.values_list("key", flat=True)
        return Letter.objects.filter(Q(key__in=keys) | Q(same_address(self.email)))


def person_with_address(email: str) -> Person | None:
    """Who has this address here; None if we hold nothing of it."""
    reader = Subscriber.objects.with_address(email).first()
    sign_up = SignUp.objects.filter(same_address(email)).first()
    row = reader or sign_up
    return Person(row.email, row.key, reader, sign_up) if row is not None else None


def person_with_key(key: uuid.UUID) -> Person | None:
    """Whose subscription or sign-up has this key; None if it is gone."""
    row = Subscriber.objects.filter(key=key).first() or SignUp.objects.filter(key=key).first()
    return person_with_address(row.email) if row is not None else None


@transaction.atomic
def ask(email: str, kind: Letter.Kind, *, now: datetime) -> None:
    """Have the link to the data or to be erased (DATA, ERASE) mailed to an address we hold.

    At most one a day; an address of which we hold nothing gets no letter. The caller learns
    nothing of which it was.
    """
    person = person_with_address(email)
    if person is not None and not posting.asked_lately(kind, person.email, now=now):
        posting.want(kind, person.email, key=person.key, now=now)


def collect(person: Person) -> dict[str, Any]:
    """All that we hold of a person, as plain values for JSON; times are UTC in ISO 8601."""
    return {
        "address": person.email,
        "subscription": _subscription(person.reader) if person.reader else None,
        "sign_up": _row(person.sign_up, "form", "text_version", "asked_at", "confirmed_at")
        if person.sign_up
        else None,
        "letters": [
            _row(letter, "kind", "email", "asked_at", "sent_at", "dropped_at", "reason")
            for letter in person.letters()
        ],
        "never_mailed": [
            _row(row, "reason", "source", "since_at", "note") for row in _suppressions(person.email)
        ],
    }


def _subscription(reader: Subscriber) -> dict[str, Any]:
    return {
        **_row(reader, "state", "joined_at", "left_at", "paused_until_at", "source"),
        "preferences": {
            **_row(reader, "cadence", "depth", "max_items", "text_only", "zone", "hour"),
            "topics": [tag.name for tag in reader.topics.order_by("name")],
        },
        "consent": [
            _row(
                event, "kind", "method", "form", "detail", "text_version", "asked_at", "happened_at"
            )
            for event in reader.consent.all()
        ],
        "changes_of_address": [
            _row(change, "email", "asked_at", "confirmed_at") for change in reader.changes.all()
        ],
        "digests": [
            {
                "subject": copy.digest.subject,
                **_row(copy, "state", "reason", "settled_at"),
                "reports": [_row(event, "kind", "happened_at") for event in copy.events.all()],
            }
            for copy in reader.deliveries.select_related("digest").prefetch_related("events")
        ],
    }


def _row(row: Any, *names: str) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _suppressions(email: str) -> QuerySet[Suppression]:
    row = suppressing.suppression_of(email)
    return Suppression.objects.filter(pk__in=[row.pk] if row else [])


@transaction.atomic
def erase(person: Person, *, now: datetime) -> None:
    """Leave nothing of a person but a keyed hash, so that no list brings the address back.

    Copies of digests stay as numbers of nobody, so that the digests' sums stay true.
    """
    person.letters().delete()
    suppressing.suppress(person.email, reason=Suppression.Reason.ERASED, source="owner", now=now)
    _suppressions(person.email).update(note="")
    recording.forget(person.email)
    _forget_in_log(person.email)
    if person.sign_up is not None:
        person.sign_up.delete()
    if person.reader is not None:
        _forget_copies(person.reader)
        person.reader.delete()


def _forget_copies(reader: Subscriber) -> None:
    told = MailEvent.objects.filter(Q(delivery__subscriber=reader) | Q(detail__reader=reader.pk))
    # Its conditions join other tables, which an update cannot.
    MailEvent.objects.filter(pk__in=list(told.values_list("pk", flat=True))).update(
        address_hash="", detail={}
    )
    for copy in reader.deliveries.filter(reason__contains="@"):
        copy.reason = _ADDRESS.sub("the address", copy.reason)
        copy.save(update_fields=["reason"])


def _forget_in_log(email: str) -> None:
    named = Q(object_repr__icontains=email) | Q(change_message__icontains=email)
    LogEntry.objects.filter(named).update(object_repr="erased", change_message="")
