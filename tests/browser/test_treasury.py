"""The treasurer's desk on a phone and a desk, in light and dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out
from tests.browser.newsroom import desk, logged_in

__all__ = ["desk", "logged_in"]

pytestmark = pytest.mark.browser

KEYS = """
from donations.models import Donation, Drive
from donations import giving
from django.utils import timezone
promise = Donation(drive=Drive.objects.first(), method="cheque")
giving.promise(promise, amount_minor=1000, now=timezone.now())
print(Drive.objects.first().pk, promise.pk, Donation.objects.filter(paid_at__isnull=False)[0].pk)
"""


@pytest.fixture(scope="module")
def keys(site: RunningSite) -> list[str]:
    """A drive, a promise, and a gift that came."""
    return site.manage("shell", "-c", KEYS).split()[-3:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_and_nothing_sticks_out(
    site: RunningSite, desk: Callable[..., Page], keys: list[str], width: int, scheme: str
) -> None:
    drive, promise, gift = keys
    page = desk(width, color_scheme=scheme)
    for path in (
        "donation/?standing=awaited",
        "donation/several/",
        "donation/file/",
        f"donation/{promise}/promise/",
        f"donation/{gift}/change/",
        "drive/fund/",
        f"drive/{drive}/figures/",
        "ledgerentry/export/",
    ):
        answer = page.goto(f"{site.url}/admin/donations/{path}")
        assert answer is not None
        assert answer.ok, path
        nothing_sticks_out(page)
        axe_finds_nothing(page)
