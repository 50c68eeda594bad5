"""Forgetting: who does not confirm is unknown to us after a month (R44)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter import subscribing, tasks
from newsletter.models import ConsentEvent, SignUp, Subscriber
from tests.newsletter.scenes import confirm_path, sign_up

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=30)


def test_a_sign_up_is_forgotten_after_thirty_days(cleo: Client) -> None:
    sign_up(cleo, "cleo@readers.example")
    now = timezone.now()
    assert subscribing.purge(now=now + MONTH - timedelta(hours=1)) == 0
    assert subscribing.purge(now=now + MONTH) == 1
    assert not SignUp.objects.exists()


def test_asking_again_starts_the_month_anew(cleo: Client) -> None:
    now = timezone.now()
    subscribing.ask("cleo@readers.example", form="foot", now=now - timedelta(days=29))
    subscribing.ask("cleo@readers.example", form="foot", now=now)
    assert subscribing.purge(now=now + timedelta(days=2)) == 0


def test_subscribers_and_what_they_agreed_to_stay(cleo: Client) -> None:
    cleo.post(confirm_path(cleo, "cleo@readers.example"))
    subscribing.purge(now=timezone.now() + MONTH)
    assert Subscriber.objects.active().count() == ConsentEvent.objects.count() == 1


def test_after_it_cleo_can_sign_up_as_if_for_the_first_time(cleo: Client) -> None:
    sign_up(cleo, "cleo@readers.example")
    subscribing.purge(now=timezone.now() + MONTH)
    path = confirm_path(cleo, "cleo@readers.example")
    assert cleo.post(path).status_code == 200


def test_the_worker_does_it_by_itself(cleo: Client) -> None:
    subscribing.ask("cleo@readers.example", form="foot", now=timezone.now() - 2 * MONTH)
    tasks.purge_sign_ups()
    assert not SignUp.objects.exists()
