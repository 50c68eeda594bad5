"""Whom a request is counted for: nobody escapes by writing a header."""

import pytest
from django.test import RequestFactory

from fibrosite.lib.network import client_network


def network(address: str, forwarded: str | None = None) -> str:
    headers = {"x-forwarded-for": forwarded} if forwarded is not None else {}
    return client_network(RequestFactory().get("/", REMOTE_ADDR=address, headers=headers))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unix:", ""),
        ("192.0.2.7:443", ""),
    ],
)
def test_a_visitor_is_counted_by_network(address: str, expected: str):
    assert network(address) == expected


def test_without_a_proxy_the_header_is_not_believed(settings):
    settings.PROXY_COUNT = 0
    assert network("192.0.2.7", forwarded="203.0.113.1") == "192.0.2.7"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (1, "203.0.113.1", "203.0.113.1"),
        (1, "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        (1, "6.6.6.6,7.7.7.7,203.0.113.1", "203.0.113.1"),
        (2, "203.0.113.1, 10.0.0.2", "203.0.113.1"),
        (2, "6.6.6.6, 203.0.113.1, 10.0.0.2", "203.0.113.1"),
        (1, "6.6.6.6, 2001:db8:1:2::9", "2001:db8:1:2::/64"),
    ],
)
def test_behind_proxies_only_what_they_wrote_is_believed(
    settings, proxies: int, forwarded: str, expected: str
):
    settings.PROXY_COUNT = proxies
    assert network("10.0.0.1", forwarded=forwarded) == expected


@pytest.mark.parametrize("forwarded", [None, "203.0.113.1"])
def test_fewer_entries_than_proxies_come_from_a_proxy_itself(settings, forwarded: str | None):
    settings.PROXY_COUNT = 2
    assert network("10.0.0.1", forwarded=forwarded) == "10.0.0.1"


@pytest.mark.parametrize("forwarded", ["", "nonsense", "6.6.6.6, <script>"])
def test_nonsense_in_the_header_is_nobody(settings, forwarded: str):
    settings.PROXY_COUNT = 1
    assert network("10.0.0.1", forwarded=forwarded) == ""
