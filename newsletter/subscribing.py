"""Joining the list, pausing, and leaving it."""

import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from newsletter import posting, suppressing
from newsletter.models import (
    AddressChange,
    ConsentEvent,
    Letter,
    SignUp,
    Subscriber,
    last_news,
    same_address,
)
from newsletter.posting import COOL_DOWN, Kind
from newsletter.tokens import CONFIRM_WITHIN

# The words beside the form that people agreed to; raise it when they change.
TEXT_VERSION = "2026-11"
PAUSE_WEEKS = (2, 4, 12)
KEEP_SIGN_UPS = timedelta(days=30)
REMIND_AFTER = timedelta(days=3)
# For so long a press on our page takes leaving back; later it needs a new sign-up.
STAY_WITHIN = timedelta(days=7)
AT_ONCE = 500


def ask(email: str, *, form: str, now: datetime) -> None:
    """Somebody typed this address into `form`: have a letter sent to it, at most one a day.

    A new or pending address gets the letter to confirm with; a subscriber gets a note that all
    is well. The caller learns nothing of which it was. Safe to call in two processes at once.
    """
    try:
        with transaction.atomic():
            reader = Subscriber.objects.active().with_address(email).select_for_update().first()
            if reader is not None:
                tell_all_is_well(reader, now=now)
            else:
                _ask_to_confirm(email, form=form, now=now)
    except IntegrityError:
        # The same address arrived twice at this moment: the other request asked for the letter.
        return


def tell_all_is_well(reader: Subscriber, *, now: datetime) -> None:
    """Have a note sent to a subscriber, locked by the caller, whose address was typed in again."""
    if not posting.asked_lately(Kind.ALREADY, reader.email, now=now):
        posting.want(Kind.ALREADY, reader.email, key=reader.key, now=now)


def _ask_to_confirm(email: str, *, form: str, now: datetime) -> None:
    sign_up = SignUp.objects.select_for_update().filter(same_address(email)).first()
    if sign_up is None:
        sign_up = SignUp(email=email)
    elif sign_up.confirmed_at is None and _had_letter_today(sign_up, now):
        # A second letter within the day would let anyone fill a stranger's inbox.
        return
    if sign_up.confirmed_at:
        sign_up.key, sign_up.reminded_at = uuid.uuid4(), None
    sign_up.form, sign_up.text_version = form, TEXT_VERSION
    sign_up.asked_at, sign_up.confirmed_at = now, None
    sign_up.save()
    posting.drop(sign_up.email, [Kind.REMIND], reason="asked for anew", now=now)
    posting.want(Kind.CONFIRM, sign_up.email, key=sign_up.key, now=now)


def _had_letter_today(sign_up: SignUp, now: datetime) -> bool:
    return max(sign_up.asked_at, sign_up.reminded_at or sign_up.asked_at) > now - COOL_DOWN


def remind(*, now: datetime) -> int:
    """Have one reminder sent to those who did not confirm in three days; the number of them.

    Nobody gets a second one, and nobody whose address is never to be mailed gets any.
    """
    got_it = Letter.objects.filter(kind=Kind.CONFIRM, key=OuterRef("key"), sent_at__isnull=False)
    silent = SignUp.objects.filter(
        Exists(got_it),
        confirmed_at=None,
        reminded_at=None,
        asked_at__lte=now - REMIND_AFTER,
        asked_at__gt=now - CONFIRM_WITHIN,
    )
    return sum(_remind(sign_up, now) for sign_up in silent[:AT_ONCE])


@transaction.atomic
def _remind(sign_up: SignUp, now: datetime) -> bool:
    ours = SignUp.objects.filter(pk=sign_up.pk, reminded_at=None, confirmed_at=None)
    if not ours.update(reminded_at=now) or suppressing.is_suppressed(sign_up.email):
        return False
    posting.want(Kind.REMIND, sign_up.email, key=sign_up.key, now=now)
    return True


