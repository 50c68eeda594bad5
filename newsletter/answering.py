"""Sending the letters that sign-ups wait for."""

import logging
from datetime import datetime

from django.core.mail import EmailMessage
from django.db.models import F, Q

from newsletter.letters import already_letter, confirm_letter
from newsletter.models import SignUp, Subscriber

logger = logging.getLogger(__name__)

LETTER_WAITS = Q(letter_due_at__isnull=False) & (
    Q(letter_sent_at__isnull=True) | Q(letter_sent_at__lt=F("letter_due_at"))
)
NOTE_WAITS = Q(note_due_at__isnull=False) & (
    Q(note_sent_at__isnull=True) | Q(note_sent_at__lt=F("note_due_at"))
)
AT_ONCE = 200


def answer_waiting(*, now: datetime) -> int:
    """Send the letters that are due, at most 200 of each kind; the number sent.

    One that fails stays due for the next call. Safe in two workers at once: each letter is
    claimed by a conditional update first.
    """
    return _confirmations(now) + _notes(now)


def _confirmations(now: datetime) -> int:
    waiting = SignUp.objects.filter(LETTER_WAITS, confirmed_at=None)
    sent = 0
    for sign_up in waiting.order_by("letter_due_at")[:AT_ONCE]:
        claim = waiting.filter(pk=sign_up.pk)
        if not claim.update(letter_sent_at=now):
            continue
        if _send(confirm_letter(sign_up)):
            sent += 1
        else:
            SignUp.objects.filter(pk=sign_up.pk).update(letter_sent_at=sign_up.letter_sent_at)
    return sent


def _notes(now: datetime) -> int:
    waiting = Subscriber.objects.active().filter(NOTE_WAITS)
    sent = 0
    for subscriber in waiting.order_by("note_due_at")[:AT_ONCE]:
        if not waiting.filter(pk=subscriber.pk).update(note_sent_at=now):
            continue
        if _send(already_letter(subscriber)):
            sent += 1
        else:
            before = subscriber.note_sent_at
            Subscriber.objects.filter(pk=subscriber.pk).update(note_sent_at=before)
    return sent


def _send(letter: EmailMessage) -> bool:
    try:
        return bool(letter.send())
    except Exception as error:
        logger.warning("A letter waits: %s: %s", type(error).__name__, error)
        return False
