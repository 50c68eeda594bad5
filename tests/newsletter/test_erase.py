"""A person is erased: of the address a keyed hash alone stays (R20, R42, R45, FEATURES 11)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core import serializers
from django.test import Client
from django.utils import timezone

from articles.models import Tag
from newsletter import answering, own_data, subscribing, suppressing
from newsletter.models import (
    Delivery,
    Letter,
    MailEvent,
    SignUp,
    Subscriber,
    Suppression,
)
from newsletter.suppressing import address_hash
from newsletter.tokens import erase_token
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.scenes import (
    confirm_path,
    digest_to,
    everything,
    leave_path,
    letters_to,
    path_in,
    recounted,
    sign_up,
)

pytestmark = pytest.mark.django_db

CLEO = "Cleo.Doe@readers.example"


def all_tables() -> str:
    """Every row of every table, as lower-case text."""
    rows = [
        serializers.serialize("json", model._base_manager.all())
        for model in apps.get_models(include_auto_created=True)
    ]
    return "\n".join(rows).lower()


@pytest.fixture
def reader(cleo: Client, ada: User) -> Subscriber:
    """Cleo after a life with us: all that can hold her address or key does."""
    cleo.post(confirm_path(cleo, CLEO))
    reader, now = Subscriber.objects.get(email=CLEO), timezone.now()
    ArticleFactory.create(tags=["pain"])
    reader.chosen.create(topic=Tag.objects.get(name="pain"))
    subscribing.pause(reader, weeks=2, now=now)
    reader.changes.create(email="cleo.doe@elsewhere.example", asked_at=now)
    digest = digest_to(reader)
    reason = f"550 <{CLEO.lower()}>: mailbox is full"
    Delivery.objects.update(state="failed", reason=reason, settled_at=now)
    recounted(digest)
    MailEvent.objects.create(
        provider="ses",
        event_id="1",
        kind="hard-bounce",
        address_hash=address_hash(CLEO),
        delivery=digest.deliveries.get(),
        happened_at=now,
        received_at=now,
        detail={"reader": reader.pk, "words": reason},
    )
    LogEntry.objects.create(
        user=ada, object_id=str(reader.pk), object_repr=CLEO, action_flag=CHANGE
    )
    Letter.objects.create(
        kind="changed", email="old@x.example", key=reader.key, asked_at=now, due_at=now
    )
    return reader


def erase(cleo: Client, reader: Subscriber) -> Any:
    return cleo.post(f"/erase/{erase_token(reader.key)}/")


def test_nothing_of_the_person_is_in_any_table(cleo: Client, reader: Subscriber) -> None:
    key, pk = str(reader.key), reader.pk
    assert CLEO.lower() in all_tables()
    assert key in all_tables()
    assert erase(cleo, reader).status_code == 200
    left = all_tables()
    for trace in (CLEO.lower(), "cleo.doe", key, key.replace("-", ""), "old@x.example"):
        assert trace not in left, trace
    assert not MailEvent.objects.filter(detail__reader=pk).exists()


def test_a_keyed_hash_alone_stays(cleo: Client, reader: Subscriber) -> None:
    erase(cleo, reader)
    row = Suppression.objects.get()
    assert (row.reason, row.address_hash) == ("erased", address_hash(CLEO))
    assert all_tables().count(row.address_hash) == 1


def test_the_copies_stay_as_numbers_of_nobody(cleo: Client, reader: Subscriber) -> None:
    erase(cleo, reader)
    copy = Delivery.objects.get()
    assert (copy.subscriber, copy.state) == (None, "failed")
    assert copy.reason == "550 <the address>: mailbox is full"
    assert copy.digest.counts() == {"failed": 1}


def test_others_stay_as_they_were(cleo: Client, reader: Subscriber) -> None:
    other = SubscriberFactory.create()
    before = json.dumps(
        [row for row in everything()["newsletter.Subscriber"] if row["id"] == other.pk], default=str
    )
    erase(cleo, reader)
    assert json.dumps(everything()["newsletter.Subscriber"], default=str) == before


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_r20_opening_the_link_erases_nothing(cleo: Client, reader: Subscriber, method: str) -> None:
    before = everything()
    assert getattr(cleo, method)(f"/erase/{erase_token(reader.key)}/").status_code == 200
    assert everything() == before


def test_pressing_twice_is_harmless(cleo: Client, reader: Subscriber) -> None:
    erase(cleo, reader)
    before = everything()
    answer = erase(cleo, reader)
    assert (answer.status_code, "Nothing is left" in answer.text) == (200, True)
    assert everything() == before


def test_who_never_confirmed_is_erased_too(cleo: Client) -> None:
    sign_up(cleo, CLEO)
    Client().post("/my-data/", {"email": CLEO, "want": "erase"})
    answering.answer_waiting(now=timezone.now())
    assert cleo.post(path_in(letters_to(CLEO)[-1], "erase")).status_code == 200
    assert not SignUp.objects.exists()
    assert not Letter.objects.exists()
    assert "cleo" not in all_tables()


def test_a_complaint_is_remembered_as_one(cleo: Client, reader: Subscriber) -> None:
    complaint = Suppression.Reason.COMPLAINT
    suppressing.suppress(CLEO, reason=complaint, source="ses", now=timezone.now())
    erase(cleo, reader)
    assert Suppression.objects.get().reason == "complaint"


def test_the_link_to_leave_still_answers(cleo: Client, reader: Subscriber) -> None:
    path = leave_path(reader)
    erase(cleo, reader)
    assert cleo.post(path).status_code == 200


def test_a_letter_under_way_goes_out_to_nobody(cleo: Client, reader: Subscriber) -> None:
    own_data.ask(CLEO, Letter.Kind.DATA, now=timezone.now() + timedelta(days=2))
    erase(cleo, reader)
    sent = len(letters_to(CLEO))
    answering.answer_waiting(now=timezone.now() + timedelta(days=2))
    assert len(letters_to(CLEO)) == sent


def test_r42_only_a_confirmed_sign_up_brings_her_back(cleo: Client, reader: Subscriber) -> None:
    erase(cleo, reader)
    path = confirm_path(cleo, CLEO)
    assert suppressing.is_suppressed(CLEO)
    assert not Subscriber.objects.exists()
    cleo.post(path)
    back = Subscriber.objects.active().get()
    assert not suppressing.is_suppressed(CLEO)
    assert back.key != reader.key
    assert not back.chosen.exists()
