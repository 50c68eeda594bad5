"""A report that cannot be entered is told to the treasurers, once, and given up at last."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from donations import tasks
from donations.ledger import progress
from donations.models import DriveRate, GiftLetter, PaymentEvent
from donations.providers import acting, alarming
from donations.providers.facts import Told, Unavailable, Unreadable
from tests.donations.providers.till import Till, handle_all
from tests.factories import NOON, DriveFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _edna_has_an_address(edna: User) -> None:
    edna.email = "edna@readers.example"
    edna.save()


def stored(count: int = 1, *, at: datetime = NOON, **fields: Any) -> list[PaymentEvent]:
    """Reports as they are stored when they come."""
    before = PaymentEvent.objects.count()
    defaults: dict[str, Any] = {
        "provider": "stripe", "type": "invoice.paid", "body": "{}", "happened_at": at,
        "received_at": at, "due_at": at,
    }  # fmt: skip
    rows = [{**defaults, "event_id": f"evt_{before + n}", **fields} for n in range(count)]
    return [PaymentEvent.objects.create(**row) for row in rows]


class Reader:
    """Stands for a provider that answers as told."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def read(self, event: PaymentEvent) -> Told:
        if self.error is None:
            return Told(ignored="Nothing follows.")
        raise self.error


def read_by(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    monkeypatch.setattr(acting, "provider", lambda name: Reader(error))


def letters() -> list[GiftLetter]:
    return list(GiftLetter.objects.filter(kind="alarm").order_by("pk"))


def sweep(now: datetime) -> int:
    """What the scheduler does every half minute: handle, then tell; of how many was told."""
    acting.sweep(now=now)
    return alarming.tell_of_failures(now=now)


def test_what_fails_for_an_hour_is_told_once_with_what_to_do(monkeypatch):
    [event] = stored()
    read_by(monkeypatch, Unavailable("Stripe answered 500."))
    told = [sweep(NOON + timedelta(minutes=minutes)) for minutes in (1, 30, 59, 62, 70, 1_000)]
    assert told == [0, 0, 0, 1, 0, 0]
    [letter] = letters()
    assert letter.email == "edna@readers.example"
    assert letter.words.startswith("A report of a payment service could not be entered.")
    for words in (
        "Drive rates", event.event_id, "Stripe answered 500.",
        "https://fibrosite.example/admin/donations/paymentevent/?state__exact=failed",
    ):  # fmt: skip
        assert words in letter.words


def test_the_address_in_the_letter_shows_the_failed_ones(edna_browses, monkeypatch):
    stored()
    read_by(monkeypatch, Unreadable("no id"))
    sweep(NOON + HOUR)
    [address] = [word for word in letters()[0].words.split() if word.startswith("https://")]
    page = edna_browses.get(address.removeprefix("https://fibrosite.example"))
    assert page.status_code == 200
    assert "It cannot be read: no id" in page.content.decode()


def test_what_was_mended_within_the_hour_is_not_told(monkeypatch):
    stored()
    read_by(monkeypatch, Unavailable("away"))
    sweep(NOON + timedelta(minutes=1))
    read_by(monkeypatch, None)
    assert sweep(NOON + timedelta(minutes=59)) == 0
    assert sweep(NOON + 3 * HOUR) == 0
    assert PaymentEvent.objects.get().state == "ignored"
    assert letters() == []


def test_what_we_handle_and_cannot_read_is_told_at_once(monkeypatch):
    stored()
    read_by(monkeypatch, Unreadable("The object has no currency."))
    assert sweep(NOON + timedelta(minutes=1)) == 1
    assert "It cannot be read: The object has no currency." in letters()[0].words


def test_an_unknown_type_is_told_to_nobody(till: Till):
    till.tell([{"id": "evt_1", "type": "price.created", "data": {"object": {"id": 7}}}])
    assert sweep(timezone.now() + 5 * HOUR) == 0


def test_a_provider_that_is_away_for_a_day_sends_few_letters(monkeypatch):
    read_by(monkeypatch, Unavailable("away"))
    for hour in range(24):
        now = NOON + hour * HOUR
        stored(13, at=now - timedelta(minutes=5))
        sweep(now)
    assert len(letters()) == 4
    assert letters()[1].words.startswith("78 reports of payment services could not be entered.")
    assert "and 68 more" in letters()[1].words
    assert PaymentEvent.objects.filter(alarmed_at=None).count() < 6 * 13


def test_the_next_letter_names_only_what_is_new(monkeypatch):
    read_by(monkeypatch, Unreadable("odd"))
    stored()
    sweep(NOON + HOUR)
    [second] = stored(at=NOON + 2 * HOUR)
    assert sweep(NOON + 3 * HOUR) == 0
    assert sweep(NOON + 8 * HOUR) == 1
    assert second.event_id in letters()[1].words
    assert "evt_0:" not in letters()[1].words


def test_the_letter_goes_out_with_the_sweep(monkeypatch):
    stored(at=timezone.now() - HOUR)
    read_by(monkeypatch, Unreadable("odd"))
    tasks.sweep_events()
    assert [letter.to for letter in mail.outbox] == [["edna@readers.example"]]
    assert "It cannot be read: odd" in mail.outbox[0].body


def test_what_failed_for_five_weeks_is_given_up_and_stays_in_sight(monkeypatch):
    [event] = stored()
    read_by(monkeypatch, Unavailable("away"))
    sweep(NOON + timedelta(days=34))
    event.refresh_from_db()
    assert (event.state, event.handled_at) == ("failed", None)
    last = NOON + timedelta(days=36)
    sweep(last)
    event.refresh_from_db()
    assert (event.state, event.handled_at, event.outcome) == ("failed", last, "Given up. away")
    assert event.pk not in acting.due(NOON + timedelta(days=400)).values_list("pk", flat=True)


def test_what_was_given_up_is_taken_up_by_a_replay(till: Till):
    drive = DriveFactory.create(currency="USD")
    till.pays(till.opened(drive=drive, currency="EUR"))
    till.tell()
    long_ago = timezone.now() - timedelta(days=40)
    PaymentEvent.objects.update(received_at=long_ago, due_at=long_ago)
    sweep(timezone.now())
    event = PaymentEvent.objects.get(type="checkout.session.completed")
    assert event.outcome.startswith("Given up.")
    assert event.handled_at is not None
    DriveRate.objects.create(drive=drive, currency="EUR", rate="1.1")
    call_command("replay_events", verbosity=0)
    event.refresh_from_db()
    assert (event.state, event.alarm_at) == ("handled", None)
    assert progress(drive).raised_minor == 1_100


def test_a_report_that_fails_again_after_a_replay_is_told_no_second_time(monkeypatch):
    stored()
    read_by(monkeypatch, Unreadable("odd"))
    sweep(NOON + HOUR)
    call_command("replay_events", verbosity=0)
    assert sweep(timezone.now() + timedelta(days=3)) == 0


def test_without_a_treasurer_it_is_in_the_log(monkeypatch, caplog):
    User.objects.all().delete()
    stored()
    read_by(monkeypatch, Unreadable("odd"))
    assert sweep(NOON + HOUR) == 1
    assert "could not be entered" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_two_sweeps_at_once_write_one_letter():
    stored(40, state="failed", alarm_at=NOON)

    def look(_: int) -> int:
        try:
            return alarming.tell_of_failures(now=NOON + HOUR)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(look, range(4))) == [0, 0, 0, 40]
    assert len(letters()) == 1


def test_a_replay_reports_what_is_handled(till: Till, capsys):
    till.gift()
    handle_all()
    call_command("replay_events")
    assert "0 events: nothing to do." in capsys.readouterr().out
