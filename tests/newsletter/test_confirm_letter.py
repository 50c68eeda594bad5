"""The letter to confirm with, and the note to those who are on the list already (R3, R41)."""

import smtplib
from datetime import timedelta

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import answering, subscribing
from newsletter.models import Letter, SignUp, Subscriber
from tests.newsletter.conftest import Mailer, Post, refusal
from tests.newsletter.scenes import letters_to, path_in, sign_up

pytestmark = pytest.mark.django_db

CLEO = "cleo@readers.example"


def asked(email: str = CLEO) -> SignUp:
    subscribing.ask(email, form="foot", now=timezone.now())
    return SignUp.objects.get(email=email)


def test_it_is_no_bulk_mail(cleo: Client, bea: Subscriber, post: Post) -> None:
    sign_up(cleo, CLEO)
    sign_up(cleo, "bea@readers.example")
    answering.answer_waiting(now=timezone.now())
    assert sorted(post.recipients) == ["bea@readers.example", CLEO]
    for letter in post.parsed():
        assert letter["List-Unsubscribe"] is None
        assert letter["List-Unsubscribe-Post"] is None
        assert letter["List-ID"] is None


def test_it_holds_no_word_that_a_visitor_typed(cleo: Client) -> None:
    sign_up(cleo, "buy-cheap-pills@readers.example", place="buy", website="")
    answering.answer_waiting(now=timezone.now())
    (letter,) = letters_to("buy-cheap-pills@readers.example")
    assert isinstance(letter, EmailMultiAlternatives)
    words = f"{letter.subject} {letter.body} {letter.alternatives[0][0]!s}"
    assert "buy" not in words
    assert "pills" not in words


def test_both_parts_hold_the_link_and_the_sender(cleo: Client, settings) -> None:
    sign_up(cleo, CLEO)
    answering.answer_waiting(now=timezone.now())
    (letter,) = letters_to(CLEO)
    assert isinstance(letter, EmailMultiAlternatives)
    for words in (str(letter.body), str(letter.alternatives[0][0])):
        assert "https://fibrosite.example/confirm/" in words
        assert settings.POSTAL_ADDRESS in words


def test_letters_share_one_connection(post: Post) -> None:
    for number in range(5):
        asked(f"reader{number}@readers.example")
    assert answering.answer_waiting(now=timezone.now()) == 5
    assert len(post.sessions) == 1


def test_nothing_is_opened_when_nobody_waits(mailer: Mailer) -> None:
    assert answering.answer_waiting(now=timezone.now()) == 0
    assert mailer.opened == 0


def test_a_silent_server_leaves_all_letters_waiting(mailer: Mailer) -> None:
    asked()
    mailer.is_silent = True
    assert answering.answer_waiting(now=timezone.now()) == 0
    assert answering.letters_waiting() == 1
    mailer.is_silent = False
    assert answering.answer_waiting(now=timezone.now()) == 1
    assert answering.letters_waiting() == 0


def test_a_server_that_closes_leaves_the_letter_and_those_behind_it_waiting(
    mailer: Mailer,
) -> None:
    asked()
    asked("dara@readers.example")
    mailer.answers = [refusal(421, "closing")]
    assert answering.answer_waiting(now=timezone.now()) == 0
    assert answering.letters_waiting() == 2
    assert answering.answer_waiting(now=timezone.now()) == 2


def test_a_busy_mailbox_is_tried_again_after_a_pause(mailer: Mailer) -> None:
    asked()
    mailer.answers = [refusal(451, "greylisted")]
    now = timezone.now()
    assert answering.answer_waiting(now=now) == 0
    assert answering.answer_waiting(now=now + answering.PAUSE / 2) == 0
    assert answering.letters_waiting() == 1
    assert answering.answer_waiting(now=now + answering.PAUSE) == 1


def test_a_mailbox_that_stays_busy_is_given_up_after_a_week(mailer: Mailer) -> None:
    asked()
    now = timezone.now()
    mailer.answers = [refusal(451)] * 1000
    tries = 0
    for hour in range(24 * 9):
        before = len(mailer.answers)
        answering.answer_waiting(now=now + timedelta(hours=hour))
        tries += before - len(mailer.answers)
    assert 24 * 6 < tries <= 24 * 7


def test_a_refused_letter_is_not_repeated(mailer: Mailer) -> None:
    asked()
    mailer.answers = [refusal(550, "no such user")]
    for _ in range(3):
        assert answering.answer_waiting(now=timezone.now()) == 0
    assert mailer.letters == []
    assert answering.letters_waiting() == 0


def test_a_refused_address_may_be_asked_for_again_the_next_day(mailer: Mailer) -> None:
    asked()
    mailer.answers = [refusal(550, "no such user")]
    answering.answer_waiting(now=timezone.now())
    asked()
    assert answering.letters_waiting() == 0
    with time_machine.travel(timezone.now() + subscribing.COOL_DOWN):
        asked()
        assert answering.answer_waiting(now=timezone.now()) == 1


def test_a_letter_that_may_be_lost_is_repeated_after_a_pause(mailer: Mailer) -> None:
    asked()
    mailer.answers = [smtplib.SMTPServerDisconnected("gone")]
    now = timezone.now()
    assert answering.answer_waiting(now=now) == 0
    assert Letter.objects.get().sent_at is None
    assert answering.letters_waiting() == 1
    assert answering.answer_waiting(now=now + answering.PAUSE / 2) == 0
    assert answering.answer_waiting(now=now + answering.PAUSE) == 1
    assert answering.letters_waiting() == 0


