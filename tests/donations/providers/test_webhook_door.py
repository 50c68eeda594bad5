"""The doors for reports: who may come in, and that each is stored once."""

import json
import time

import pytest
from django.test import Client

from donations.models import Donation, PaymentEvent
from fibrosite.demo.checkout.hooks import stripe_signature
from tests.donations.providers.till import Till, handle_all, post_event, post_paypal
from tests.factories import DriveFactory

pytestmark = pytest.mark.django_db

UNKNOWN = {
    "id": "evt_1",
    "object": "event",
    "type": "price.created",
    "created": 1_700_000_000,
    "livemode": False,
    "data": {"object": {"id": "price_1"}},
}


def test_a_signed_report_is_stored_as_it_came(till: Till):
    assert post_event(UNKNOWN).status_code == 200
    kept = PaymentEvent.objects.get()
    assert json.loads(kept.body) == UNKNOWN
    assert (kept.provider, kept.event_id, kept.type) == ("stripe", "evt_1", "price.created")


def test_a_type_that_means_nothing_is_answered_200_and_recorded_as_ignored(till: Till):
    assert post_event(UNKNOWN).status_code == 200
    handle_all()
    kept = PaymentEvent.objects.get()
    assert (kept.state, kept.outcome) == ("ignored", "Nothing follows from events of this type.")


def test_a_report_that_comes_twice_is_stored_once(till: Till):
    assert [post_event(UNKNOWN).status_code for _ in range(3)] == [200, 200, 200]
    assert PaymentEvent.objects.count() == 1


@pytest.mark.parametrize("secret", ["whsec_other", ""])
def test_another_signature_is_refused(till: Till, secret: str):
    assert post_event(UNKNOWN, secret=secret).status_code == 400
    assert not PaymentEvent.objects.exists()


def test_an_old_signature_is_refused(till: Till):
    assert post_event(UNKNOWN, at=time.time() - 301).status_code == 400
    assert post_event(UNKNOWN, at=time.time() - 200).status_code == 200


def test_a_body_changed_on_the_way_is_refused(till: Till):
    signed = stripe_signature(json.dumps(UNKNOWN).encode(), "whsec_demo")
    other = json.dumps({**UNKNOWN, "livemode": True}).encode()
    answer = Client().post(
        "/webhooks/stripe/",
        other,
        content_type="application/json",
        headers={"Stripe-Signature": signed},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Stripe-Signature": "nonsense"}])
def test_an_unsigned_post_is_refused(till: Till, headers: dict[str, str]):
    answer = Client().post(
        "/webhooks/stripe/", b"{}", content_type="application/json", headers=headers
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("event", [[], {}, {"id": 5, "type": "x"}, {"id": "evt_2", "type": None}])
def test_what_is_signed_but_no_event_is_refused(till: Till, event):
    assert post_event(event).status_code == 400
    assert not PaymentEvent.objects.exists()


def test_during_a_change_of_secrets_both_are_good(till: Till, settings):
    settings.STRIPE_WEBHOOK_SECRET = ["whsec_new", "whsec_demo"]
    assert post_event(UNKNOWN).status_code == 200
    assert post_event({**UNKNOWN, "id": "evt_2"}, secret="whsec_new").status_code == 200


@pytest.mark.parametrize("path", ["/webhooks/stripe/", "/webhooks/paypal/", "/webhooks/other/"])
def test_without_a_secret_there_is_no_door(db, path: str):
    assert Client().post(path, b"{}", content_type="application/json").status_code == 404


def test_a_get_is_not_taken(till: Till):
    assert Client().get("/webhooks/stripe/").status_code == 405


def test_a_test_report_is_refused_where_real_money_moves(till: Till, settings):
    checkout = till.opened(drive=DriveFactory.create())
    till.pays(checkout)
    settings.STRIPE_API_KEY = "sk_live_of_the_site"
    till.tell()
    assert set(PaymentEvent.objects.values_list("state", flat=True)) == {"refused"}
    assert all("test mode" in event.outcome for event in PaymentEvent.objects.all())
    assert not Donation.objects.exists()


PAYPAL = {
    "id": "WH-1",
    "event_type": "CATALOG.PRODUCT.CREATED",
    "create_time": "2026-03-05T12:00:00Z",
    "resource": {"id": "PROD-1"},
}


def test_paypal_is_asked_whether_a_report_is_its_own(till: Till):
    assert post_paypal(PAYPAL).status_code == 200
    handle_all()
    assert PaymentEvent.objects.get().state == "ignored"


def test_what_paypal_did_not_sign_is_refused(till: Till):
    assert post_paypal(PAYPAL, webhook_id="other").status_code == 400
    answer = Client().post(
        "/webhooks/paypal/", json.dumps(PAYPAL).encode(), content_type="application/json"
    )
    assert answer.status_code == 400
    assert not PaymentEvent.objects.exists()


def test_an_old_paypal_report_is_refused(till: Till):
    assert post_paypal(PAYPAL, at=time.time() - 5 * 86_400).status_code == 400


def test_with_paypal_away_its_report_is_asked_to_come_again(till: Till):
    till.server.broken = True
    assert post_paypal(PAYPAL).status_code == 503
    assert not PaymentEvent.objects.exists()
