"""Export, import into an empty site, export: nothing is lost, and no cell is a formula."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from articles.models import Tag
from newsletter import choosing, suppressing
from newsletter.models import (
    Cadence,
    ConsentEvent,
    Depth,
    ImportRun,
    Subscriber,
    SubscriberTopic,
    Suppression,
)
from newsletter.moving import exporting, files, own
from tests.factories import SubscriberFactory
from tests.newsletter.moving.lists import bring, carry_out, check

pytestmark = pytest.mark.django_db

ODD = ["=cmd()", "+1", "-1", "@x", "\ttab", "\rreturn", "'quote", "'=x", "''+y", "a;b,c", 'say "x"',
       "two\nlines", "é 日本 😀", "", "'", "\\", '\\"', " space "]  # fmt: skip


def export() -> tuple[str, str]:
    return "".join(exporting.subscribers()), "".join(exporting.suppressions())


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.fixture
def full_site() -> None:
    """Readers in every state, with odd words wherever words may stand."""
    start = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
    topics = [Tag.objects.create(name=name) for name in ("long covid", "=sum, of", "日本")]
    for number, odd in enumerate(ODD):
        at = start + timedelta(hours=number % 4)
        reader = SubscriberFactory.create(
            email=f"=reader+{number}@Readers.example", joined_at=at,
            state=Subscriber.State.values[number % 3], left_at=at if number % 3 else None,
            paused_until_at=timezone.now() + timedelta(days=9) if number % 2 else None,
            cadence=Cadence.values[number % 4], depth=Depth.values[number % 3],
            max_items=number or None, text_only=number % 2 == 0,
            zone="Pacific/Chatham" if number % 2 else "", hour=None if number % 2 else number,
            source="form",
        )  # fmt: skip
        choosing.set_topics(reader, [topic.pk for topic in topics[: number % 4]])
        ConsentEvent.objects.create(
            subscriber=reader, kind="confirmed", method="page", form="foot", detail=odd,
            text_version="2026-11", asked_at=at, happened_at=at,
        )  # fmt: skip
        ConsentEvent.objects.create(
            subscriber=reader, kind="imported", method="imported", form="mailchimp", happened_at=at
        )
        Suppression.objects.create(
            address_hash=suppressing.address_hash(f"gone{number}@example.com"),
            reason=Suppression.Reason.values[number % 8], source=odd[:60], note=odd, since_at=at,
        )  # fmt: skip


def forget_all() -> None:
    Subscriber.objects.all().delete()
    Suppression.objects.all().delete()
    Tag.objects.all().delete()
    ImportRun.objects.all().delete()


@pytest.mark.usefixtures("full_site")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_round_trip_loses_nothing(order: tuple[int, int]):
    before = export()
    keys = {row.email: row.topics_key for row in Subscriber.objects.all()}
    chosen = SubscriberTopic.objects.count()
    forget_all()
    for place in order:
        counts = carry_out(bring(before[place]))
        assert set(counts) <= {"NEW", "OUT"}
        assert sum(counts.values()) == len(ODD)
    assert [cells(text) for text in export()] == [cells(text) for text in before]
    assert export() == before
    assert SubscriberTopic.objects.count() == chosen
    assert {bool(row.topics_key) for row in Subscriber.objects.all()} == {True, False}
    # By new primary keys, but alike for those who were alike.
    assert len({row.topics_key for row in Subscriber.objects.all()}) == len(set(keys.values()))


@pytest.mark.usefixtures("full_site")
def test_into_the_same_site_it_changes_nothing():
    before = export()
    for text in before:
        assert set(carry_out(bring(text))) <= {"HERE", "BARRED"}
    assert export() == before


@pytest.mark.usefixtures("full_site")
def test_each_restored_row_says_that_it_was_imported():
    text, _ = export()
    forget_all()
    carry_out(bring(text, "ours.csv"))
    imported = ConsentEvent.objects.filter(kind="imported", form="fibrosite")
    assert imported.count() == len(ODD)
    assert all(event.detail.startswith("ours.csv, row ") for event in imported)


@pytest.mark.usefixtures("full_site")
def test_no_cell_of_ours_begins_as_a_formula_does():
    for text in export():
        rows = cells(text)
        assert len(rows) == len(ODD) + 1
        assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n")]


@pytest.mark.parametrize("cell", ODD)
def test_a_cell_made_harmless_is_read_back_as_it_was(cell: str):
    assert own.as_it_was(own.harmless(cell)) == cell
    assert own.as_it_was(own.harmless("'" + cell)) == "'" + cell


def test_links_in_old_letters_work_on_the_new_site():
    key = SubscriberFactory.create().key
    text, _ = export()
    forget_all()
    carry_out(bring(text))
    assert Subscriber.objects.get().key == key


def test_a_key_that_another_reader_has_gives_way(bea: Subscriber):
    text, _ = export()
    Subscriber.objects.update(email="other@readers.example")
    twice = text + text.splitlines()[1].replace("bea@", "third@") + "\r\n"
    assert carry_out(bring(twice)) == {"NEW": 2}
    assert Subscriber.objects.count() == 3
    assert Subscriber.objects.values("key").distinct().count() == 3


def test_hashes_of_another_secret_key_are_refused_row_by_row(settings: Settings):
    suppressing.suppress("a@example.com", reason="complaint", source="x", now=timezone.now())
    _, text = export()
    forget_all()
    settings.SECRET_KEY = "another"
    run = bring(text)
    assert check(run) == {"UNREADABLE": 1}
    assert "another SECRET_KEY" in files.report_of(run).read_text("utf-8-sig")


def test_imported_hashes_take_readers_off_this_list(bea: Subscriber):
    suppressing.suppress("gone@example.com", reason="complaint", source="x", now=timezone.now())
    Suppression.objects.create(
        address_hash=suppressing.address_hash(bea.email), reason="complaint", since_at=bea.joined_at
    )
    _, text = export()
    Suppression.objects.all().delete()
    carry_out(bring(text))
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.BLOCKED
    assert bea.consent.get().kind == ConsentEvent.Kind.LEFT


@pytest.mark.parametrize(("column", "value"), [
    ("cadence", "hourly"), ("depth", "x"), ("max_items", "0"), ("hour", "24"), ("zone", "../etc"),
    ("key", "1"), ("joined_at", "yesterday"), ("topics", "{}"), ("topics", "[1]"),
    ("consent", "[{}]"), ("consent", "[[[["), ("consent", "[1]"), ("left_at", "2024-01-01"),
    ("state", "erased"),
])  # fmt: skip
def test_a_row_of_ours_that_was_tampered_with_is_not_half_read(
    bea: Subscriber, column: str, value: str
):
    head, row = cells("".join(exporting.subscribers()))
    row[own.COLUMNS.index(column)] = value
    Subscriber.objects.all().delete()
    run = bring("".join(exporting.as_csv([head, row])))
    assert carry_out(run) == {"UNREADABLE": 1}
    assert not Subscriber.objects.exists()


def test_the_export_asks_as_many_questions_for_many_as_for_few(bea: Subscriber):
    with CaptureQueriesContext(connection) as few:
        export()
    SubscriberFactory.create_batch(50)
    with CaptureQueriesContext(connection) as many:
        export()
    assert len(many) == len(few)


def test_the_export_comes_a_line_at_a_time(bea: Subscriber):
    lines: Any = exporting.subscribers()
    assert next(lines) == "\ufeff"
    assert next(lines).startswith('"key","email"')
    assert "bea@readers.example" in next(lines)
