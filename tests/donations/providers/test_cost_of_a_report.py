"""What a report costs: the hundredth gift as much as the first."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from donations import posting
from donations.donors import with_address
from donations.models import Checkout, Donor, Drive, PaymentEvent
from donations.tasks import handle_events, send_letters
from tests.donations.providers.till import Till, handle_all, post_event
from tests.factories import DriveFactory, gift

pytestmark = pytest.mark.django_db

# Transactions and savepoints included, the letter of thanks, too.
QUERIES = 31


def report_of_a_gift(till: Till, drive: Drive) -> CaptureQueriesContext:
    """Have a gift paid and its report handled; what was asked of the database for it."""
    till.pays(till.opened(drive=drive))
    for event in till.events():
        if event["type"] == "checkout.session.completed":
            post_event(event)
    with CaptureQueriesContext(connection) as asked:
        handle_all()
    return asked


def test_a_gift_costs_the_same_whatever_came_before(till: Till):
    drive = DriveFactory.create()
    report_of_a_gift(till, drive)
    few = len(report_of_a_gift(till, drive))
    for minor in range(100, 150):
        gift(drive, minor)
    assert few == len(report_of_a_gift(till, drive)) <= QUERIES


def test_the_row_of_a_checkout_is_read_and_written_once(till: Till):
    asked = [one["sql"] for one in report_of_a_gift(till, DriveFactory.create()).captured_queries]
    table = Checkout._meta.db_table
    assert sum(f'FROM "{table}"' in sql for sql in asked) == 1
    assert sum(sql.startswith(f'UPDATE "{table}"') for sql in asked) == 1


def test_the_post_is_looked_through_only_where_a_letter_waits(till: Till, monkeypatch):
    queued = []
    monkeypatch.setattr("donations.tasks.enqueue", lambda task, *_: queued.append(task))
    post_event({"id": "evt_1", "type": "price.created", "data": {}})
    events = list(PaymentEvent.objects.values_list("pk", flat=True))
    handle_events(events)
    assert queued == []
    posting.want("alarm", "edna@readers.example", now=timezone.now())
    handle_events(events)
    assert queued == [send_letters]


def test_a_giver_is_found_without_reading_all_givers():
    with CaptureQueriesContext(connection) as asked:
        with_address("Bea@readers.example")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.vendor]
        cursor.execute(f"{explain} {asked.captured_queries[0]['sql']}")
        assert "one_donor_per_address" in str(cursor.fetchall())


def test_no_address_is_nobodys():
    Donor.objects.create(name="A giver without address")
    assert with_address("") is None
