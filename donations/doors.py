"""What pages about giving have in common: who may ask how often, and what no cache may keep."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from fibrosite.lib.network import client_network
from fibrosite.lib.ratelimit import seconds_to_wait

HOUR = 3600
# A payment page costs whoever tries stolen cards a click; this makes it slow work.
CHECKOUTS_AN_HOUR = 20
CHECKOUTS_OF_ALL = 1500
PROMISES_AN_HOUR = 10
PROMISES_OF_ALL = 300
LINKS_AN_HOUR = 20

View = Callable[..., HttpResponse]

# Its form leads to a payment page, and browsers check the address behind the redirect, too.
leads_to_payment: Any = csp_update({"form-action": settings.PAYMENT_PAGES})


def own_door(view: View) -> View:
    """For pages whose address is a secret: kept by no cache, search engine or referrer.

    They need neither cookie nor login, so the token alone decides: no CSRF token either.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return guarded


def too_many(request: HttpRequest, scope: str, *, limit: int, of_all: int = 0) -> int:
    """Count one try of this network, and of everybody; the minutes to wait if there were many."""
    wait = seconds_to_wait(scope, client_network(request), limit=limit, per=HOUR)
    if not wait and of_all:
        wait = seconds_to_wait(f"{scope}-all", "all", limit=of_all, per=HOUR)
    return ceil(wait / 60)


def later(response: HttpResponse, minutes: int) -> HttpResponse:
    """The response with the time to come back."""
    response["Retry-After"] = str(minutes * 60)
    return response
