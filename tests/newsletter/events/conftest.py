"""Readers of long standing, and a site whose hooks have their secrets."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from newsletter.models import Subscriber
from tests.factories import SubscriberFactory
from tests.newsletter.events.scenes import SECRET

# Anymail's tests sign Mailgun's requests with it.
MAILGUN_KEY = "TEST_WEBHOOK_SIGNING_KEY"


@pytest.fixture
def bea(db: None) -> Subscriber:
    """The confirmed subscriber, on the list since before the recorded events."""
    return SubscriberFactory.create(
        email="bea@readers.example", joined_at=datetime(2010, 1, 1, tzinfo=UTC)
    )


@pytest.fixture
def secured(settings: Settings) -> None:
    """A site that knows a hook's secret and Mailgun's key."""
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY}


@pytest.fixture
def auth() -> dict[str, str]:
    """The header with the shared secret."""
    return {"HTTP_AUTHORIZATION": "Basic " + b64encode(SECRET.encode()).decode()}