@transaction.atomic
def confirm(key: uuid.UUID, *, now: datetime) -> Subscriber | None:
    """Make the owner of a sign-up a subscriber; None if there is no such sign-up.

    Who left or was blocked, even after a complaint, is back by it: the owner of the mailbox
    pressed the button anew. Safe to repeat: a second call changes nothing, and returns the
    subscriber only while active.
    """
    sign_up = SignUp.objects.select_for_update().filter(key=key).first()
    if sign_up is None:
        return None
    known = Subscriber.objects.select_for_update().with_address(sign_up.email).first()
    if sign_up.confirmed_at is not None:
        return known if known and known.state == Subscriber.State.ACTIVE else None
    reader = known or Subscriber(email=sign_up.email, source="form")
    if known is None or known.state != Subscriber.State.ACTIVE:
        _join(reader, now)
    ConsentEvent.objects.create(
        subscriber=reader,
        kind=ConsentEvent.Kind.CONFIRMED,
        method=ConsentEvent.Method.PAGE,
        form=sign_up.form,
        text_version=sign_up.text_version,
        asked_at=sign_up.asked_at,
        happened_at=now,
    )
    sign_up.confirmed_at = now
    sign_up.save(update_fields=["confirmed_at"])
    outdated = [*posting.TO_CONFIRM, Kind.GOODBYE]
    posting.drop(reader.email, outdated, reason="confirmed meanwhile", now=now)
    return reader


def _join(reader: Subscriber, now: datetime) -> None:
    reader.state, reader.joined_at = Subscriber.State.ACTIVE, now
    reader.left_at = reader.paused_until_at = None
    # What went out before is not sent to a newcomer; what waits for the next digest is.
    reader.served_news = last_news()
    reader.save()
    suppressing.restore(reader.email)
    posting.want(Kind.WELCOME, reader.email, key=reader.key, now=now)


@transaction.atomic
def leave(subscriber: Subscriber, *, method: str, now: datetime) -> None:
    """Take a subscriber off the list, and so out of every digest and letter to all.

    Repeating it changes nothing. Who pressed our own button gets a word of goodbye.
    """
    here = Subscriber.objects.active().filter(pk=subscriber.pk)
    if not here.update(state=Subscriber.State.LEFT, left_at=now):
        return
    ConsentEvent.objects.create(
        subscriber=subscriber, kind=ConsentEvent.Kind.LEFT, method=method, happened_at=now
    )
    outdated = [Kind.WELCOME, Kind.ALREADY]
    posting.drop(subscriber.email, outdated, reason="left meanwhile", now=now)
    if method == ConsentEvent.Method.PAGE:
        posting.want(Kind.GOODBYE, subscriber.email, key=subscriber.key, now=now)


@transaction.atomic
def stay(subscriber: Subscriber, *, now: datetime) -> bool:
    """Take leaving back; False if it is too late for that, or if more than leaving happened.

    After a complaint, a bounce or a week only a new sign-up, confirmed by letter, brings back.
    """
    gone = Subscriber.objects.filter(
        pk=subscriber.pk, state=Subscriber.State.LEFT, left_at__gt=now - STAY_WITHIN
    )
    if suppressing.is_suppressed(subscriber.email):
        return False
    if not gone.update(state=Subscriber.State.ACTIVE, left_at=None):
        return Subscriber.objects.active().filter(pk=subscriber.pk).exists()
    _note(subscriber, ConsentEvent.Kind.CONFIRMED, form="undo", detail="Took leaving back", now=now)
    posting.drop(subscriber.email, [Kind.GOODBYE], reason="came back", now=now)
    return True


@transaction.atomic
def pause(subscriber: Subscriber, *, weeks: int, now: datetime) -> None:
    """Send nothing for so many weeks from now; the pause ends by itself."""
    subscriber.paused_until_at = now + timedelta(weeks=weeks)
    subscriber.save(update_fields=["paused_until_at"])
    _note(subscriber, ConsentEvent.Kind.PAUSED, detail=f"for {weeks} weeks", now=now)


@transaction.atomic
def resume(subscriber: Subscriber, *, now: datetime) -> None:
    """End a pause. Repeating it changes nothing."""
    in_pause = Subscriber.objects.filter(pk=subscriber.pk, paused_until_at__isnull=False)
    subscriber.paused_until_at = None
    if in_pause.update(paused_until_at=None):
        _note(subscriber, ConsentEvent.Kind.RESUMED, now=now)


def _note(
    subscriber: Subscriber,
    kind: ConsentEvent.Kind,
    *,
    now: datetime,
    form: str = "preferences",
    detail: str = "",
) -> None:
    ConsentEvent.objects.create(
        subscriber=subscriber,
        kind=kind,
        method=ConsentEvent.Method.PAGE,
        form=form,
        detail=detail,
        happened_at=now,
    )


def purge(*, now: datetime) -> int:
    """Forget sign-ups asked for more than 30 days ago, and letters and changes of address of that
    time; the number of sign-ups."""
    over = now - KEEP_SIGN_UPS
    Letter.objects.filter(asked_at__lt=over).delete()
    AddressChange.objects.filter(asked_at__lt=over).delete()
    deleted, _ = SignUp.objects.filter(asked_at__lt=over).delete()
    return deleted
