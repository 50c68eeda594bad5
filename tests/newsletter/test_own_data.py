"""A person sees all that we hold, by a mailed link (R20, R31, R40)."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from newsletter import answering, subscribing
from newsletter.letters import preferences_url
from newsletter.models import Letter, Subscriber
from newsletter.tokens import data_token, erase_token
from tests.factories import SubscriberFactory
from tests.newsletter.scenes import (
    SITE,
    confirm_path,
    digest_to,
    everything,
    letters_to,
    path_in,
    sign_up,
    stamp_of,
)

pytestmark = pytest.mark.django_db

CLEO = "cleo@readers.example"


def ask(email: str, want: str = "data", **fields: Any) -> Any:
    answer = Client().post("/my-data/", {"email": email, "want": want, **fields})
    answering.answer_waiting(now=timezone.now())
    return answer


def data_of(email: str) -> dict[str, Any]:
    """Ask, open the letter, press the button."""
    ask(email)
    answer = Client().post(path_in(letters_to(email)[-1], "my-data"))
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    return json.loads(answer.content)


def test_a_subscriber_gets_all_that_we_hold(cleo: Client) -> None:
    cleo.post(confirm_path(cleo, CLEO))
    reader = Subscriber.objects.get()
    subscribing.pause(reader, weeks=2, now=timezone.now())
    digest = digest_to(reader)
    data = data_of(CLEO)
    held = data["subscription"]
    assert (data["address"], held["state"]) == (CLEO, "active")
    assert held["preferences"]["cadence"] == "weekly"
    assert [event["kind"] for event in held["consent"]] == ["confirmed", "paused"]
    (copy,) = held["digests"]
    assert (copy["subject"], copy["state"]) == (digest.subject, "queued")
    assert {letter["kind"] for letter in data["letters"]} == {"confirm", "welcome", "data"}
    assert data["sign_up"]["form"] == "foot"
    assert data["never_mailed"] == []


def test_who_never_confirmed_gets_the_sign_up(cleo: Client) -> None:
    sign_up(cleo, CLEO)
    data = data_of(CLEO)
    assert data["subscription"] is None
    assert data["sign_up"]["confirmed_at"] is None


def test_nothing_of_others_is_in_it(bea: Subscriber) -> None:
    SubscriberFactory.create(email="other@readers.example")
    digest_to(bea)
    assert "other" not in json.dumps(data_of("bea@readers.example"))


def test_the_answer_is_the_same_for_unknown_addresses(bea: Subscriber) -> None:
    known, unknown = ask("bea@readers.example"), ask("nobody@readers.example")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert letters_to("nobody@readers.example") == []
    assert len(letters_to("bea@readers.example")) == 1


def test_one_such_letter_a_day(bea: Subscriber) -> None:
    for _ in range(3):
        ask("Bea@readers.example")
    assert len(letters_to("bea@readers.example")) == 1


@pytest.mark.parametrize("want", ["data", "erase"])
def test_both_are_asked_for_on_the_preferences_page(bea: Subscriber, want: str) -> None:
    path = preferences_url(bea).removeprefix(SITE)
    answer = Client().post(path, {"want": want})
    assert "We sent you a letter" in answer.text
    assert Letter.objects.get().kind == want
    assert Subscriber.objects.exists()


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_r20_opening_the_link_gives_nothing_away(
    bea: Subscriber, cleo: Client, method: str
) -> None:
    ask(bea.email)
    path = path_in(letters_to(bea.email)[0], "my-data")
    before = everything()
    answer = getattr(cleo, method)(path)
    assert answer.status_code == 200
    assert b"bea@" not in answer.content
    assert everything() == before


def test_the_file_and_its_page_are_kept_by_nobody(bea: Subscriber, cleo: Client) -> None:
    path = f"/my-data/{data_token(bea.key)}/"
    for answer in (cleo.get(path), cleo.post(path)):
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "no-referrer"
        assert not answer.cookies


def test_the_link_ends_after_a_week(bea: Subscriber, cleo: Client) -> None:
    path = f"/my-data/{data_token(bea.key)}/"
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert cleo.post(path).status_code == 400


def test_another_link_opens_nothing(bea: Subscriber, cleo: Client) -> None:
    assert cleo.post(f"/my-data/{erase_token(bea.key)}/").status_code == 400
    assert cleo.post("/my-data/x.y.z/").status_code == 400
    assert cleo.post(f"/erase/{data_token(bea.key)}/").status_code == 400
    assert Subscriber.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [{"email": ""}, {"email": "bea"}, {"want": ""}, {"want": "all"}, {"want": "\x00"}],
)
def test_odd_input_gets_a_sentence_and_sends_nothing(bea: Subscriber, fields: Any) -> None:
    answer = Client().post("/my-data/", {"email": bea.email, "want": "data", **fields})
    assert answer.status_code == 400
    assert answer.text.count('class="error"') == 1
    assert not Letter.objects.exists()


def test_machines_are_kept_out_as_from_the_sign_up(bea: Subscriber) -> None:
    assert ask(bea.email, website="x").status_code == 200
    assert ask(bea.email, stamp=stamp_of(seconds_ago=0)).status_code == 400
    assert letters_to(bea.email) == []


def test_an_address_typed_in_too_often_is_told_when_to_come_back(bea: Subscriber) -> None:
    answers = [ask("nobody@readers.example") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
