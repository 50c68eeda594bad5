"""A restored copy, and whatever is not production, mails nobody by accident (mail rule R69)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import answering, delivering, ticking
from newsletter.models import Digest, Rhythm, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer
from tests.newsletter.scenes import digest_to, letters_to, sign_up, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(rhythm: Rhythm, bea: Subscriber, settings: Settings) -> Rhythm:
    """A site that sent before, with a digest that is due."""
    settings.HOLD_COPIES = True
    ticking.work_to_do(now=timezone.now())
    Rhythm.objects.update(next_due_at=timezone.now() - timedelta(minutes=1))
    ArticleFactory.create()
    return rhythm


def test_r69_a_copy_under_another_address_builds_and_sends_nothing(
    due: Rhythm, bea: Subscriber, settings: Settings
) -> None:
    waiting = digest_to(bea)
    settings.SITE_URL = "https://staging.example"
    assert ticking.work_to_do(now=timezone.now()) == []
    assert Digest.objects.get() == waiting
    assert states(waiting) == ["queued"]


def test_r69_a_copy_answers_no_sign_up_either(
    due: Rhythm, cleo: Client, settings: Settings
) -> None:
    sign_up(cleo, "cleo@readers.example")
    settings.SITE_URL = "https://staging.example"
    answering.answer_waiting(now=timezone.now())
    assert letters_to("cleo@readers.example") == []
    settings.SITE_URL = "https://fibrosite.example"
    answering.answer_waiting(now=timezone.now())
    assert len(letters_to("cleo@readers.example")) == 1


def test_the_newsroom_says_so(due: Rhythm, ada_browses: Client, settings: Settings) -> None:
    settings.SITE_URL = "https://staging.example"
    page = ada_browses.get("/admin/").content.decode()
    assert "This is a copy of https://fibrosite.example" in page


def test_the_operator_may_let_it_send(
    due: Rhythm, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SITE_URL = "https://new-home.example"
    call_command("send_from_here")
    assert "from https://new-home.example now" in capsys.readouterr().out
    assert len(ticking.work_to_do(now=timezone.now())) == 1


def test_the_site_itself_goes_on(due: Rhythm) -> None:
    assert len(ticking.work_to_do(now=timezone.now())) == 1


@pytest.mark.parametrize(
    ("allowed", "reached"),
    [
        ([], ["bea@readers.example", "dara@example.org"]),
        (["Dara@example.org"], ["dara@example.org"]),
        (["@readers.example"], ["bea@readers.example"]),
    ],
)
def test_r69_letters_go_to_the_allowed_alone(
    bea: Subscriber, mailer: Mailer, settings: Settings, allowed: list[str], reached: list[str]
) -> None:
    settings.MAIL_ONLY_TO = allowed
    digest = digest_to(bea, SubscriberFactory.create(email="dara@example.org"))
    delivering.deliver_round(digest.pk)
    assert sorted(mailer.recipients) == reached
    assert states(digest).count("failed") == 2 - len(reached)
