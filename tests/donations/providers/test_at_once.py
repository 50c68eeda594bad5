"""Many reports at the same time: on PostgreSQL, as several workers meet them."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from donations.ledger import progress
from donations.models import Donation, Donor, GiftLetter, LedgerEntry, PaymentEvent, Pledge
from donations.providers import acting
from tests.donations.providers.till import Till, post_event
from tests.factories import DriveFactory

GIVERS = 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_eight_workers_book_each_gift_once(till: Till):
    drive = DriveFactory.create()
    for number in range(GIVERS):
        address = f"giver{number % 5}@readers.example"
        till.pays(till.opened(drive=drive, monthly=number % 3 == 0), email=address)
        refund = {"payment_intent": till.named("payment_intent"), "amount": "400"}
        till.server.stripe.answer("POST", "/v1/refunds", refund, key="", here="")
    events = till.events()
    told = [*events, *random.Random(7).sample(events, len(events) // 3)]
    random.Random(8).shuffle(told)

    def worker(number: int) -> None:
        try:
            for event in told[number::8]:
                assert post_event(event).status_code == 200
                names = PaymentEvent.objects.filter(handled_at=None).values_list("pk", flat=True)
                acting.handle_all(list(names), now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(worker, range(8)))
    for pk in PaymentEvent.objects.filter(handled_at=None).values_list("pk", flat=True):
        acting.handle_all([pk], now=timezone.now())
    assert PaymentEvent.objects.filter(handled_at=None).count() == 0
    assert PaymentEvent.objects.count() == len(events)
    assert progress(drive).raised_minor == GIVERS * 600
    assert Donation.objects.count() == GIVERS
    assert LedgerEntry.objects.count() == 2 * GIVERS
    assert Pledge.objects.count() == GIVERS // 3
    assert Donor.objects.exclude(email="").count() == 5
    assert GiftLetter.objects.filter(kind="receipt").count() == GIVERS
