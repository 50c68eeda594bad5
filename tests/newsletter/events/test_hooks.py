"""Mail rule R50: what a provider may tell us, and what nobody else can."""

import json
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from django.test import Client

from newsletter.events import recording, webhooks
from newsletter.events.providers import PROVIDERS
from newsletter.models import MailEvent, Subscriber, Suppression
from newsletter.suppressing import suppression_of
from tests.factories import SubscriberFactory
from tests.newsletter.events.scenes import SECRET, Kind, name_of, post, recorded_requests

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
]
RECORDED = recorded_requests()

# request, address, what it is, why the address is mailed no more
EXPECTED = {
    "amazon_ses test_bounce_event": ("jane@example.com", "hard-bounce", "hard-bounce"),
    "amazon_ses test_complaint_event": ("richard@example.com", "complaint", "complaint"),
    "brevo test_hard_bounce": ("not-a-user@example.com", "hard-bounce", "hard-bounce"),
    "brevo test_unsubscribe": ("recipient@example.com", "unsubscribed", "unsubscribed"),
    "mailgun test_complained_event": ("recipient@example.com", "complaint", "complaint"),
    "mailgun test_failed_permanent_event": ("invalid@example.com", "hard-bounce", "hard-bounce"),
    "mailjet test_bounce_event": ("invalid@invalid", "hard-bounce", "hard-bounce"),
    "mailjet test_unsub_event": ("recipient@example.com", "unsubscribed", "unsubscribed"),
    "postmark test_bounce_event": ("bounce@example.com", "hard-bounce", "hard-bounce"),
    "postmark test_spam_event": ("spam@example.com", "complaint", "complaint"),
    "postmark test_unsubscribe": ("john@example.com", "unsubscribed", "unsubscribed"),
    "sendgrid test_bounce_event": ("noreply@example.com", "hard-bounce", "hard-bounce"),
}
every_recorded = pytest.mark.parametrize("recorded", RECORDED, ids=name_of)


@pytest.fixture(autouse=True)
def _amazon_is_installed(monkeypatch):
    """As if boto3 were there; only its own settings are read with it."""
    monkeypatch.setattr("newsletter.events.providers.find_spec", lambda name: object())
    monkeypatch.setattr(
        "anymail.webhooks.amazon_ses._get_anymail_boto3_params", lambda **kwargs: ({}, {})
    )


@pytest.fixture(autouse=True)
def _work_is_done_at_once(monkeypatch):
    """As a worker would a moment later."""
    monkeypatch.setattr(webhooks, "enqueue", lambda task, *args: task(*args))


def repost(client: Client, recorded, auth):
    """The request as recorded, at our address; Amazon repeats two fields of the body as headers."""
    provider = recorded["path"].split("/")[2]
    headers = dict(auth)
    if provider == "amazon_ses":
        body = json.loads(recorded["body"])
        headers["HTTP_X_AMZ_SNS_MESSAGE_TYPE"] = body["Type"]
        headers["HTTP_X_AMZ_SNS_MESSAGE_ID"] = body["MessageId"]
    return client.post(
        f"/hooks/mail/{provider}/",
        recorded["body"],
        content_type=recorded["content_type"],
        **headers,
    )


def test_every_recorded_request_is_expected():
    assert {name_of(recorded) for recorded in RECORDED} == set(EXPECTED)


@every_recorded
def test_a_recorded_report_is_kept_and_followed(cleo, secured, auth, recorded):
    email, kind, reason = EXPECTED[name_of(recorded)]
    reader = SubscriberFactory.create(email=email, joined_at=datetime(2010, 1, 1, tzinfo=UTC))
    response = repost(cleo, recorded, auth)
    assert (response.status_code, response.content) == (200, b"")
    [event] = MailEvent.objects.all()
    assert (event.kind, event.handled_at is None) == (kind, False)
    suppression = suppression_of(email)
    assert suppression is not None
    assert suppression.reason == reason
    reader.refresh_from_db()
    left = reason == "unsubscribed"
    assert reader.state == (Subscriber.State.LEFT if left else Subscriber.State.BLOCKED)
    [consent] = reader.consent.all()
    assert (consent.kind, consent.method) == ("left", "provider")


