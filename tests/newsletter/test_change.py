"""A reader moves to another address: only its owner's press does it (R20, R31, R40, R43, R47)."""

from datetime import timedelta

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from newsletter import answering, subscribing, suppressing
from newsletter.letters import leave_url, preferences_url
from newsletter.models import ConsentEvent, SignUp, Subscriber, Suppression
from newsletter.tokens import change_token, confirm_token
from tests.factories import SubscriberFactory
from tests.newsletter.scenes import SITE, everything, letters_to, path_in, sign_up

pytestmark = pytest.mark.django_db

BEA, NEW = "bea@readers.example", "bea@elsewhere.example"


def door(reader: Subscriber) -> str:
    return preferences_url(reader).removeprefix(SITE) + "address/"


def ask(reader: Subscriber, email: str = NEW) -> EmailMessage | None:
    """Type in a new address and let the letters go out; the last one to it."""
    Client().post(door(reader), {"email": email})
    answering.answer_waiting(now=timezone.now())
    letters = letters_to(email)
    return letters[-1] if letters else None


def change_path(reader: Subscriber, email: str = NEW) -> str:
    letter = ask(reader, email)
    assert letter
    return path_in(letter, "change")


def address(reader: Subscriber) -> str:
    return Subscriber.objects.get(pk=reader.pk).email


def test_r47_nothing_changes_until_the_new_address_confirms(bea: Subscriber, cleo: Client) -> None:
    path = change_path(bea)
    assert address(bea) == BEA
    answer = cleo.post(path)
    assert answer.status_code == 200
    assert "Your address is changed" in answer.text
    assert address(bea) == NEW


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_r20_opening_the_link_changes_nothing(bea: Subscriber, cleo: Client, method: str) -> None:
    path = change_path(bea)
    before = everything()
    for page in (path, door(bea)):
        answer = getattr(cleo, method)(page)
        assert answer.status_code == 200
        assert not answer.cookies
    assert everything() == before


def test_r43_the_change_is_an_event_that_holds_no_address(bea: Subscriber, cleo: Client) -> None:
    cleo.post(change_path(bea))
    event = bea.consent.get()
    assert (event.kind, event.method) == ("changed", "page")
    assert "@" not in event.detail
    assert event.asked_at
    assert event.asked_at < event.happened_at


def test_the_old_address_is_told_and_not_where_to(bea: Subscriber, cleo: Client) -> None:
    cleo.post(change_path(bea))
    answering.answer_waiting(now=timezone.now())
    (note,) = letters_to(BEA)
    assert "elsewhere" not in str(note.body)


def test_pressing_twice_is_harmless(bea: Subscriber, cleo: Client) -> None:
    path = change_path(bea)
    cleo.post(path)
    before = everything()
    assert cleo.post(path).status_code == 200
    assert everything() == before


def test_what_was_chosen_and_the_links_stay(bea: Subscriber, cleo: Client) -> None:
    Subscriber.objects.update(depth="gist", served_news=7)
    leave = leave_url(bea).removeprefix(SITE)
    cleo.post(change_path(bea))
    bea.refresh_from_db()
    assert (bea.depth, bea.served_news) == ("gist", 7)
    cleo.post(leave)
    bea.refresh_from_db()
    assert bea.state == "left"


def test_the_answer_is_the_same_whoever_has_the_address(bea: Subscriber) -> None:
    now = timezone.now()
    SubscriberFactory.create(email="known@readers.example")
    SubscriberFactory.create(email="left@readers.example", state="left")
    subscribing.ask("pending@readers.example", form="foot", now=now)
    hard = Suppression.Reason.HARD_BOUNCE
    suppressing.suppress("dead@readers.example", reason=hard, source="ses", now=now)
    names = ["new", "known", "left", "pending", "dead", "bea"]
    answers = [Client().post(door(bea), {"email": f"{name}@readers.example"}) for name in names]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (200, answers[0].content)
    }


@pytest.mark.parametrize("state", ["active", "left", "blocked"])
def test_a_taken_address_is_told_so_by_letter_alone(bea: Subscriber, state: str) -> None:
    SubscriberFactory.create(email=NEW, state=state)
    letter = ask(bea)
    assert letter
    assert "/change/" not in str(letter.body)
    assert "/subscribe/" in str(letter.body)


