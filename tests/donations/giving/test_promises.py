""" "I will send a cheque": promised on the site, counted when it is there."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from donations import doors, giving, posting
from donations.ledger import progress
from donations.models import Donation
from tests.factories import DriveFactory
from tests.factories import gift as by_hand

pytestmark = pytest.mark.django_db


def form(**fields: Any) -> dict[str, Any]:
    return {"key": str(uuid.uuid4()), "amount": "50", "method": "cheque", **fields}


def test_a_promise_does_not_count_until_it_is_received(cleo: Client):
    drive = DriveFactory.create()
    answer = cleo.post("/donate/promise/", form(name="Bo", email="bo@readers.example"))
    gift = Donation.objects.get()
    assert answer.headers["Location"] == f"/donate/promise/{gift.key}/"
    assert "$50 by cheque" in cleo.get(answer.headers["Location"]).content.decode()
    assert (progress(drive).raised_minor, progress(drive).pledged_minor) == (0, 5_000)
    now = timezone.now()
    giving.receive_promised(gift, amount_minor=5_000, on=timezone.localdate(), now=now)
    assert (progress(drive).raised_minor, progress(drive).pledged_minor) == (5_000, 0)


def test_who_promises_something_to_the_fund_is_told_where_to_send_it(cleo: Client, settings: Any):
    settings.SENDER_NAME, settings.POSTAL_ADDRESS = "A Club", "1 Lane, Town"
    answer = cleo.post("/donate/promise/", form())
    for path in (answer.headers["Location"], "/donate/", "/fund/"):
        assert "By post to: A Club, 1 Lane, Town." in cleo.get(path).content.decode(), path
    DriveFactory.create(how_to_give="<p>By pigeon.</p>")
    assert "By post to" not in cleo.get("/donate/").content.decode()


def test_a_promise_never_runs_out(cleo: Client):
    drive = DriveFactory.create()
    cleo.post("/donate/promise/", form())
    with time_machine.travel(timezone.now().replace(year=timezone.now().year + 3)):
        assert progress(drive).pledged_minor == 5_000


def test_pressed_twice_it_is_one_promise(cleo: Client):
    sent = form()
    assert [cleo.post("/donate/promise/", sent).status_code for _ in range(2)] == [303, 303]
    assert Donation.objects.count() == 1


def test_the_giver_gets_one_letter_on_how_to_send_it(cleo: Client):
    DriveFactory.create()
    cleo.post("/donate/promise/", form(email="bo@readers.example"))
    posting.send_waiting(now=timezone.now())
    [letter] = mail.outbox
    assert "Thank you for your promise of $50" in letter.body
    assert "It does not expire" in letter.body


def test_without_an_address_no_letter_is_written(cleo: Client):
    cleo.post("/donate/promise/", form())
    assert posting.send_waiting(now=timezone.now()) == 0
    assert Donation.objects.get().donor is None


@pytest.mark.parametrize(
    "fields", [{"amount": ""}, {"method": "card"}, {"method": ""}, {"email": "x"}, {"website": "y"}]
)
def test_what_is_not_right_is_named_and_nothing_entered(cleo: Client, fields: dict[str, str]):
    answer = cleo.post("/donate/promise/", form(**fields))
    assert answer.status_code == 400
    assert not Donation.objects.exists()


def test_many_promises_from_one_place_are_slowed_down(cleo: Client):
    for _ in range(10):
        assert cleo.post("/donate/promise/", form()).status_code == 303
    assert cleo.post("/donate/promise/", form()).status_code == 429


def test_many_promises_from_many_places_are_slowed_down(cleo: Client, monkeypatch):
    monkeypatch.setattr(doors, "PROMISES_OF_ALL", 3)
    answers = [
        cleo.post("/donate/promise/", form(name="Bo"), REMOTE_ADDR=f"203.0.{number}.1")
        for number in range(4)
    ]
    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    page = answers[-1].content.decode()
    assert "Please try again in" in page
    assert 'value="Bo"' in page, "what was typed stays"
    assert Donation.objects.count() == 3


def test_another_gift_is_no_promise(cleo: Client):
    other = by_hand(DriveFactory.create(), 100).donation
    assert other is not None
    assert cleo.get(f"/donate/promise/{other.key}/").status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_pressed_many_times_at_once_it_is_one_promise():
    DriveFactory.create()
    sent = form(name="Bo", email="bo@readers.example")

    def press(_: int) -> int:
        try:
            return Client().post("/donate/promise/", sent).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(press, range(6))) == [303] * 6
    assert Donation.objects.count() == 1
