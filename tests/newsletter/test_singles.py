"""Letters to one person: each has its words, none is bulk mail, none holds what was typed."""

import re
import smtplib
from datetime import timedelta

import pytest
from django.utils import timezone

from newsletter import answering, posting
from newsletter.models import AddressChange, Letter, SignUp, Subscriber
from newsletter.posting import Kind
from newsletter.singles import message_of
from tests.newsletter.conftest import Mailer, Post, refusal

pytestmark = pytest.mark.django_db

PILLS = "buy-cheap-pills@readers.example"


@pytest.fixture
def letters() -> list[Letter]:
    """One letter of each kind, all to one address."""
    now = timezone.now()
    reader = Subscriber.objects.create(email=PILLS, joined_at=now)
    sign_up = SignUp.objects.create(email=PILLS, form="foot", text_version="1", asked_at=now)
    change = AddressChange.objects.create(subscriber=reader, email=PILLS, asked_at=now)
    keys = {Kind.CONFIRM: sign_up.key, Kind.REMIND: sign_up.key, Kind.CHANGE: change.key}
    return [posting.want(kind, PILLS, key=keys.get(kind, reader.key), now=now) for kind in Kind]


def test_r3_none_is_bulk_mail(letters: list[Letter], post: Post) -> None:
    assert answering.answer_waiting(now=timezone.now()) == len(Kind)
    for letter in post.parsed():
        for header in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-ID"):
            assert letter[header] is None


def test_r41_none_holds_a_word_that_a_visitor_typed(letters: list[Letter]) -> None:
    for letter in letters:
        message = message_of(letter)
        assert message is not None
        words = f"{message.subject} {message.body} {message.alternatives[0][0]!s}"
        assert "pills" not in words, letter.kind
        assert "buy" not in words, letter.kind


def test_both_parts_hold_the_same_links_and_the_sender(letters: list[Letter], settings) -> None:
    for letter in letters:
        message = message_of(letter)
        assert message is not None
        html, text = str(message.alternatives[0][0]), str(message.body)
        in_text = set(re.findall(r"https://fibrosite\.example/\S+", text))
        in_html = set(re.findall(r'href="(https://fibrosite\.example/[^"]+)"', html))
        assert in_text == in_html, letter.kind
        assert settings.POSTAL_ADDRESS in text
        assert settings.POSTAL_ADDRESS in html


def test_each_subject_is_its_own(letters: list[Letter]) -> None:
    subjects = {str(message.subject) for letter in letters if (message := message_of(letter))}
    assert len(subjects) == len(Kind)


def test_a_letter_to_somebody_who_is_gone_is_not_sent(bea: Subscriber, mailer: Mailer) -> None:
    now = timezone.now()
    posting.want(Kind.WELCOME, bea.email, key=bea.key, now=now)
    bea.delete()
    assert answering.answer_waiting(now=now) == 0
    assert Letter.objects.get().dropped_at == now


def test_a_second_wish_replaces_the_letter_that_waits(bea: Subscriber, mailer: Mailer) -> None:
    for _ in range(2):
        posting.want(Kind.DATA, "BEA@readers.example", key=bea.key, now=timezone.now())
    assert answering.answer_waiting(now=timezone.now()) == 1


@pytest.mark.parametrize("kind", [Kind.WELCOME, Kind.CHANGED, Kind.REMIND])
def test_a_busy_mailbox_gets_it_later_but_what_may_have_arrived_is_not_repeated(
    bea: Subscriber, mailer: Mailer, kind: Kind
) -> None:
    now = timezone.now()
    posting.want(kind, bea.email, key=bea.key, now=now)
    mailer.answers = [refusal(451), smtplib.SMTPServerDisconnected("gone")]
    for hours in range(10):
        answering.answer_waiting(now=now + timedelta(hours=hours))
    assert (mailer.answers, mailer.letters) == ([], [])


@pytest.mark.parametrize("kind", [Kind.DATA, Kind.ERASE])
def test_what_somebody_waits_for_is_repeated_if_it_may_be_lost(
    bea: Subscriber, mailer: Mailer, kind: Kind
) -> None:
    now = timezone.now()
    posting.want(kind, bea.email, key=bea.key, now=now)
    mailer.answers = [smtplib.SMTPServerDisconnected("gone")]
    answering.answer_waiting(now=now)
    assert answering.answer_waiting(now=now + timedelta(hours=1)) == 1


def test_why_a_letter_was_dropped_is_kept(bea: Subscriber, mailer: Mailer) -> None:
    posting.want(Kind.DATA, bea.email, key=bea.key, now=timezone.now())
    mailer.answers = [refusal(550, "no such user")]
    answering.answer_waiting(now=timezone.now())
    letter = Letter.objects.get()
    assert letter.dropped_at
    assert "no such user" in letter.reason