def test_a_server_that_never_says_what_it_took_gets_few_copies(mailer: Mailer) -> None:
    asked()
    now = timezone.now()
    mailer.answers = [smtplib.SMTPServerDisconnected("gone")] * 1000
    for quarter in range(4 * 24 * 9):
        answering.answer_waiting(now=now + quarter * timedelta(minutes=15))
    assert 5 < 1000 - len(mailer.answers) <= 10


def test_a_letter_whose_worker_died_is_sent_by_another(mailer: Mailer) -> None:
    asked()
    mailer.answers = [SystemExit()]
    now = timezone.now()
    with pytest.raises(SystemExit):
        answering.answer_waiting(now=now)
    assert answering.letters_waiting() == 1
    assert answering.answer_waiting(now=now + answering.CLAIM) == 0
    assert answering.answer_waiting(now=now + answering.CLAIM + timedelta(seconds=1)) == 1
    assert mailer.recipients == [CLEO]


def test_a_claim_outlives_a_round_and_its_last_letter(settings: Settings) -> None:
    steps = 5  # MAIL, RCPT, DATA, the message, and its answer
    longest = answering.ROUND_SECONDS + steps * settings.EMAIL_TIMEOUT
    assert timedelta(seconds=longest) < answering.CLAIM


def test_a_letter_in_one_workers_hands_is_left_alone_by_a_second(mailer: Mailer) -> None:
    asked()
    now = timezone.now()
    second: list[int] = []
    mailer.answers = [lambda: second.append(answering.answer_waiting(now=now))]
    assert answering.answer_waiting(now=now) == 1
    assert second == [0]


def test_a_note_that_may_have_arrived_is_not_repeated(bea: Subscriber, mailer: Mailer) -> None:
    subscribing.ask(bea.email, form="foot", now=timezone.now())
    mailer.answers = [smtplib.SMTPServerDisconnected("gone")]
    answering.answer_waiting(now=timezone.now())
    assert answering.answer_waiting(now=timezone.now() + timedelta(hours=5)) == 0


def test_letters_do_not_name_the_machine(cleo: Client, bea: Subscriber, post: Post) -> None:
    sign_up(cleo, CLEO)
    sign_up(cleo, bea.email)
    answering.answer_waiting(now=timezone.now())
    names = [letter["Message-ID"] for letter in post.parsed()]
    assert len(set(names)) == 2
    assert all(name.endswith("@fibrosite.example>") for name in names)


def test_refused_letters_do_not_hold_up_those_behind_them(mailer: Mailer) -> None:
    for number in range(answering.AT_ONCE):
        asked(f"refused{number}@readers.example")
    asked()
    mailer.answers = [refusal(451)] * answering.AT_ONCE
    now = timezone.now()
    answering.answer_waiting(now=now)
    answering.answer_waiting(now=now)
    assert mailer.recipients == [CLEO]


def test_a_note_that_a_mailbox_does_not_take_is_dropped(bea: Subscriber, mailer: Mailer) -> None:
    subscribing.ask(bea.email, form="foot", now=timezone.now())
    mailer.answers = [refusal(451)]
    answering.answer_waiting(now=timezone.now())
    answering.answer_waiting(now=timezone.now() + timedelta(hours=5))
    assert mailer.letters == []


def test_a_note_outlives_a_server_that_closes(bea: Subscriber, mailer: Mailer) -> None:
    subscribing.ask(bea.email, form="foot", now=timezone.now())
    mailer.answers = [refusal(421)]
    assert answering.answer_waiting(now=timezone.now()) == 0
    assert answering.answer_waiting(now=timezone.now()) == 1


def test_a_slow_server_does_not_hold_the_worker(
    mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "ROUND_SECONDS", -1)
    asked()
    assert answering.answer_waiting(now=timezone.now()) == 0
    assert answering.letters_waiting() == 1


def test_nothing_to_confirm_goes_to_somebody_who_confirmed_meanwhile(mailer: Mailer) -> None:
    sign_up_of_cleo = asked()
    subscribing.confirm(sign_up_of_cleo.key, now=timezone.now())
    assert answering.answer_waiting(now=timezone.now()) == 1
    assert mailer.letters[0].subject == "Welcome to the Fibrosite digest"


def test_a_letter_never_holds_a_link_that_was_replaced_meanwhile(mailer: Mailer) -> None:
    asked("dara@readers.example")
    outdated = asked()

    def join_leave_and_ask_again() -> None:
        cleo = subscribing.confirm(outdated.key, now=timezone.now())
        assert cleo
        subscribing.leave(cleo, method="one-click", now=timezone.now())
        asked()

    mailer.answers = [join_leave_and_ask_again]
    answering.answer_waiting(now=timezone.now() + timedelta(seconds=1))
    answering.answer_waiting(now=timezone.now() + timedelta(seconds=1))
    assert mailer.recipients == ["dara@readers.example", CLEO]
    path = path_in(mailer.letters[1], "confirm")
    assert Client().post(path).status_code == 200


def test_no_transaction_is_open_while_the_server_is_spoken_to(
    transactional_db: None, mailer: Mailer
) -> None:
    from django.db import connection  # noqa: PLC0415

    asked()
    seen: list[bool] = []
    mailer.answers = [lambda: seen.append(connection.in_atomic_block)]
    answering.answer_waiting(now=timezone.now())
    assert seen == [False]
