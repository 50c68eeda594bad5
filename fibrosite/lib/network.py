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
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))
