"""A stranger cannot have PayPal asked without end, and PayPal's own reports are never lost."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from redis.exceptions import ConnectionError as CacheDown

from donations import webhooks
from donations.models import PaymentEvent
from fibrosite.demo.checkout.hooks import paypal_headers
from tests.donations.providers.till import Till, post_event
from tests.factories import NOON

pytestmark = pytest.mark.django_db

STRANGER = "203.0.113.9"
OTHER = "198.51.100.7"
EVENT = {
    "id": "WH-1",
    "event_type": "CATALOG.PRODUCT.CREATED",
    "create_time": "2026-03-05T12:00:00Z",
    "resource": {"id": "PROD-1"},
}


def send(
    event: Any = EVENT, *, by: str = STRANGER, webhook_id: str = "other", **changes: str
) -> Any:
    """Post an event, signed for another webhook unless told otherwise."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {**paypal_headers(body, webhook_id), **changes}
    return Client().post(
        "/webhooks/paypal/",
        body,
        content_type="application/json",
        headers={name: value for name, value in headers.items() if value},
        REMOTE_ADDR=by,
    )


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Ten minutes after a full hour."""
    with time_machine.travel(NOON.replace(minute=10, second=0), tick=False) as traveller:
        yield traveller


@pytest.fixture
def few(clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits, so that a test reaches them soon."""
    monkeypatch.setattr(webhooks, "DENIED_AN_HOUR", 3)
    monkeypatch.setattr(webhooks, "DENIED_OF_ALL", 5)


@pytest.mark.parametrize("header", ["Algo", "Cert-Url", "Id", "Sig", "Time"])
def test_without_a_part_of_the_signature_paypal_is_not_asked(till: Till, header: str):
    name = "Paypal-Auth-Algo" if header == "Algo" else "Paypal-Transmission-" + header
    name = "Paypal-Cert-Url" if header == "Cert-Url" else name
    assert send(webhook_id="demo", **{name: ""}).status_code == 400
    assert till.server.paypal.verified == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://api.paypal.com/cert",
        "https://paypal.com.stranger.example/cert",
        "https://notpaypal.com/cert",
        "https://stranger.example/?api.paypal.com",
        "https://api.paypal.com@stranger.example/",
        "https://[bad/",
        "none",
    ],
)
def test_a_certificate_of_somebody_else_is_refused_unasked(till: Till, url: str):
    assert send(webhook_id="demo", **{"Paypal-Cert-Url": url}).status_code == 400
    assert till.server.paypal.verified == 0


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"no json", b'{"id": "WH-1"}', b'{"id": 1, "event_type": "x"}']
)
def test_what_is_no_event_is_refused_unasked(till: Till, body: bytes):
    assert send(body, webhook_id="demo").status_code == 400
    assert till.server.paypal.verified == 0


def test_an_endless_signature_is_refused_unasked(till: Till):
    assert send(webhook_id="demo", **{"Paypal-Transmission-Sig": "s" * 501}).status_code == 400
    assert till.server.paypal.verified == 0


@pytest.mark.parametrize("cert", ["https://api.paypal.com/c", "https://api.sandbox.paypal.com/c"])
def test_paypals_certificates_are_asked_about(till: Till, cert: str):
    assert send(webhook_id="demo", **{"Paypal-Cert-Url": cert}).status_code == 200


@pytest.mark.parametrize("door", ["stripe", "paypal"])
def test_a_body_that_no_report_has_is_not_looked_at(till: Till, door: str):
    body = json.dumps({**EVENT, "filler": "x" * webhooks.MOST_BYTES}).encode()
    answer = Client().post(f"/webhooks/{door}/", body, content_type="application/json")
    assert answer.status_code == 413
    assert till.server.paypal.verified == 0


def test_who_had_paypal_asked_in_vain_too_often_has_to_wait(till: Till, few: None):
    assert [send().status_code for _ in range(4)] == [400, 400, 400, 429]
    answer = send()
    assert answer["Retry-After"] == "3000"
    assert till.server.paypal.verified == 3
    assert send(by=OTHER, webhook_id="demo").status_code == 200
    assert PaymentEvent.objects.count() == 1


def test_many_strangers_at_once_are_limited_together(till: Till, few: None):
    answers = [send(by=f"203.0.113.{number}").status_code for number in range(8)]
    assert answers == [400] * 5 + [429] * 3
    assert till.server.paypal.verified == 5


def test_paypals_own_reports_are_not_counted(till: Till, few: None):
    for number in range(12):
        assert send({**EVENT, "id": f"WH-{number}"}, webhook_id="demo").status_code == 200
    assert PaymentEvent.objects.count() == 12


def test_cheap_refusals_are_not_counted(till: Till, few: None):
    for _ in range(8):
        assert send(b"no json").status_code == 400
    assert send(webhook_id="demo").status_code == 200


def test_what_had_to_wait_is_taken_when_it_comes_again(till: Till, few: None, clock):
    for _ in range(4):
        send()
    assert send(webhook_id="demo").status_code == 429
    assert not PaymentEvent.objects.exists()
    clock.shift(timedelta(minutes=50))
    assert send(webhook_id="demo").status_code == 200


def test_questions_that_paypal_does_not_answer_are_limited_too(till: Till, few: None):
    till.server.broken = True
    answers = [send(webhook_id="demo").status_code for _ in range(4)]
    assert answers == [503, 503, 503, 429]


def test_the_other_door_stays_open(till: Till, few: None):
    for number in range(8):
        send(by=f"203.0.113.{number}")
    stripes = {"id": "evt_1", "object": "event", "type": "price.created", "data": {}}
    assert post_event(stripes).status_code == 200


def test_with_the_cache_down_reports_still_come_in(till: Till, monkeypatch):
    def down(*_: object, **__: object) -> None:
        raise CacheDown

    monkeypatch.setattr(cache, "get", down)
    monkeypatch.setattr(cache, "add", down)
    assert send(webhook_id="demo").status_code == 200
    assert send().status_code == 400
