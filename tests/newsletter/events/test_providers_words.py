"""Each provider has its own word for a mailbox that is gone and for one that is full."""

import pytest
from anymail.signals import AnymailTrackingEvent

from newsletter.events.providers import PROVIDERS, kind_of, refused_because

HARD, SOFT = "hard-bounce", "soft-bounce"
BOUNCES = [
    ("Amazon SES", {"bounce": {"bounceType": "Permanent"}}, HARD),
    ("Amazon SES", {"bounce": {"bounceType": "Transient"}}, SOFT),
    ("Amazon SES", {"bounce": {"bounceType": "Undetermined"}}, SOFT),
    ("Brevo", {"event": "hard_bounce"}, HARD),
    ("Brevo", {"event": "invalid_email"}, HARD),
    ("Brevo", {"event": "soft_bounce"}, SOFT),
    ("MailerSend", {"data": {"type": "hard_bounced"}}, HARD),
    ("MailerSend", {"data": {"type": "soft_bounced"}}, SOFT),
    ("Mailgun", {"event-data": {"reason": "suppress-bounce"}}, HARD),
    ("Mailgun", {"event-data": {"reason": "old"}}, SOFT),
    ("Mailjet", {"hard_bounce": True}, HARD),
    ("Mailjet", {"hard_bounce": False}, SOFT),
    ("Mailtrap", {"bounce_category": "hard"}, HARD),
    ("Mandrill", {"event": "hard_bounce"}, HARD),
    ("Mandrill", {"event": "soft_bounce"}, SOFT),
    ("Postmark", {"Type": "HardBounce"}, HARD),
    ("Postmark", {"Type": "SoftBounce"}, SOFT),
    ("Postmark", {"Type": "VirusNotification"}, SOFT),
    ("Resend", {"data": {"bounce": {"type": "Permanent"}}}, HARD),
    ("Resend", {"data": {"bounce": {"type": "Transient"}}}, SOFT),
    ("SparkPost", {"msys": {"message_event": {"bounce_class": "10"}}}, HARD),
    ("SparkPost", {"msys": {"message_event": {"bounce_class": "22"}}}, SOFT),
    ("Unisender Go", {"delivery_info": {"delivery_status": "err_user_unknown"}}, HARD),
    ("Unisender Go", {"delivery_info": {"delivery_status": "err_mailbox_full"}}, SOFT),
    ("Postmark", None, SOFT),
    ("Postmark", {"Type": None}, SOFT),
    ("SparkPost", {"msys": []}, SOFT),
]


def event(event_type="bounced", **fields):
    return AnymailTrackingEvent(event_type=event_type, **fields)


@pytest.mark.parametrize(("provider", "fields", "kind"), BOUNCES)
def test_a_bounce_is_what_the_provider_calls_it(provider, fields, kind):
    assert kind_of(event(esp_event=fields), provider) == kind


@pytest.mark.parametrize("provider", ["SendGrid", "Mailgun", "Postal", "Mailtrap", "another"])
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("550 5.1.1 no such user", HARD),
        ("552 5.2.2 mailbox full", SOFT),
        ("550 5.7.1 blocked", "rejected"),
        (None, SOFT),
    ],
)
def test_where_the_provider_does_not_say_the_servers_words_do(provider, words, kind):
    assert kind_of(event(mta_response=words, esp_event={}), provider) == kind


def test_a_letter_that_failed_at_postal_came_back():
    failed = event("failed", mta_response="550 5.1.1 unknown user", esp_event={})
    assert (kind_of(failed, "Postal"), kind_of(failed, "Brevo")) == (HARD, "rejected")


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("delivered", "delivered"),
        ("deferred", "deferred"),
        ("complained", "complaint"),
        ("unsubscribed", "unsubscribed"),
        ("rejected", "rejected"),
        ("autoresponded", "auto-reply"),
        ("unknown", "unknown"),
        ("opened", None),
        ("clicked", None),
        ("queued", None),
        ("sent", None),
        ("subscribed", None),
        ("inbound", None),
    ],
)
def test_other_reports_have_one_meaning(event_type, kind):
    assert kind_of(event(event_type), "Brevo") == kind


@pytest.mark.parametrize(
    ("provider", "reason", "description", "because"),
    [
        ("Mailgun", "spam", None, "complaint"),
        ("SendGrid", "unsubscribed", None, "unsubscribed"),
        ("SendGrid", "bounced", None, "rejected"),
        ("SendGrid", "invalid", None, "rejected"),
        ("Mandrill", None, "unsub", "unsubscribed"),
        ("Postmark", "blocked", None, ""),
        ("Brevo", "other", None, ""),
        ("Brevo", None, None, ""),
        # There it is the letter that looked like spam.
        ("SparkPost", "spam", None, ""),
    ],
)
def test_a_provider_that_will_not_send_says_why(provider, reason, description, because):
    refused = event("rejected", reject_reason=reason, description=description)
    assert refused_because(refused, provider) == because


def test_a_bounce_is_no_refusal_to_send():
    assert refused_because(event(reject_reason="spam"), "Unisender Go") == ""


def test_every_provider_of_anymail_with_reports_has_a_door():
    from anymail import urls  # noqa: PLC0415

    tracking = {str(url.pattern) for url in urls.urlpatterns if "tracking" in str(url.name)}
    names = {pattern.split("/")[0] for pattern in tracking}
    # Sendinblue is the former name of Brevo.
    assert names - {"sendinblue"} == set(PROVIDERS)
