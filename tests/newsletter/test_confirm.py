"""Confirming an address: by one press on our page, and by nothing that a mail scanner does."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import answering, subscribing
from newsletter.models import ConsentEvent, SignUp, Subscriber
from newsletter.tokens import confirm_token, leave_token
from tests.newsletter.scenes import (
    confirm_path,
    everything,
    leave_path,
    letters_to,
    path_in,
    race,
    sign_up,
)

pytestmark = pytest.mark.django_db

CLEO = "cleo@readers.example"


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(cleo: Client, method: str) -> None:
    path = confirm_path(cleo, CLEO)
    before = everything()
    assert getattr(cleo, method)(path).status_code == 200
    assert everything() == before


def test_the_page_has_one_form_that_no_script_sends(cleo: Client) -> None:
    page = cleo.get(confirm_path(cleo, CLEO)).text
    assert page.count("<form") == 1
    assert "submit()" not in page
    assert "data-sign-up" not in page


def test_pressing_the_button_puts_cleo_on_the_list(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    assert cleo.post(path).status_code == 200
    assert Subscriber.objects.active().get().email == CLEO


def test_what_she_agreed_to_is_kept(cleo: Client) -> None:
    cleo.post(confirm_path(cleo, CLEO))
    event = ConsentEvent.objects.get()
    assert (event.kind, event.method, event.form) == ("confirmed", "page", "foot")
    assert event.text_version == subscribing.TEXT_VERSION
    assert event.asked_at == SignUp.objects.get().asked_at
    assert event.asked_at < event.happened_at


def test_a_consent_event_is_never_changed(cleo: Client) -> None:
    cleo.post(confirm_path(cleo, CLEO))
    with pytest.raises(TypeError):
        ConsentEvent.objects.get().save()


def test_pressing_twice_is_harmless(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    cleo.post(path)
    before = everything()
    assert cleo.post(path).status_code == 200
    assert everything() == before


@pytest.mark.usefixtures("shared_database")
def test_two_presses_at_once_make_one_subscriber(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)

    def press() -> int:
        return Client().post(path).status_code

    assert race(press, press, press) == [200, 200, 200]
    assert Subscriber.objects.count() == ConsentEvent.objects.count() == 1


def test_the_link_works_for_a_week(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23)):
        assert cleo.get(path).status_code == 200
        assert cleo.post(path).status_code == 200
    assert Subscriber.objects.exists()


def test_after_a_week_the_link_is_too_old(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert cleo.get(path).status_code == 400
        assert cleo.post(path).status_code == 400
    assert not Subscriber.objects.exists()


def test_forged_links_are_refused(cleo: Client, bea: Subscriber) -> None:
    good = confirm_path(cleo, CLEO)
    key = SignUp.objects.get().key
    forged = [
        good[:-3] + "AA/",
        good.replace("/confirm/", "/confirm/x"),
        "/confirm/nonsense/",
        "/confirm/a.b.c/",
        "/confirm/%00/",
        "/confirm/%F0%9F%99%82.%ff/",
        f"/confirm/{leave_token(key)}/",
        f"/confirm/{leave_token(bea.key)}/",
    ]
    before = everything()
    for path in forged:
        assert cleo.get(path).status_code == 400, path
        assert cleo.post(path).status_code == 400, path
    assert everything() == before


def test_a_link_of_a_forgotten_sign_up_is_refused(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    SignUp.objects.all().delete()
    assert cleo.post(path).status_code == 400


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(cleo: Client, method: str) -> None:
    assert getattr(cleo, method)("/confirm/x.y.z/").status_code == 405


def test_the_pages_are_kept_by_nobody_and_set_no_cookie(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    for response in (cleo.get(path), cleo.post(path), cleo.get("/confirm/x.y.z/")):
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]
        assert response["Referrer-Policy"] == "no-referrer"
        assert not response.cookies


def test_asking_again_within_a_day_sends_no_second_letter(cleo: Client) -> None:
    for _ in range(3):
        sign_up(cleo, CLEO)
        answering.answer_waiting(now=timezone.now())
    assert len(letters_to(CLEO)) == 1


def test_asking_again_after_a_day_sends_another_and_both_links_work(cleo: Client) -> None:
    first = confirm_path(cleo, CLEO)
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        second = confirm_path(cleo, CLEO)
        assert len(letters_to(CLEO)) == 2
        assert cleo.post(first).status_code == cleo.post(second).status_code == 200
    assert ConsentEvent.objects.count() == 1


def test_after_leaving_the_old_link_does_not_bring_her_back(cleo: Client) -> None:
    path = confirm_path(cleo, CLEO)
    cleo.post(path)
    cleo.post(leave_path(Subscriber.objects.get()))
    assert cleo.post(path).status_code == 400
    assert not Subscriber.objects.active().exists()


def test_she_may_come_back_by_signing_up_again(cleo: Client) -> None:
    first = confirm_path(cleo, CLEO)
    cleo.post(first)
    cleo.post(leave_path(Subscriber.objects.get()))
    second = confirm_path(cleo, CLEO)
    assert second != first
    assert cleo.post(first).status_code == 400
    assert cleo.post(second).status_code == 200
    cleo_again = Subscriber.objects.active().get()
    assert cleo_again.left_at is None
    kinds = [event.kind for event in cleo_again.consent.all()]
    assert kinds == ["confirmed", "left", "confirmed"]


def test_a_sign_up_never_confirms_another_address(cleo: Client, bea: Subscriber) -> None:
    subscribing.leave(bea, method="page", now=timezone.now())
    cleo.post(confirm_path(cleo, CLEO))
    assert [s.email for s in Subscriber.objects.active()] == [CLEO]


def test_a_rotated_key_keeps_the_link_alive(cleo: Client, settings: Settings) -> None:
    path = confirm_path(cleo, CLEO)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the new one"
    assert cleo.post(path).status_code == 200


def test_the_letter_holds_the_token_of_its_sign_up(cleo: Client) -> None:
    sign_up(cleo, CLEO)
    now = timezone.now()
    answering.answer_waiting(now=now)
    key = confirm_token(SignUp.objects.get().key).split(".")[0]
    assert path_in(letters_to(CLEO)[0], "confirm").startswith(f"/confirm/{key}.")
