"""Leaves nothing that leads to who was erased or gave nothing, also in what is told later."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from donations.models import Checkout, Donation, Donor, GiftLetter, PaymentEvent, PaymentRef, Pledge

GONE = "(erased)"
# As long as a report may wait for its payment: then nothing comes of a form any more.
ABANDONED = timedelta(days=35)
CHUNK = 500
# Where reports speak of a person.
_PERSONAL = frozenset(
    {"address", "birth_date", "email", "ip", "messages", "name", "note", "note_to_payer", "phone"}
    | {"phone_number", "postal_code", "shipping", "surname"}
)
_PERSONAL_ENDS = ("_address", "_email", "_ip", "_name", "_phone")
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")


def forget(*, now: datetime) -> int:
    """Take erased givers out of reports that came since, or turn out to be about them; how many
    reports were changed.

    What came in the moment of an erasure is taken out of the other rows, too.
    """
    _empty_rows()
    names = _names_of_erased()
    changed = _look_for_new(names)
    everything = set().union(*names.values())
    unlooked = PaymentEvent.objects.filter(looked_at=None)
    if not everything:
        unlooked.update(looked_at=now)
    while found := list(_rows(unlooked)):
        changed += _clean(found, everything)
        looked = PaymentEvent.objects.filter(pk__in=[pk for pk, _ in found])
        looked.update(looked_at=now)
    return changed


def empty_abandoned(*, now: datetime) -> int:
    """Empty the forms of which nothing came in ABANDONED, and their reports; how many forms."""
    old = Checkout.objects.filter(created_at__lt=now - ABANDONED, emptied_at=None)
    old = old.exclude(state=Checkout.State.COMPLETED)
    found = list(old.order_by("created_at").values_list("pk", "created_at", "key", *_NAMES))
    if not found:
        return 0
    names = {name for _, _, *names in found for name in _as_texts(names)}
    _clean_all(PaymentEvent.objects.filter(received_at__gte=found[0][1]), names)
    # One whose money comes in this moment stays as it is.
    nothing: dict[str, Any] = {"email": "", "name": "", "message": "", "show_name": False}
    return old.filter(pk__in=[pk for pk, *_ in found]).update(**nothing, emptied_at=now)


# Reports


def without(thing: Any, *, name: str = "") -> Any:
    """JSON without what leads to a person: addresses, names, and texts that are just this `name`.

    Keys stay, and all that says what happened to the money.
    """
    if isinstance(thing, dict):
        return {
            key: None if value and _is_personal(key) else without(value, name=name)
            for key, value in thing.items()
        }
    if isinstance(thing, list):
        return [without(value, name=name) for value in thing]
    if not isinstance(thing, str):
        return thing
    is_name = bool(name) and " ".join(thing.casefold().split()) == name.casefold()
    return GONE if is_name or _ADDRESS.search(thing) else thing


def _is_personal(key: str) -> bool:
    return key in _PERSONAL or key.endswith(_PERSONAL_ENDS)


def clean(event_id: int, body: str, *, name: str = "") -> bool:
    """Take the person out of a stored report; whether there was anything to take."""
    told = json.loads(body)
    cleaned = without(told, name=name)
    if cleaned != told:
        PaymentEvent.objects.filter(pk=event_id).update(body=json.dumps(cleaned))
    return bool(cleaned != told)


def _clean(rows: Iterable[tuple[int, str]], names: set[str]) -> int:
    """Clean those reports in which one of these names stands; how many."""
    if not names:
        return 0
    theirs = [row for row in rows if not names.isdisjoint(_texts(json.loads(row[1])))]
    return sum(clean(pk, body) for pk, body in theirs)


def _clean_all(events: Any, names: set[str]) -> int:
    """The same for any number of reports, a part at a time."""
    changed, last = 0, 0
    while names and (found := list(_rows(events.filter(pk__gt=last)))):
        changed += _clean(found, names)
        last = found[-1][0]
    return changed


def _rows(events: Any) -> Iterator[tuple[int, str]]:
    yield from events.order_by("pk").values_list("pk", "body")[:CHUNK]


def _texts(thing: Any) -> Iterator[str]:
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict | list):
        for value in thing.values() if isinstance(thing, dict) else thing:
            yield from _texts(value)


# Who was erased


# By what a provider names a checkout.
_NAMES = ("provider_session_id", "payment_id", "customer_id")


def _look_for_new(names: dict[int, set[str]]) -> int:
    """Look through all reports for names that were not known at the last look."""
    looked_for = dict(Donor.objects.filter(pk__in=names).values_list("pk", "names_looked_for"))
    fresh = {pk: those for pk, those in names.items() if looked_for.get(pk) != len(those)}
    changed = _clean_all(PaymentEvent.objects.all(), set().union(*fresh.values()))
    for pk, those in fresh.items():
        Donor.objects.filter(pk=pk).update(names_looked_for=len(those))
    return changed


def _names_of_erased() -> dict[int, set[str]]:
    """All names by which reports may speak of each erased giver."""
    erased, of_gift = Q(donor__erased_at__isnull=False), Q(donation__donor__erased_at__isnull=False)
    rows: list[Iterable[Any]] = [
        PaymentRef.objects.filter(of_gift).values_list("donation__donor", "ref"),
        Donation.objects.filter(erased).values_list("donor", "provider_id"),
        Pledge.objects.filter(erased).values_list("donor", "provider_id", "customer_id"),
        Checkout.objects.filter(erased).values_list("donor", "key", *_NAMES),
    ]
    names: dict[int, set[str]] = defaultdict(set)
    for found in rows:
        for pk, *those in found:
            names[pk] |= _as_texts(those)
    return names


def _as_texts(names: Iterable[Any]) -> set[str]:
    return {str(name) for name in names if name}


def _empty_rows() -> None:
    """What was entered in the moment of an erasure, by who had read the name just before."""
    erased = {"donor__erased_at__isnull": False}
    named = {"show_name": False, "name_shown": ""}
    Donation.objects.filter(**erased).exclude(message="", **named).update(message="", **named)
    Pledge.objects.filter(**erased).exclude(**named).update(**named)
    nothing: dict[str, Any] = {"email": "", "name": "", "message": "", "show_name": False}
    Checkout.objects.filter(**erased).exclude(**nothing).update(**nothing)
    GiftLetter.objects.filter(**erased).exclude(email="", words="").update(email="", words="")
