"""Addresses never to mail, known by a keyed hash: the list of them tells nobody who they are."""

import hmac
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from newsletter.models import Subscriber, Suppression

Reason = Suppression.Reason

_SALT = "newsletter.suppression"
# What a person did or asked for outweighs what a machine noticed.
_GRAVITY = [
    Reason.IMPORTED,
    Reason.BY_HAND,
    Reason.SOFT_BOUNCES,
    Reason.REJECTED,
    Reason.HARD_BOUNCE,
    Reason.UNSUBSCRIBED,
    Reason.ERASED,
    Reason.COMPLAINT,
]
# These leave at the owner's will; the others are kept from mailing.
_LEFT = {Reason.UNSUBSCRIBED, Reason.IMPORTED}


def address_hash(email: str) -> str:
    """The keyed hash by which an address is known here, whatever its capitals."""
    return address_hashes(email)[0]


def address_hashes(email: str) -> list[str]:
    """By the present secret key and by those that it replaced (SECRET_KEY_FALLBACKS)."""
    address = email.strip().lower()
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [
        hmac.new(salted_hmac(_SALT, "", secret=key).digest(), address.encode(), sha256).hexdigest()
        for key in keys
    ]


def suppression_of(email: str) -> Suppression | None:
    """Why this address is never mailed; None if it may be."""
    return Suppression.objects.filter(address_hash__in=address_hashes(email)).first()


def is_suppressed(email: str) -> bool:
    """Whether this address is never mailed."""
    return suppression_of(email) is not None


@transaction.atomic
def suppress(email: str, *, reason: str, source: str, now: datetime) -> Suppression:
    """Never mail this address from now on, and take its subscriber off the list.

    Safe to repeat; the graver reason stays. The subscriber becomes LEFT or BLOCKED.
    """
    row, made = Suppression.objects.select_for_update().get_or_create(
        address_hash=address_hash(email),
        defaults={"reason": reason, "source": source[:60], "since_at": now},
    )
    if not made and _GRAVITY.index(Reason(reason)) > _GRAVITY.index(Reason(row.reason)):
        row.reason, row.source = reason, source[:60]
        row.save(update_fields=["reason", "source"])
    _take_off(email, reason=reason, now=now)
    return row


def _take_off(email: str, *, reason: str, now: datetime) -> None:
    left = Reason(reason) in _LEFT
    state = Subscriber.State.LEFT if left else Subscriber.State.BLOCKED
    on_list = Subscriber.objects.with_address(email).exclude(state=Subscriber.State.BLOCKED)
    on_list.update(state=state)
    Subscriber.objects.with_address(email).filter(left_at=None).update(left_at=now)


def restore(email: str) -> None:
    """The owner confirmed the address anew, by a letter that arrived: it may be mailed again."""
    Suppression.objects.filter(address_hash__in=address_hashes(email)).delete()
