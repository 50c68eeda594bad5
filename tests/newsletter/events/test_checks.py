"""`check --deploy` says when bounces and complaints would not reach us."""

import pytest

from newsletter.events import checks
from newsletter.events.providers import PROVIDERS

SECRET = "hooks:0123456789abcdef0123456789abcdef"


def ids(settings, backend="anymail.backends.brevo.EmailBackend", **anymail):
    settings.EMAIL_BACKEND = backend
    settings.ANYMAIL = anymail
    return [warning.id for warning in checks.reports_arrive(None)]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_without_a_secret_is_warned_of(settings, name):
    assert ids(settings, f"anymail.backends.{name}.EmailBackend") == ["newsletter.W001"]


def test_the_warning_names_the_settings(settings):
    settings.EMAIL_BACKEND, settings.ANYMAIL = "anymail.backends.resend.EmailBackend", {}
    [warning] = checks.reports_arrive(None)
    assert "ANYMAIL_RESEND_SIGNING_SECRET or ANYMAIL_WEBHOOK_SECRET" in str(warning.hint)


def test_a_provider_with_its_secret_is_fine(settings):
    assert ids(settings, WEBHOOK_SECRET=SECRET) == []
    mailgun = "anymail.backends.mailgun.EmailBackend"
    assert ids(settings, mailgun, MAILGUN_API_KEY="key") == []
    assert ids(settings, mailgun, WEBHOOK_SECRET=SECRET) == ["newsletter.W001"]


def test_a_provider_that_never_reports_is_named(settings):
    scaleway = "anymail.backends.scaleway.EmailBackend"
    assert ids(settings, scaleway, WEBHOOK_SECRET=SECRET) == ["newsletter.W001"]


def test_a_missing_package_is_named(settings, monkeypatch):
    monkeypatch.setattr("newsletter.events.providers.find_spec", lambda name: None)
    amazon = "anymail.backends.amazon_ses.EmailBackend"
    assert ids(settings, amazon, WEBHOOK_SECRET=SECRET) == ["newsletter.W002"]


@pytest.mark.parametrize("secret", ["short:word", "a-long-word-without-a-colon-in-it"])
def test_a_secret_that_is_none_is_warned_of(settings, secret):
    assert ids(settings, WEBHOOK_SECRET=secret) == ["newsletter.W003"]


@pytest.mark.parametrize(
    ("mailbox", "address", "found"),
    [
        ("imaps://u:p@mail.example/INBOX", "bounces@site.example", []),
        ("maildir:/var/mail/bounces", "bounces@site.example", []),
        ("", "bounces@site.example", ["newsletter.W004"]),
        ("maildir:/var/mail/bounces", "", ["newsletter.W004"]),
        ("imap://u:p@mail.example/INBOX", "bounces@site.example", ["newsletter.W004"]),
    ],
)
def test_with_smtp_returned_mail_must_be_read(settings, mailbox, address, found):
    settings.BOUNCE_MAILBOX, settings.BOUNCE_ADDRESS = mailbox, address
    assert ids(settings, "django.core.mail.backends.smtp.EmailBackend") == found
