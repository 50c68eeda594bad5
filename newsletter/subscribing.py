"""Joining the list, pausing, and leaving it."""

import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from newsletter.models import ConsentEvent, SignUp, Subscriber, same_address

# The words beside the form that people agreed to; raise it when they change.
TEXT_VERSION = "2026-11"
COOL_DOWN = timedelta(hours=24)
PAUSE_WEEKS = (2, 4, 12)
KEEP_SIGN_UPS = timedelta(days=30)


def ask(email: str, *, form: str, now: datetime) -> None:
    """Somebody typed this address into `form`: have a letter sent to it, at most one a day.

    A new or pending address gets the letter to confirm with; a subscriber gets a note that all
    is well. The caller learns nothing of which it was. Safe to call in two processes at once.
    """
    subscriber = Subscriber.objects.active().with_address(email).first()
    if subscriber is not None:
        _ask_for_note(subscriber, now)
        return
    try:
        with transaction.atomic():
            _ask_for_letter(email, form=form, now=now)
    except IntegrityError:
        # The same address arrived twice at this moment: the other request asked for the letter.
        return


def _ask_for_note(subscriber: Subscriber, now: datetime) -> None:
    rested = Q(letter_due_at=None) | Q(letter_due_at__lte=now - COOL_DOWN)
    # One conditional update: two requests at once ask for one note.
    Subscriber.objects.filter(rested, pk=subscriber.pk).update(letter_due_at=now)


def _ask_for_letter(email: str, *, form: str, now: datetime) -> None:
    sign_up = SignUp.objects.select_for_update().filter(same_address(email)).first()
    if sign_up is None:
        sign_up = SignUp(email=email)
    elif sign_up.confirmed_at is None and _had_letter_today(sign_up, now):
        # A second letter within the day would let anyone fill a stranger's inbox.
        return
    sign_up.key = uuid.uuid4() if sign_up.confirmed_at else sign_up.key
    sign_up.form, sign_up.text_version = form, TEXT_VERSION
    sign_up.asked_at = sign_up.letter_due_at = now
    sign_up.confirmed_at = None
    sign_up.save()


def _had_letter_today(sign_up: SignUp, now: datetime) -> bool:
    return sign_up.letter_due_at is not None and sign_up.letter_due_at > now - COOL_DOWN


def confirm(key: uuid.UUID, *, now: datetime) -> Subscriber | None:
    """Make the owner of a sign-up a subscriber; None if there is no such sign-up.

    Safe to repeat: a second call changes nothing, and returns the subscriber only while active.
    """
    with transaction.atomic():
        sign_up = SignUp.objects.select_for_update().filter(key=key).first()
        if sign_up is None:
            return None
        known = Subscriber.objects.select_for_update().with_address(sign_up.email).first()
        if sign_up.confirmed_at is not None:
            return known if known and known.state == Subscriber.State.ACTIVE else None
        subscriber = known or Subscriber(email=sign_up.email)
        subscriber.state, subscriber.joined_at = Subscriber.State.ACTIVE, now
        subscriber.left_at = subscriber.paused_until_at = None
        subscriber.save()
        ConsentEvent.objects.create(
            subscriber=subscriber,
            kind=ConsentEvent.Kind.CONFIRMED,
            method=ConsentEvent.Method.PAGE,
            form=sign_up.form,
            text_version=sign_up.text_version,
            asked_at=sign_up.asked_at,
            happened_at=now,
        )
        sign_up.confirmed_at = now
        sign_up.save(update_fields=["confirmed_at"])
        return subscriber


def leave(subscriber: Subscriber, *, method: str, now: datetime) -> None:
    """Take a subscriber off the list. Repeating it changes nothing."""
    with transaction.atomic():
        left = (
            Subscriber.objects.active()
            .filter(pk=subscriber.pk)
            .update(state=Subscriber.State.LEFT, left_at=now)
        )
        if left:
            ConsentEvent.objects.create(
                subscriber=subscriber, kind=ConsentEvent.Kind.LEFT, method=method, happened_at=now
            )


def pause(subscriber: Subscriber, *, weeks: int, now: datetime) -> None:
    """Send nothing for so many weeks from now; the pause ends by itself."""
    subscriber.paused_until_at = now + timedelta(weeks=weeks)
    subscriber.save(update_fields=["paused_until_at"])


def resume(subscriber: Subscriber) -> None:
    """End a pause. Repeating it changes nothing."""
    subscriber.paused_until_at = None
    subscriber.save(update_fields=["paused_until_at"])


def purge(*, now: datetime) -> int:
    """Forget sign-ups asked for more than 30 days ago; the number of them."""
    deleted, _ = SignUp.objects.filter(asked_at__lt=now - KEEP_SIGN_UPS).delete()
    return deleted
