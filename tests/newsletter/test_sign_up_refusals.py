"""Sign-ups that are refused, each with a sentence and none with a crash."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter import answering
from newsletter.forms import form_stamp
from newsletter.models import SignUp
from newsletter.views import SIGN_UPS_AN_HOUR
from tests.factories import NOON
from tests.newsletter.scenes import sign_up, stamp_of

pytestmark = pytest.mark.django_db

NAUGHTY = json.loads((Path(__file__).parents[1] / "data" / "naughty-strings.json").read_text())
ODDITIES = [
    "cleo@readers.example\r\nBcc: everyone@readers.example",
    "cleo@readers.example\nSubject: hello",
    "cleo\r\n@readers.example",
    "cleo@readers.example%0ABcc:bea@readers.example",
    "cleo@readers.example,bea@readers.example",
    "cleo@readers.example;bea@readers.example",
    "Cleo <cleo@readers.example>",
    "cleo@bea@readers.example",
    "cleo@@readers.example",
    "@readers.example",
    "cleo@",
    "@",
    "cleo",
    "cleo@readers",
    "cleo@localhost",
    "cleo@[127.0.0.1]",
    "cleo@[::1]",
    "cleo@-readers.example",
    "cleo@readers..example",
    ".cleo@readers.example",
    "cleo.@readers.example",
    "cl eo@readers.example",
    '"cleo doe"@readers.example',
    '"cleo"@readers.example',
    '"\x0b"@readers.example',
    '"cleo@bea"@readers.example',
    "cleo\x00@readers.example",
    "\x00",
    "cléo@readers.example",
    "m\u0131ke@readers.example",
    "cleo@straße.example",
    "cleo@read\u200ders.example",
    "\u202ecleo@readers.example",
    "cleo@read\u202eers.example",
    "🙂@readers.example",
    "cleo@\ud7ff\U0010ffff.example",
    f"{'c' * 300}@readers.example",
    f"cleo@{'r' * 64}.example",
    f"cleo@{'r.' * 150}example",
    f"cleo@{'bücher.' * 20}example",
    f"{'c' * 240}@readers.example",
    "a" * 100_000,
]


def shortly(text: str) -> str:
    return ascii(text)[:30]


@pytest.mark.parametrize("typed", [*NAUGHTY, *ODDITIES], ids=shortly)
def test_what_is_no_address_gets_a_sentence(cleo: Client, typed: str) -> None:
    response = sign_up(cleo, typed)
    assert response.status_code == 400
    assert 'role="alert"' in response.text or 'class="error"' in response.text
    assert not SignUp.objects.exists()


@pytest.mark.parametrize("typed", NAUGHTY, ids=shortly)
def test_naughty_strings_before_the_at_make_no_crash(cleo: Client, typed: str) -> None:
    assert sign_up(cleo, f"{typed}@readers.example").status_code in (303, 400)
    answering.answer_waiting(now=timezone.now())
    assert all(letter.to[0].isascii() and not letter.bcc for letter in mail.outbox)


@pytest.mark.parametrize("field", ["website", "place", "stamp"])
def test_naughty_strings_elsewhere_make_no_crash(field: str) -> None:
    for number, typed in enumerate([*NAUGHTY, *ODDITIES]):
        cleo = Client(REMOTE_ADDR=f"192.0.2.{number}")
        response = sign_up(cleo, f"cleo{number}@readers.example", **{field: typed})
        assert response.status_code in (303, 400), ascii(typed)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data"),
        (b"email=cleo", "multipart/form-data; boundary=none"),
        (b"\xff\xfe=\xff", "application/x-www-form-urlencoded"),
        (b"email=%ff%00%", "application/x-www-form-urlencoded"),
        (b"email=a", "application/x-www-form-urlencoded; charset=latin-1"),
        (b'{"email": 1}', "application/json"),
        (b"&".join(b"a=1" for _ in range(1100)), "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 3_000_000, "application/x-www-form-urlencoded"),
    ],
    ids=range(9),
)
def test_a_body_that_is_no_form_is_refused(cleo: Client, body: bytes, content_type: str) -> None:
    response = cleo.generic("POST", "/subscribe/", body, content_type=content_type)
    assert response.status_code in (400, 413)


def test_what_was_typed_is_shown_again_without_its_markup(cleo: Client) -> None:
    response = sign_up(cleo, '"><script>alert(1)</script>')
    assert "&lt;script&gt;alert(1)" in response.text
    assert "<script>alert" not in response.text


def test_a_form_sent_within_a_second_is_too_fast(cleo: Client) -> None:
    response = sign_up(cleo, "cleo@readers.example", stamp=form_stamp())
    assert response.status_code == 400
    assert "very quick" in response.text
    assert not SignUp.objects.exists()


def test_pressing_once_more_after_too_fast_works(cleo: Client) -> None:
    stamp = stamp_of(seconds_ago=0)
    assert stamp in sign_up(cleo, "cleo@readers.example", stamp=stamp).text
    with time_machine.travel(timezone.now() + timedelta(seconds=1)):
        assert sign_up(cleo, "cleo@readers.example", stamp=stamp).status_code == 303


def test_a_form_open_for_a_month_is_stale_and_gets_a_new_stamp(cleo: Client) -> None:
    stamp = stamp_of(seconds_ago=31 * 24 * 3600)
    response = sign_up(cleo, "cleo@readers.example", stamp=stamp)
    assert response.status_code == 400
    assert "press once more" in response.text
    assert stamp not in response.text
    assert 'name="stamp" value="1' in response.text


@pytest.mark.parametrize("stamp", ["1", "1700000000000:AAAA", ":", "x:y:z"])
def test_a_forged_stamp_is_refused(cleo: Client, stamp: str) -> None:
    assert sign_up(cleo, "cleo@readers.example", stamp=stamp).status_code == 400
    assert not SignUp.objects.exists()


def test_the_trap_answers_like_a_sign_up_and_does_nothing(cleo: Client) -> None:
    honest = sign_up(cleo, "cleo@readers.example")
    SignUp.objects.all().delete()
    trapped = sign_up(cleo, "cleo@readers.example", website="https://spam.example")
    assert (trapped.status_code, trapped.headers) == (honest.status_code, honest.headers)
    assert not SignUp.objects.exists()


def test_a_network_that_signs_up_too_often_is_told_when_to_come_back(cleo: Client) -> None:
    with time_machine.travel(NOON, tick=False):
        for number in range(SIGN_UPS_AN_HOUR):
            assert sign_up(cleo, f"reader{number}@readers.example").status_code == 303
        response = sign_up(cleo, "cleo@readers.example")
    assert response.status_code == 429
    assert response["Retry-After"] == "3600"
    assert "try again in 60 minutes" in response.text
    assert not SignUp.objects.filter(email="cleo@readers.example").exists()


def test_another_network_may_still_sign_up(cleo: Client) -> None:
    with time_machine.travel(NOON, tick=False):
        for number in range(SIGN_UPS_AN_HOUR + 1):
            sign_up(cleo, f"reader{number}@readers.example")
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        assert sign_up(elsewhere, "cleo@readers.example").status_code == 303


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(cleo: Client, method: str) -> None:
    assert getattr(cleo, method)("/subscribe/").status_code == 405
