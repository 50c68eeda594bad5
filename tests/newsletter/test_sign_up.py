"""Signing up: a letter goes to the address, and nothing else happens until its owner says so."""

from functools import partial

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter import answering, subscribing, tasks
from newsletter.forms import tidy_address
from newsletter.models import SignUp, Subscriber
from tests.newsletter.scenes import letters_to, race, sign_up, stamp_of

pytestmark = pytest.mark.django_db


def test_cleo_signs_up_and_is_told_to_look_into_her_inbox(cleo: Client) -> None:
    response = sign_up(cleo, "cleo@readers.example")
    assert (response.status_code, response["Location"]) == (303, "/subscribe/check/")
    assert SignUp.objects.get().email == "cleo@readers.example"
    assert not Subscriber.objects.exists()


def test_a_worker_sends_cleo_the_letter_once(cleo: Client) -> None:
    sign_up(cleo, "cleo@readers.example")
    assert answering.answer_waiting(now=timezone.now()) == 1
    assert answering.answer_waiting(now=timezone.now()) == 0
    assert len(letters_to("cleo@readers.example")) == 1


def test_the_letter_is_queued_when_the_sign_up_is_safe_in_the_database(
    cleo: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    queued: list[bool] = []
    monkeypatch.setattr(
        tasks.answer_sign_ups, "delay", lambda: queued.append(SignUp.objects.exists())
    )
    with django_capture_on_commit_callbacks(execute=True):
        sign_up(cleo, "cleo@readers.example")
        assert queued == []
    assert queued == [True]


def test_our_script_gets_a_fragment_to_put_in_the_place_of_the_form(cleo: Client) -> None:
    response = cleo.post(
        "/subscribe/", {"email": "cleo@readers.example"}, headers={"X-Fragment": "1"}
    )
    assert response.status_code == 200
    assert "inbox" in response.text
    assert "<html" not in response.text


def test_the_form_and_the_version_of_its_words_are_kept(cleo: Client) -> None:
    sign_up(cleo, "cleo@readers.example", place="foot")
    assert SignUp.objects.get().form == "foot"
    assert SignUp.objects.get().text_version


def test_a_place_that_we_do_not_know_counts_as_the_page(cleo: Client) -> None:
    sign_up(cleo, "cleo@readers.example", place="<script>" * 10)
    assert SignUp.objects.get().form == "page"


@pytest.mark.parametrize("seconds", [2, 3600, 29 * 24 * 3600])
def test_a_form_may_stay_open_for_weeks(cleo: Client, seconds: int) -> None:
    sign_up(cleo, "cleo@readers.example", stamp=stamp_of(seconds_ago=seconds))
    assert SignUp.objects.exists()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  cleo@readers.example\n", "cleo@readers.example"),
        ("Cleo.Doe@Readers.EXAMPLE", "Cleo.Doe@readers.example"),
        ("cleo+digest@readers.example", "cleo+digest@readers.example"),
        ("o'cleo@readers.example", "o'cleo@readers.example"),
        ("cleo@Bücher.example", "cleo@xn--bcher-kva.example"),
        ("cleo@bu\u0308cher.example", "cleo@xn--bcher-kva.example"),
        ("cleo@xn--bcher-kva.example", "cleo@xn--bcher-kva.example"),
        ("cleo@例え。テスト", "cleo@xn--r8jz45g.xn--zckzah"),
        ("cleo@\uff32eaders.example", "cleo@readers.example"),
    ],
)
def test_one_address_is_stored_in_one_way(cleo: Client, typed: str, stored: str) -> None:
    sign_up(cleo, typed)
    assert SignUp.objects.get().email == stored
    assert tidy_address(stored) == stored


def test_capitals_make_no_second_address(cleo: Client) -> None:
    sign_up(cleo, "Cleo@readers.example")
    sign_up(cleo, "cLEO@READERS.example")
    assert SignUp.objects.get().email == "Cleo@readers.example"


def test_a_letter_reaches_a_domain_with_umlauts(cleo: Client, post) -> None:
    sign_up(cleo, "cleo@bücher.example")
    assert answering.answer_waiting(now=timezone.now()) == 1
    assert post.recipients == ["cleo@xn--bcher-kva.example"]


@pytest.mark.usefixtures("shared_database")
def test_two_presses_at_once_make_one_sign_up(cleo: Client) -> None:
    def press() -> int:
        return sign_up(Client(), "cleo@readers.example").status_code

    assert race(press, press, press) == [303, 303, 303]
    assert SignUp.objects.count() == 1


@pytest.mark.usefixtures("shared_database")
def test_the_same_new_address_from_many_processes_at_once_is_one_sign_up() -> None:
    for number in range(10):
        address, now = f"reader{number}@readers.example", timezone.now()
        race(*[partial(subscribing.ask, address, form="foot", now=now)] * 4)
        assert SignUp.objects.filter(email=address).count() == 1


@pytest.mark.usefixtures("shared_database")
def test_two_workers_at_once_send_one_letter(cleo: Client) -> None:
    sign_up(cleo, "cleo@readers.example")
    now = timezone.now()
    counts = race(*[lambda: answering.answer_waiting(now=now)] * 3)
    assert sorted(counts) == [0, 0, 1]
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("shared_database")
def test_bea_gets_one_note_however_often_she_presses_at_once(bea: Subscriber) -> None:
    def press() -> int:
        sign_up(Client(), "bea@readers.example")
        return answering.answer_waiting(now=timezone.now())

    assert sum(race(press, press, press)) + answering.answer_waiting(now=timezone.now()) == 1
