"""One reminder to who did not confirm, and no more than one (R40, R41, R44)."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from newsletter import answering, subscribing, suppressing, tasks
from newsletter.models import Letter, SignUp, Subscriber, Suppression
from tests.newsletter.scenes import confirm_path, letters_to, path_in, sign_up

pytestmark = pytest.mark.django_db

CLEO = "cleo@readers.example"
REMINDER = "A reminder: the Fibrosite digest waits for you"


def days_later(days: float) -> list[str]:
    """Do all that is due so many days later; the subjects of all letters to Cleo."""
    now = timezone.now() + timedelta(days=days)
    with time_machine.travel(now, tick=False):
        tasks.look_after_sign_ups()
        answering.answer_waiting(now=now)
    return [str(letter.subject) for letter in letters_to(CLEO)]


def test_r40_one_reminder_after_three_days_and_never_a_second(cleo: Client) -> None:
    confirm_path(cleo, CLEO)
    assert REMINDER not in days_later(2.9)
    for days in (3, 3.1, 4, 6, 20):
        assert days_later(days).count(REMINDER) == 1


def test_the_link_in_the_reminder_confirms(cleo: Client) -> None:
    confirm_path(cleo, CLEO)
    days_later(6)
    path = path_in(letters_to(CLEO)[-1], "confirm")
    with time_machine.travel(timezone.now() + timedelta(days=12)):
        assert cleo.post(path).status_code == 200
    assert Subscriber.objects.active().exists()


def test_who_confirmed_gets_none(cleo: Client) -> None:
    cleo.post(confirm_path(cleo, CLEO))
    assert REMINDER not in days_later(3)


def test_who_confirms_before_the_reminder_goes_out_gets_none(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    later = timezone.now() + timedelta(days=3)
    subscribing.remind(now=later)
    cleo.post(path)
    answering.answer_waiting(now=later)
    assert REMINDER not in [letter.subject for letter in letters_to(CLEO)]


def test_who_never_got_the_letter_gets_no_reminder_of_it(cleo: Client) -> None:
    sign_up(cleo, CLEO)
    Letter.objects.update(dropped_at=timezone.now(), reason="no such user")
    assert days_later(3) == []


def test_an_address_never_to_be_mailed_gets_no_reminder(cleo: Client) -> None:
    confirm_path(cleo, CLEO)
    complaint = Suppression.Reason.COMPLAINT
    suppressing.suppress(CLEO, reason=complaint, source="ses", now=timezone.now())
    assert REMINDER not in days_later(3)


def test_r40_asking_within_a_day_of_the_reminder_sends_nothing(cleo: Client) -> None:
    confirm_path(cleo, CLEO)
    days_later(3)
    subscribing.ask(CLEO, form="foot", now=timezone.now() + timedelta(days=3.9))
    assert len(days_later(3.9)) == 2
    subscribing.ask(CLEO, form="foot", now=timezone.now() + timedelta(days=4))
    assert len(days_later(4)) == 3


def test_r44_a_reminder_does_not_lengthen_the_month(cleo: Client) -> None:
    confirm_path(cleo, CLEO)
    days_later(3)
    subscribing.purge(now=timezone.now() + timedelta(days=30, minutes=1))
    assert not SignUp.objects.exists()
    assert not Letter.objects.filter(kind="confirm").exists()


def test_two_workers_send_one_reminder(cleo: Client) -> None:
    confirm_path(cleo, CLEO)
    later = timezone.now() + timedelta(days=3)
    assert [subscribing.remind(now=later), subscribing.remind(now=later)] == [1, 0]
