"""Who gave in the open drive is not asked again: their letters do not name it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from donations import giving
from donations.models import Donation, Donor, Drive, LedgerEntry
from newsletter import building, coming
from newsletter.models import Batch, Delivery, Depth, Digest, Rhythm, Subscriber, Variant
from tests.factories import ArticleFactory, DriveFactory, SubscriberFactory, gift

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DRIVE = "Keep it readable"
COMING = "/admin/newsletter/digest/coming/"


@pytest.fixture
def drive() -> Drive:
    return DriveFactory.create(name=DRIVE)


@pytest.fixture(autouse=True)
def _news() -> None:
    ArticleFactory.create(title="What rest does")


def gives(drive: Drive | None, email: str, **fields: Any) -> LedgerEntry:
    donor, _ = Donor.objects.get_or_create(email=email)
    return gift(drive, 1000, donor=donor, **fields)


def build() -> Digest:
    digest = building.build_digest(now=timezone.now())
    assert digest
    return digest


def copy_of(reader: Subscriber) -> Variant:
    variant = Delivery.objects.get(subscriber=reader).variant
    assert variant
    return variant


def is_asked(reader: Subscriber) -> bool:
    """Whether the words for this reader name the drive; both parts do, or neither."""
    words = copy_of(reader)
    in_text = DRIVE.upper() in words.text
    assert "What rest does" in words.html or not words.html
    assert not words.html or (DRIVE in words.html) == in_text
    return in_text


def test_who_gave_gets_the_same_articles_without_the_drive(bea: Subscriber, drive: Drive) -> None:
    other = SubscriberFactory.create()
    gives(drive, bea.email)
    digest = build()
    assert not is_asked(bea)
    assert is_asked(other)
    assert copy_of(bea).subject == copy_of(other).subject
    held = [[one.article for one in copy_of(reader).items.all()] for reader in (bea, other)]
    assert held[0] == held[1]
    assert digest.variants.count() == 2


def test_each_reader_has_one_copy_and_the_counts_add_up(drive: Drive) -> None:
    readers = SubscriberFactory.create_batch(7)
    for reader in readers[2:5]:
        gives(drive, reader.email)
    digest = build()
    assert digest.audience == 7
    assert sorted(digest.variants.values_list("audience", flat=True)) == [3, 4]
    assert Batch.objects.filter(digest=digest).aggregate(n=Sum("queued")) == {"n": 7}
    got = list(digest.deliveries.order_by("pk").values_list("subscriber", flat=True))
    assert sorted(got) == [reader.pk for reader in readers]
    # Side by side, so that a call to a provider holds many of one letter.
    order = list(digest.deliveries.order_by("pk").values_list("variant__audience", flat=True))
    assert order == [3] * 3 + [4] * 4


def test_an_address_is_the_same_whatever_its_capitals(drive: Drive) -> None:
    reader = SubscriberFactory.create(email="Bea.Reader@Readers.example")
    gives(drive, "BEA.reader@readers.EXAMPLE")
    build()
    assert not is_asked(reader)


def test_their_own_hour_and_plain_text_stay(bea: Subscriber, drive: Drive) -> None:
    Subscriber.objects.update(hour=(timezone.localtime().hour + 5) % 24, text_only=True)
    other = SubscriberFactory.create(hour=Subscriber.objects.get().hour, text_only=True)
    gives(drive, bea.email)
    build()
    mine, others = (Delivery.objects.get(subscriber=reader) for reader in (bea, other))
    assert mine.not_before_at == others.not_before_at > timezone.now()
    assert copy_of(bea).html == copy_of(other).html == ""
    assert not is_asked(bea)
    assert is_asked(other)


def test_letters_of_gists_alone_are_one_letter_for_all(bea: Subscriber, drive: Drive) -> None:
    Subscriber.objects.update(depth=Depth.GIST)
    SubscriberFactory.create(depth=Depth.GIST)
    gives(drive, bea.email)
    assert build().variants.count() == 1
    assert not is_asked(bea)


def test_where_all_gave_no_letter_is_left_without_a_reader(bea: Subscriber, drive: Drive) -> None:
    gives(drive, bea.email)
    digest = build()
    assert [variant.audience for variant in digest.variants.all()] == [1]
    assert not is_asked(bea)
    assert digest.subject == "What rest does"


def test_a_promise_is_no_gift_yet(bea: Subscriber, drive: Drive) -> None:
    donor = Donor.objects.create(email=bea.email)
    promised = Donation(drive=drive, donor=donor)
    giving.promise(promised, amount_minor=1000, now=timezone.now())
    build()
    assert is_asked(bea)


def test_who_got_all_back_is_asked_like_everyone(bea: Subscriber, drive: Drive) -> None:
    entry = gives(drive, bea.email)
    assert entry.donation
    giving.amend(
        entry.donation, "refunded", amount_minor=-1000, reason="Sent back", now=timezone.now()
    )
    build()
    assert is_asked(bea)


def test_gifts_to_the_fund_or_an_earlier_drive_are_of_another_day(
    bea: Subscriber, drive: Drive
) -> None:
    today = timezone.localdate()
    earlier = DriveFactory.create(starts_on=today - 90 * DAY, ends_on=today - 60 * DAY)
    gives(earlier, bea.email)
    gives(None, bea.email)
    promised = Donation(drive=drive, donor=Donor.objects.get())
    giving.promise(promised, amount_minor=1000, now=timezone.now())
    assert build().variants.count() == 1
    assert is_asked(bea)


def test_of_two_drives_the_one_that_letters_name_counts(bea: Subscriber, drive: Drive) -> None:
    newer = DriveFactory.create(name="A newer one", starts_on=timezone.localdate() - DAY)
    gives(drive, bea.email)
    build()
    assert "A newer one" in copy_of(bea).html
    assert newer.starts_on > drive.starts_on


def test_of_who_erased_themselves_nothing_is_known(bea: Subscriber, drive: Drive) -> None:
    gives(drive, bea.email)
    Donor.objects.update(erased_at=timezone.now())
    build()
    assert is_asked(bea)


def test_without_an_open_drive_there_is_one_letter_which_thanks_all(
    bea: Subscriber, drive: Drive
) -> None:
    SubscriberFactory.create()
    gives(drive, bea.email)
    Drive.objects.update(ends_on=timezone.localdate() - DAY)
    assert build().variants.count() == 1
    assert f"{DRIVE} is over" in copy_of(bea).html


def test_building_asks_as_often_for_many_givers_as_for_one(drive: Drive) -> None:
    readers = SubscriberFactory.create_batch(12)
    gives(drive, readers[0].email)
    # The first of all digests looks for the one before it elsewhere.
    build()
    ArticleFactory.create(title="What warmth does", published_at=timezone.now())
    with CaptureQueriesContext(connection) as few:
        build()
    for reader in readers[:9]:
        gives(drive, reader.email)
    ArticleFactory.create(title="What sleep does", published_at=timezone.now())
    with CaptureQueriesContext(connection) as many:
        digest = build()
    assert sorted(digest.variants.values_list("audience", flat=True)) == [3, 9]
    assert len(many) == len(few)


def test_the_desk_foretells_how_many_go_without_it(
    ada_browses: Client, bea: Subscriber, drive: Drive, rhythm: Rhythm
) -> None:
    readers = SubscriberFactory.create_batch(3)
    SubscriberFactory.create(email="gist@readers.example", depth=Depth.GIST)
    left = SubscriberFactory.create(state="left")
    assert "do not name it" not in ada_browses.get(COMING).text
    for email in (bea.email, readers[0].email, "gist@readers.example", left.email):
        gives(drive, email)
    ahead = coming.look_ahead(now=timezone.now())
    assert (ahead.spared, ahead.readers) == (2, 5)
    assert "2 of those who get it gave to the drive" in ada_browses.get(COMING).text
    build()
    assert copy_of(bea).audience == ahead.spared
    assert coming.look_ahead(now=timezone.now()).spared == 0


def test_an_editor_who_looks_as_a_reader_does_not_learn_whether_they_gave(
    ada_browses: Client, bea: Subscriber, drive: Drive, rhythm: Rhythm
) -> None:
    SubscriberFactory.create(email="other@readers.example")
    gives(drive, bea.email)
    pages = []
    for email in (bea.email, "other@readers.example"):
        page = ada_browses.get(COMING, {"reader": email}).text.replace(email, "READER")
        frame = ada_browses.get("/admin/newsletter/digest/upcoming/", {"reader": email}).text
        assert DRIVE in frame
        pages.append((page.replace(email.replace("@", "%40"), "READER"), frame))
    assert without_tokens(pages[0][0]) == without_tokens(pages[1][0])
    assert "If they gave to the drive" in pages[0][0]


def test_the_newsletter_asks_whom_the_settings_name(
    bea: Subscriber, drive: Drive, settings: Settings
) -> None:
    settings.LETTERS_SPARE = "tests.newsletter.test_who_gave.everyone"
    build()
    assert not is_asked(bea)


def everyone() -> Any:
    return Subscriber.objects.values_list("email", flat=True)


def without_tokens(page: str) -> list[str]:
    """The lines of a page that are the same each time it is asked for."""
    return [line for line in page.splitlines() if "csrf" not in line and "nonce" not in line]
