"""Leaving: one press, or one POST of the mail program, at once and for ever (R20-R31)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import subscribing
from newsletter.models import ConsentEvent, Subscriber
from newsletter.tokens import confirm_token, leave_token
from tests.factories import SubscriberFactory
from tests.newsletter.scenes import everything, leave_path, race

pytestmark = pytest.mark.django_db

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


def has_left(subscriber: Subscriber) -> bool:
    return Subscriber.objects.get(pk=subscriber.pk).state == Subscriber.State.LEFT


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(cleo: Client, bea: Subscriber, method: str) -> None:
    before = everything()
    assert getattr(cleo, method)(leave_path(bea)).status_code == 200
    assert everything() == before


def test_the_page_has_one_form_that_no_script_sends(cleo: Client, bea: Subscriber) -> None:
    page = cleo.get(leave_path(bea)).text
    assert page.count("<form") == 1
    assert "data-sign-up" not in page
    assert "csrf" not in page
    assert "bea@" not in page


def test_pressing_the_button_takes_bea_off_the_list(cleo: Client, bea: Subscriber) -> None:
    response = cleo.post(leave_path(bea), {"from": "page"})
    assert response.status_code == 200
    assert "You have unsubscribed" in response.text
    assert has_left(bea)
    assert ConsentEvent.objects.get().method == "page"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"List-Unsubscribe=One-Click", URLENCODED),
        (MULTIPART, "multipart/form-data; boundary=b"),
        (b"", URLENCODED),
        (b"", ""),
        (b"", "multipart/form-data; boundary=b"),
        (b"", "multipart/form-data"),
        (b"List-Unsubscribe=One-Click", "multipart/form-data"),
        (b"List-Unsubscribe=One-Click", f"{URLENCODED}; charset=iso-8859-1"),
        (b"List-Unsubscribe=One-Click", "text/plain"),
        (b"\x00\xff" * 40, URLENCODED),
        (b"&".join([b"a=1"] * 1100), URLENCODED),
        (b"a=" + b"x" * 3_000_000, URLENCODED),
    ],
    ids=[
        "urlencoded",
        "multipart",
        "empty",
        "empty, no type",
        "empty multipart",
        "no boundary",
        "body without boundary",
        "other charset",
        "plain text",
        "noise",
        "many fields",
        "too long",
    ],
)
def test_one_post_of_the_mail_program_is_enough(
    bea: Subscriber, body: bytes, content_type: str
) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.generic("POST", leave_path(bea), body, content_type=content_type)
    assert response.status_code == 200
    assert has_left(bea)
    assert ConsentEvent.objects.get().method == "one-click"
    assert not response.cookies


def test_a_repeat_is_answered_alike_and_makes_no_second_event(
    cleo: Client, bea: Subscriber
) -> None:
    first = cleo.post(leave_path(bea), ONE_CLICK)
    before = everything()
    second = cleo.post(leave_path(bea), ONE_CLICK)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert everything() == before
    assert ConsentEvent.objects.count() == 1


@pytest.mark.usefixtures("shared_database")
def test_two_posts_at_once_make_one_event(bea: Subscriber) -> None:
    path = leave_path(bea)

    def press() -> int:
        return Client().post(path, ONE_CLICK).status_code

    assert race(press, press, press) == [200, 200, 200]
    assert ConsentEvent.objects.count() == 1


def test_forged_links_are_refused_without_a_hint(cleo: Client, bea: Subscriber) -> None:
    good = leave_path(bea)
    forged = [
        good[:-3] + "AA/",
        "/unsubscribe/nonsense/",
        "/unsubscribe/1/",
        "/unsubscribe/%00.%ff/",
        f"/unsubscribe/{bea.key}/",
        f"/unsubscribe/{bea.email}/",
        f"/unsubscribe/{confirm_token(bea.key)}/",
    ]
    before = everything()
    answers = set()
    for path in forged:
        for response in (cleo.get(path), cleo.post(path, ONE_CLICK)):
            answers.add((response.status_code, response.content))
    assert len(answers) == 1
    assert answers.pop()[0] == 400
    assert everything() == before


def test_somebody_whom_we_erased_gets_the_same_answer(cleo: Client, bea: Subscriber) -> None:
    erased = SubscriberFactory.create()
    path = leave_path(erased)
    erased.delete()
    known, unknown = cleo.post(leave_path(bea), ONE_CLICK), cleo.post(path, ONE_CLICK)
    undo = path.removeprefix("/unsubscribe/")
    assert unknown.text.replace(undo, leave_path(bea).removeprefix("/unsubscribe/")) == known.text
    assert known.status_code == unknown.status_code == 200


def test_a_login_of_somebody_else_plays_no_part(
    ada_browses: Client, ada: User, bea: Subscriber
) -> None:
    other = SubscriberFactory.create(email="ada@readers.example")
    response = ada_browses.post(leave_path(bea), ONE_CLICK)
    assert response.status_code == 200
    assert has_left(bea)
    assert not has_left(other)
    assert not response.cookies


def test_no_answer_sets_a_cookie_or_is_kept(cleo: Client, bea: Subscriber) -> None:
    path = leave_path(bea)
    for response in (cleo.get(path), cleo.post(path, ONE_CLICK), cleo.get("/unsubscribe/x/")):
        assert "Set-Cookie" not in response.headers
        assert not response.cookies
        assert "no-store" in response["Cache-Control"]
        assert "noindex" in response["X-Robots-Tag"]
        assert response["Referrer-Policy"] == "no-referrer"


def test_the_pages_load_nothing_from_elsewhere(cleo: Client, bea: Subscriber) -> None:
    page = cleo.get(leave_path(bea)).text
    assert 'src="http' not in page
    assert "img-src 'self'" in cleo.get(leave_path(bea))["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(cleo: Client, bea: Subscriber, method: str) -> None:
    assert getattr(cleo, method)(leave_path(bea)).status_code == 405
    assert not has_left(bea)


def test_the_mailed_address_never_redirects_in_production(
    bea: Subscriber, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.ALLOWED_HOSTS = ["fibrosite.example"]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    program = Client(enforce_csrf_checks=True, SERVER_NAME="fibrosite.example")
    response = program.post(leave_path(bea), ONE_CLICK, secure=True)
    assert response.status_code == 200
    assert has_left(bea)


def test_the_mailed_address_never_redirects_behind_a_proxy(
    bea: Subscriber, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    program = Client(headers={"X-Forwarded-Proto": "https"})
    assert program.post(leave_path(bea), ONE_CLICK).status_code == 200


@pytest.mark.parametrize("language", ["de", "ar", "xx"])
def test_the_language_of_the_mail_program_plays_no_part(bea: Subscriber, language: str) -> None:
    program = Client(headers={"Accept-Language": language})
    assert program.post(leave_path(bea), ONE_CLICK).status_code == 200


def test_a_rotated_key_keeps_the_link_alive(
    cleo: Client, bea: Subscriber, settings: Settings
) -> None:
    path = leave_path(bea)
    settings.SECRET_KEY_FALLBACKS = ["older still", settings.SECRET_KEY]
    settings.SECRET_KEY = "the new one"
    assert cleo.post(path, ONE_CLICK).status_code == 200
    assert has_left(bea)


def test_a_forgotten_key_ends_the_link(cleo: Client, bea: Subscriber, settings: Settings) -> None:
    path = leave_path(bea)
    settings.SECRET_KEY = "the new one"
    assert cleo.post(path, ONE_CLICK).status_code == 400
    assert not has_left(bea)


def test_the_link_works_after_five_years(cleo: Client, bea: Subscriber) -> None:
    path = leave_path(bea)
    with time_machine.travel(timezone.now() + timedelta(days=5 * 366)):
        assert cleo.post(path, ONE_CLICK).status_code == 200
    assert has_left(bea)


def test_the_link_works_after_her_address_has_changed(cleo: Client, bea: Subscriber) -> None:
    path = leave_path(bea)
    Subscriber.objects.update(email="bea@elsewhere.example")
    cleo.post(path, ONE_CLICK)
    assert has_left(bea)


def test_two_readers_never_share_a_link(bea: Subscriber) -> None:
    other = SubscriberFactory.create()
    assert leave_path(bea) != leave_path(other)
    assert "bea" not in leave_path(bea)
    assert leave_token(bea.key) == leave_token(bea.key)


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError])
def test_a_database_fault_asks_the_mail_program_to_try_again(
    cleo: Client, bea: Subscriber, fault: type[Exception]
) -> None:
    def broken(*args: Any) -> None:
        raise fault("gone away")

    with connection.execute_wrapper(broken):
        response = cleo.post(leave_path(bea), ONE_CLICK)
    assert response.status_code == 503
    assert response["Retry-After"]
    assert cleo.post(leave_path(bea), ONE_CLICK).status_code == 200


def test_leaving_is_never_rate_limited(cleo: Client) -> None:
    cache.clear()
    for reader in SubscriberFactory.create_batch(40):
        assert cleo.post(leave_path(reader), ONE_CLICK).status_code == 200
    assert not Subscriber.objects.active().exists()


def test_both_or_neither_are_written(bea: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(**fields: object) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(ConsentEvent.objects, "create", crash)
    with pytest.raises(OperationalError):
        subscribing.leave(bea, method="page", now=timezone.now())
    assert not has_left(bea)