@every_recorded
def test_a_repeated_report_has_no_second_effect(cleo, secured, auth, recorded):
    email = EXPECTED[name_of(recorded)][0]
    reader = SubscriberFactory.create(email=email, joined_at=datetime(2010, 1, 1, tzinfo=UTC))
    assert [repost(cleo, recorded, auth).status_code for _ in range(3)] == [200, 200, 200]
    assert MailEvent.objects.count() == 1
    assert Suppression.objects.count() == 1
    assert reader.consent.count() == 1


@every_recorded
def test_a_report_without_the_secret_is_refused(
    cleo, settings, recorded, django_assert_num_queries
):
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": "another key"}
    for auth in ({}, {"HTTP_AUTHORIZATION": "Basic aG9va3M6Z3Vlc3NlZA=="}):
        with django_assert_num_queries(0):
            response = repost(cleo, recorded, auth)
        assert 400 <= response.status_code < 500
        assert b"secret" not in response.content.lower()
    assert not MailEvent.objects.exists()


@every_recorded
def test_a_report_keeps_no_address(cleo, secured, auth, recorded):
    repost(cleo, recorded, auth)
    [row] = MailEvent.objects.values()
    assert "@" not in json.dumps(row, default=str)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_door_that_cannot_be_checked_is_closed(cleo, settings, auth, provider):
    settings.ANYMAIL = {"WEBHOOK_SECRET": "", "MAILGUN_WEBHOOK_SIGNING_KEY": ""}
    assert post(cleo, provider, {}, **auth).status_code == 404


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name != "amazon_ses"])
def test_a_provider_that_signs_wants_its_key(cleo, settings, auth, provider):
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
    is_open = post(cleo, provider, {}, **auth).status_code != 404
    assert is_open == PROVIDERS[provider].takes_secret


def test_a_provider_whose_package_is_missing_has_no_door(cleo, secured, auth, monkeypatch):
    monkeypatch.setattr("newsletter.events.providers.find_spec", lambda name: None)
    assert repost(cleo, RECORDED[0], auth).status_code == 404


def test_a_provider_nobody_knows_has_no_door(cleo, secured, auth):
    assert post(cleo, "pigeon", {}, **auth).status_code == 404


GARBAGE = [
    b"",
    b"{",
    b"null",
    b"17",
    b'"text"',
    b"[]",
    b"[null]",
    b"{}",
    b'{"event": {}}',
    b'[{"event": "bounce", "timestamp": "soon"}]',
    b'{"event": "spam", "email": 5, "ts_epoch": 1e300}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"msys": {"a": 1, "b": 2}}',
    b'[{"event": "bounce", "email": "\\u0000\\ud800@x", "MessageID": "\\ud800\\u0000"}]',
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_what_cannot_be_read_is_refused_without_an_error(cleo, settings, auth, provider, body):
    signing = ("MAILERSEND_SIGNING_SECRET", "MAILGUN_API_KEY", "MANDRILL_WEBHOOK_KEY")
    keys = {**dict.fromkeys(signing, "key"), "UNISENDER_GO_API_KEY": "key"}
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, **keys}
    amazon = {"HTTP_X_AMZ_SNS_MESSAGE_TYPE": "Notification", "HTTP_X_AMZ_SNS_MESSAGE_ID": "1"}
    status = post(cleo, provider, body, **auth, **amazon).status_code
    assert status == 200 or 400 <= status < 500
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("brevo", {"event": "moved_house", "email": "bea@readers.example"}),
        ("postmark", {"RecordType": "Horoscope", "Recipient": "bea@readers.example"}),
        ("mailjet", [{"event": "dance", "email": "bea@readers.example"}]),
        ("sendgrid", [{"event": "sang", "email": "bea@readers.example"}]),
        ("sparkpost", [{"msys": {"message_event": {"type": "x", "recipient": "bea"}}}]),
    ],
)
def test_a_type_nobody_knows_is_taken_and_does_nothing(cleo, secured, auth, bea, provider, body):
    assert post(cleo, provider, body, **auth).status_code == 200
    assert list(MailEvent.objects.values_list("kind", flat=True)) == [Kind.UNKNOWN]
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.ACTIVE


