"""Letters about gifts: each once, kept until the mail server took it."""

import re
from datetime import datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends import locmem
from django.test import Client
from django.utils import timezone

from donations import letters, posting, renewing
from donations.models import Donor, GiftLetter, Pledge
from newsletter.models import Rhythm
from tests.donations.providers.till import GIVER, Till
from tests.factories import NOON, DriveFactory

pytestmark = pytest.mark.django_db


def test_a_receipt_names_the_gift_the_status_and_the_way_on(till: Till, settings):
    settings.LEGAL_STATUS = "We are a club in Example Town."
    till.gift(drive=DriveFactory.create(name="Winter drive"))
    posting.send_waiting(now=timezone.now())
    [letter] = mail.outbox
    assert letter.subject == "Receipt for your gift of $10"
    assert isinstance(letter, EmailMultiAlternatives)
    html = str(letter.alternatives[0][0])
    for words in (letter.body, html):
        assert "Winter drive" in words
        assert "We are a club in Example Town." in words
        assert "https://fibrosite.example/donate/own/" in words
    assert letter.to == [GIVER]


def test_deductible_is_a_word_for_those_who_may_say_it(till: Till, settings):
    till.gift()
    till.gift()
    posting.send_waiting(now=timezone.now())
    assert all("deductible" not in letter.body for letter in mail.outbox)
    settings.TAX_DEDUCTIBLE = True
    till.gift()
    posting.send_waiting(now=timezone.now())
    assert "deductible" in mail.outbox[-1].body


def test_no_template_says_deductible_by_itself():
    root = django_settings.TEMPLATES[0]["DIRS"][0]
    for path in root.rglob("*.*"):
        words = re.sub(r"\{[{%].*?[%}]\}", "", path.read_text())
        assert "deductible" not in words.lower(), path


def test_a_letter_goes_out_once(till: Till):
    till.gift()
    now = timezone.now()
    assert [posting.send_waiting(now=now) for _ in range(2)] == [1, 0]


def test_r69_a_copy_of_the_site_mails_no_giver(till: Till, settings, rhythm: Rhythm):
    settings.HOLD_COPIES = True
    till.gift()
    Rhythm.objects.update(home="https://another-site.example")
    assert posting.send_waiting(now=timezone.now()) == 0
    assert mail.outbox == []
    settings.HOLD_COPIES = False
    assert posting.send_waiting(now=timezone.now()) == 1


def test_with_the_mail_server_away_letters_wait(till: Till, settings):
    till.gift()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    now = timezone.now()
    assert posting.send_waiting(now=now) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert posting.send_waiting(now=now + timedelta(minutes=10)) == 1


class Broken(locmem.EmailBackend):
    """Takes nothing."""

    def send_messages(self, messages):
        raise OSError("full")


def test_a_letter_that_is_not_taken_is_tried_again_and_given_up_after_a_week(till, settings):
    till.gift()
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    now = timezone.now()
    assert posting.send_waiting(now=now) == 0
    letter = GiftLetter.objects.get()
    assert (letter.tries, letter.claimed_at) == (1, None)
    assert letter.due_at > now
    posting.send_waiting(now=now + timedelta(days=8))
    letter.refresh_from_db()
    assert letter.dropped_at is not None


def test_elsewhere_than_in_production_only_named_addresses_get_letters(till: Till, settings):
    settings.MAIL_ONLY_TO = ["@staff.example"]
    till.gift()
    posting.send_waiting(now=timezone.now())
    assert mail.outbox == []
    assert "MAIL_ONLY_TO" in GiftLetter.objects.get().reason


def monthly(**fields) -> Pledge:
    donor = Donor.objects.create(email=f"giver{Donor.objects.count()}@readers.example")
    return Pledge.objects.create(
        donor=donor, amount_minor=500, currency="USD", started_at=NOON, **fields
    )


def test_renewals_that_stay_away_raise_the_alarm_once_a_week(ada):
    ada.is_superuser, ada.email = True, "ada@readers.example"
    ada.save()
    now = timezone.now()
    monthly(next_due_on=timezone.localdate() - timedelta(days=3))
    assert renewing.watch(now=now)
    renewing.watch(now=now)
    letter = GiftLetter.objects.get(kind="alarm")
    assert letter.email == "ada@readers.example"
    assert letter.words.startswith("1 monthly gifts were due")


@pytest.mark.parametrize(
    "fields",
    [
        {"next_due_on": timezone.localdate() - timedelta(days=1)},
        {"next_due_on": timezone.localdate() + timedelta(days=5)},
        {"next_due_on": timezone.localdate() - timedelta(days=60)},
        {"next_due_on": timezone.localdate() - timedelta(days=3), "state": "cancelled"},
        {"next_due_on": timezone.localdate() - timedelta(days=3), "failed_at": timezone.now()},
        {"next_due_on": None},
    ],
)
def test_what_is_not_late_raises_none(db, fields):
    monthly(**fields)
    assert not renewing.watch(now=timezone.now())


def test_while_others_renew_there_is_no_alarm(till: Till):
    monthly(next_due_on=timezone.localdate() - timedelta(days=3))
    till.pays(till.opened(monthly=True))
    till.tell()
    assert not renewing.watch(now=timezone.now())


def test_a_letter_that_cannot_be_written_holds_up_no_other(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    till.gift()
    first = GiftLetter.objects.get()
    till.gift()
    written = letters.message_of

    def faulty(letter: GiftLetter, *, now: datetime) -> EmailMultiAlternatives | None:
        if letter.pk == first.pk:
            raise RuntimeError("no ink")
        return written(letter, now=now)

    monkeypatch.setattr(letters, "message_of", faulty)
    now = timezone.now()
    assert posting.send_waiting(now=now) == 1
    first.refresh_from_db()
    assert (first.sent_at, first.reason) == (None, "RuntimeError: no ink")
    assert first.due_at > now


@pytest.mark.parametrize(("way", "words"), [("stripe", "by card."), ("paypal", "by PayPal.")])
def test_the_way_a_gift_came_is_written_as_people_write_it(
    till: Till, cleo: Client, way: str, words: str
):
    gift = till.gift(way, email=GIVER)
    posting.send_waiting(now=timezone.now())
    [letter] = mail.outbox
    assert isinstance(letter, EmailMultiAlternatives)
    for text in (letter.body, str(letter.alternatives[0][0])):
        assert f"paid {words}" in text
    assert gift.donor is not None
    page = cleo.get(letters.own_url(gift.donor).removeprefix("https://fibrosite.example"))
    assert f", {words.removesuffix('.')}" in page.content.decode()
