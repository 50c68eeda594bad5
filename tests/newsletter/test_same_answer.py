"""Nobody learns from us whether an address is on the list."""

import pytest
from django.test import Client
from django.utils import timezone

from newsletter import answering, subscribing
from newsletter.models import Subscriber
from tests.newsletter.scenes import letters_to, sign_up

pytestmark = pytest.mark.django_db

PEOPLE = ["new", "pending", "known", "left"]


@pytest.fixture
def people() -> list[str]:
    """The addresses of somebody new, somebody who was asked, Bea, and somebody who left."""
    now = timezone.now()
    subscribing.ask("pending@readers.example", form="foot", now=now)
    answering.answer_waiting(now=now)
    Subscriber.objects.create(email="known@readers.example", joined_at=now)
    Subscriber.objects.create(email="left@readers.example", joined_at=now, state="left")
    return [f"{name}@readers.example" for name in PEOPLE]


def subjects_to(address: str) -> list[str]:
    return [str(letter.subject) for letter in letters_to(address)]


@pytest.mark.parametrize("headers", [{}, {"X-Fragment": "1"}], ids=["page", "fragment"])
def test_new_pending_known_and_left_look_the_same(people: list[str], headers) -> None:
    seen = []
    for address in people:
        cleo = Client(headers=headers)
        response = sign_up(cleo, address)
        seen.append((response.status_code, response.content, dict(response.headers)))
        assert not response.cookies
    assert seen == [seen[0]] * 4


def test_the_page_after_it_looks_the_same(people: list[str]) -> None:
    pages = [Client().post("/subscribe/", {"email": a}, follow=True).content for a in people]
    assert pages == [pages[0]] * 4


def test_only_the_letters_differ(people: list[str], mailoutbox) -> None:
    mailoutbox.clear()
    for address in people:
        sign_up(Client(), address)
    answering.answer_waiting(now=timezone.now())
    subjects = {name: subjects_to(f"{name}@readers.example") for name in PEOPLE}
    confirm, note = "Please confirm: the Fibrosite digest", "You already get the Fibrosite digest"
    assert subjects == {"new": [confirm], "pending": [], "known": [note], "left": [confirm]}


def test_bea_gets_one_note_a_day(bea: Subscriber, cleo: Client) -> None:
    for _ in range(3):
        sign_up(cleo, "BEA@readers.example")
        answering.answer_waiting(now=timezone.now())
    assert len(letters_to("bea@readers.example")) == 1
    tomorrow = timezone.now() + subscribing.COOL_DOWN
    subscribing.ask("bea@readers.example", form="foot", now=tomorrow)
    answering.answer_waiting(now=tomorrow)
    assert len(letters_to("bea@readers.example")) == 2


def test_signing_up_again_changes_nothing_for_bea(bea: Subscriber, cleo: Client) -> None:
    sign_up(cleo, "bea@readers.example")
    answering.answer_waiting(now=timezone.now())
    before, bea = bea, Subscriber.objects.get()
    assert (bea.state, bea.joined_at, bea.key) == ("active", before.joined_at, before.key)
    assert not bea.consent.exists()
