"""The form is no weapon: limits for each address, and an alarm when many sign up (R40)."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from newsletter import spiking, tasks
from newsletter.models import SignUp, Subscriber
from newsletter.spiking import Spike, sign_up_spike
from tests.factories import NOON
from tests.newsletter.scenes import sign_up

pytestmark = pytest.mark.django_db


def sign_ups(count: int, *, ago: timedelta) -> None:
    SignUp.objects.bulk_create(
        SignUp(
            email=f"r{n}.{int(ago.total_seconds())}@readers.example",
            form="foot",
            text_version="1",
            asked_at=NOON - ago,
        )
        for n in range(count)
    )


@pytest.mark.parametrize("address", ["new@readers.example", "bea@readers.example"])
def test_r40_an_address_typed_in_from_many_networks_has_its_limit(
    bea: Subscriber, address: str
) -> None:
    with time_machine.travel(NOON, tick=False):
        answers = [
            sign_up(Client(REMOTE_ADDR=f"192.0.2.{n}"), typed)
            for n, typed in enumerate([address, address.upper()] * 3)
        ]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert answers[-1]["Retry-After"] == "3600"
    assert "try again in 60 minutes" in answers[-1].text


def test_the_refusal_is_the_same_for_known_and_unknown(bea: Subscriber) -> None:
    last = {}
    with time_machine.travel(NOON, tick=False):
        for address in ("nobody@readers.example", bea.email):
            for n in range(6):
                client = Client(REMOTE_ADDR=f"192.0.2.{n}")
                last[address] = sign_up(client, address).text.replace(address, "")
    assert len(set(last.values())) == 1


def test_ordinary_hours_are_no_spike() -> None:
    assert sign_up_spike(NOON) is None
    sign_ups(49, ago=timedelta(minutes=30))
    assert sign_up_spike(NOON) is None


def test_fifty_in_an_hour_where_few_are_usual_are_a_spike() -> None:
    sign_ups(50, ago=timedelta(minutes=30))
    spike = sign_up_spike(NOON)
    assert spike == Spike(50, 0.0)
    assert str(spike).startswith("50 addresses were signed up within the last hour")


def test_a_busy_site_has_a_higher_bound() -> None:
    for hours in range(1, 14 * 24):
        sign_ups(6, ago=timedelta(hours=hours, minutes=30))
    sign_ups(60, ago=timedelta(minutes=30))
    assert sign_up_spike(NOON) is None
    sign_ups(1, ago=timedelta(minutes=31))
    assert sign_up_spike(NOON) == Spike(61, 6.0)


def test_the_editors_are_written_to_once_a_day(ada: User) -> None:
    User.objects.update(email="ada@fibrosite.example")
    sign_ups(50, ago=timedelta(minutes=30))
    with time_machine.travel(NOON, tick=False):
        for _ in range(3):
            tasks.look_after_sign_ups()
    (letter,) = mail.outbox
    assert letter.to == ["ada@fibrosite.example"]
    assert "50 addresses" in str(letter.body)
    with time_machine.travel(NOON + timedelta(hours=25), tick=False):
        SignUp.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
        tasks.look_after_sign_ups()
    assert len(mail.outbox) == 2


def test_no_spike_no_letter(ada: User) -> None:
    assert spiking.tell_of_spike(now=NOON) is False
    assert mail.outbox == []
