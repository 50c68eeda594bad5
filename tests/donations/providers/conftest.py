"""A payment service that stands beside the tests, and what it reports."""

from collections.abc import Iterator

import pytest

from fibrosite.demo.checkout.server import CheckoutServer
from tests.donations.providers.till import Till


@pytest.fixture
def till(settings) -> Iterator[Till]:
    """The demo's payment service; its reports wait until the test hands them over."""
    server = CheckoutServer(site="http://127.0.0.1:9")
    server.hooks.manner.hold = True
    server.start()
    settings.STRIPE_API_KEY = "sk_test_demo"
    settings.STRIPE_WEBHOOK_SECRET = ["whsec_demo"]
    settings.STRIPE_API_BASE = settings.PAYPAL_API_BASE = server.url
    settings.PAYPAL_CLIENT_ID = settings.PAYPAL_CLIENT_SECRET = "demo"
    settings.PAYPAL_WEBHOOK_ID = "demo"
    yield Till(server)
    server.stop()