@pytest.mark.parametrize("event", ["opened", "unique_opened", "proxy_open", "click", "request"])
def test_who_opened_or_clicked_is_not_kept(cleo, secured, auth, event):
    body = {"event": event, "email": "bea@readers.example", "link": "https://fibrosite.example/"}
    assert post(cleo, "brevo", body, **auth).status_code == 200
    assert not MailEvent.objects.exists()


def test_an_empty_ping_is_taken(cleo, secured, auth):
    assert post(cleo, "sparkpost", [{"msys": {}}], **auth).status_code == 200


def test_a_provider_may_look_whether_the_door_is_there(cleo, secured):
    assert cleo.head("/hooks/mail/brevo/").status_code == 200
    assert cleo.get("/hooks/mail/brevo/").status_code == 405
    assert not MailEvent.objects.exists()


def test_with_the_database_away_the_provider_comes_again(secured, auth, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("away")

    monkeypatch.setattr(recording, "keep", away)
    client = Client(raise_request_exception=False)
    body = {"event": "spam", "email": "bea@readers.example"}
    assert post(client, "brevo", body, **auth).status_code >= 500


def test_a_fault_of_ours_is_not_blamed_on_the_provider(secured, auth, monkeypatch):
    def broken(*args, **kwargs):
        raise TypeError("ours")

    monkeypatch.setattr(recording, "keep", broken)
    client = Client(raise_request_exception=False)
    body = {"event": "spam", "email": "bea@readers.example"}
    assert post(client, "brevo", body, **auth).status_code == 500


def test_of_one_report_on_two_people_both_are_kept(cleo, secured, auth):
    body = json.loads(RECORDED[0]["body"])
    told = json.loads(body["Message"])
    one = told["bounce"]["bouncedRecipients"][0]
    told["bounce"]["bouncedRecipients"] = [one, {**one, "emailAddress": "bea@readers.example"}]
    recorded = {**RECORDED[0], "body": json.dumps({**body, "Message": json.dumps(told)})}
    assert repost(cleo, recorded, auth).status_code == 200
    assert Suppression.objects.count() == MailEvent.objects.count() == 2


def test_a_batch_is_one_task(cleo, secured, auth, monkeypatch):
    queued = []
    monkeypatch.setattr(webhooks, "enqueue", lambda task, *args: queued.append(args))
    one = {"event": "delivered", "email": "bea@readers.example"}
    body = [{**one, "sg_event_id": str(number)} for number in range(30)]
    assert post(cleo, "sendgrid", [*body, *body], **auth).status_code == 200
    [[ids]] = queued
    assert len(set(ids)) == len(ids) == 30
    assert post(cleo, "sendgrid", body, **auth).status_code == 200
    assert len(queued) == 1


def test_a_batch_that_breaks_off_is_kept_when_it_comes_again(secured, auth, monkeypatch):
    keep, calls = recording.keep, []

    def breaks(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise OperationalError("away")
        return keep(*args, **kwargs)

    monkeypatch.setattr(recording, "keep", breaks)
    client = Client(raise_request_exception=False)
    one = {"event": "delivered", "email": "bea@readers.example"}
    body = [{**one, "sg_event_id": str(number)} for number in range(3)]
    assert post(client, "sendgrid", body, **auth).status_code >= 500
    assert not MailEvent.objects.exists()
    assert post(client, "sendgrid", body, **auth).status_code == 200
    assert MailEvent.objects.exclude(handled_at=None).count() == 3
