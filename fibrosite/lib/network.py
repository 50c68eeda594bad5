"""Where a request came from, as far as our own proxies can be trusted."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_network(request: HttpRequest) -> str:
    """The visitor's network: the IPv4 address, or the /64 of an IPv6 address; "" if unknown.

    X-Forwarded-For is believed only for the last PROXY_COUNT entries, which our proxies wrote.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.PROXY_COUNT:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        if len(hops) >= settings.PROXY_COUNT:
            address = hops[-settings.PROXY_COUNT]
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address):
        # A socket that listens on both families writes IPv4 visitors as ::ffff:192.0.2.1.
        if ip.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ip)