def test_an_address_taken_meanwhile_is_not_taken_over(bea: Subscriber, cleo: Client) -> None:
    path = change_path(bea)
    other = SubscriberFactory.create(email=NEW.upper())
    before = everything()
    answer = cleo.post(path)
    assert (answer.status_code, "cannot be used" in answer.text) == (400, True)
    assert everything() == before
    assert address(other) == NEW.upper()


def test_an_address_never_mailed_is_told_so_by_letter_and_back_by_its_owners_press(
    bea: Subscriber, cleo: Client
) -> None:
    complaint = Suppression.Reason.COMPLAINT
    suppressing.suppress(NEW, reason=complaint, source="ses", now=timezone.now())
    letter = ask(bea)
    assert letter
    assert "were stopped once" in str(letter.body)
    assert suppressing.is_suppressed(NEW)
    cleo.post(path_in(letter, "change"))
    assert not suppressing.is_suppressed(NEW)


def test_an_ordinary_address_gets_no_such_sentence(bea: Subscriber) -> None:
    letter = ask(bea)
    assert letter
    assert "were stopped" not in str(letter.body)


def test_r40_an_address_gets_one_such_letter_a_day(bea: Subscriber) -> None:
    other = SubscriberFactory.create()
    for reader in (bea, bea, other):
        ask(reader)
    assert len(letters_to(NEW)) == 1


def test_one_reader_causes_few_letters(bea: Subscriber) -> None:
    for number in range(6):
        ask(bea, f"stranger{number}@readers.example")
    answering.answer_waiting(now=timezone.now())
    assert len([n for n in range(6) if letters_to(f"stranger{n}@readers.example")]) == 3


def test_the_same_address_again_is_no_change(bea: Subscriber) -> None:
    assert ask(bea, "BEA@readers.example") is None
    assert letters_to(BEA) == []


def test_who_confirms_one_address_ends_the_other_links(bea: Subscriber, cleo: Client) -> None:
    first, second = change_path(bea), change_path(bea, "bea@third.example")
    cleo.post(second)
    assert cleo.post(first).status_code == 400
    assert address(bea) == "bea@third.example"


def test_after_a_week_the_link_is_too_old(bea: Subscriber, cleo: Client) -> None:
    path = change_path(bea)
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert cleo.post(path).status_code == 400
    assert address(bea) == BEA


def test_who_left_meanwhile_stays_away(bea: Subscriber, cleo: Client) -> None:
    path = change_path(bea)
    subscribing.leave(bea, method="one-click", now=timezone.now())
    assert cleo.post(path).status_code == 400
    assert address(bea) == BEA


def test_forged_links_are_refused(bea: Subscriber, cleo: Client) -> None:
    change_path(bea)
    key = bea.changes.get().key
    paths = [f"/change/{confirm_token(key)}/", f"/change/{change_token(bea.key)}/", "/change/x/"]
    before = everything()
    assert [cleo.post(path).status_code for path in paths] == [400] * 3
    assert cleo.post("/preferences/x.y/address/", {"email": NEW}).status_code == 400
    assert everything() == before


@pytest.mark.parametrize(
    "typed", ["", "bea", "bea@", "b" * 300 + "@x.example", "a@b.example\r\nBcc: c@d.e"]
)
def test_what_is_no_address_gets_a_sentence_and_is_not_lost(
    bea: Subscriber, cleo: Client, typed: str
) -> None:
    answer = cleo.post(door(bea), {"email": typed})
    assert answer.status_code == 400
    assert 'class="error"' in answer.text
    assert not bea.changes.exists()


def test_r31_the_pages_are_kept_by_nobody(bea: Subscriber, cleo: Client) -> None:
    path = change_path(bea)
    for page in (cleo.get(door(bea)), cleo.get(path), cleo.post(path), cleo.get("/change/x/")):
        assert "no-store" in page["Cache-Control"]
        assert "noindex" in page["X-Robots-Tag"]
        assert page["Referrer-Policy"] == "no-referrer"


def test_a_pending_sign_up_of_the_new_address_is_over(bea: Subscriber, cleo: Client) -> None:
    sign_up(cleo, NEW)
    cleo.post(change_path(bea))
    assert not SignUp.objects.exists()
    assert ConsentEvent.objects.count() == 1
