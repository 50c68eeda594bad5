"""The doors for providers' reports: checked on the raw body, stored once, answered at once."""

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from donations.providers import NAMES, provider
from donations.providers.facts import Denied, Forged, Unavailable
from donations.providers.keeping import keep
from donations.tasks import handle_events
from fibrosite.lib.network import client_network
from fibrosite.lib.queueing import enqueue
from fibrosite.lib.ratelimit import seconds_left, seconds_to_wait

logger = logging.getLogger(__name__)


# The longest report of either is a few kilobytes.
MOST_BYTES = 1_000_000
HOUR = 3600
# Reports that the provider itself did not know, or could not be asked about, before it is asked
# no more: for a stranger's network, and for all. What was sent truly comes again, for days.
DENIED_AN_HOUR = 100
DENIED_OF_ALL = 1000


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, name: str) -> HttpResponse:
    """One provider's report: 200 once it is stored, of whatever type; 400 if it is not theirs.

    404 while the provider's secret is not set: a door that cannot be checked is none. 429 to who
    had the provider asked in vain too often.
    """
    if name not in NAMES or not provider(name).can_listen():
        raise Http404
    if len(request.body) > MOST_BYTES:
        return HttpResponse("This is too long.\n", status=413, content_type="text/plain")
    wait = _wait(name, request)
    if wait:
        logger.warning("Reports in the name of %s are not looked at for %s s", name, wait)
        return _later(429, wait)
    headers = {key.lower(): value for key, value in request.headers.items()}
    try:
        notice = provider(name).verify(request.body, headers)
    except Forged as error:
        if isinstance(error, Denied):
            _count(name, request)
        logger.warning("A report in the name of %s was refused: %s", name, error)
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain")
    except Unavailable as error:
        # The provider comes again.
        _count(name, request)
        logger.warning("A report of %s cannot be checked now: %s", name, error)
        return _later(503, 60)
    event = keep(name, notice, now=timezone.now())
    if event is not None and event.handled_at is None:
        enqueue(handle_events, [event.pk])
    return HttpResponse("Kept.\n", content_type="text/plain")


def _counts(name: str, request: HttpRequest) -> list[tuple[str, str, int]]:
    """Where vain questions are counted: scope, key, limit."""
    scope = f"{name}-denied"
    of_all = (f"{scope}-all", "all", DENIED_OF_ALL)
    return [(scope, client_network(request), DENIED_AN_HOUR), of_all]


def _wait(name: str, request: HttpRequest) -> int:
    """The seconds until this network may have the provider asked again; 0 for now."""
    rows = _counts(name, request)
    return max(seconds_left(scope, key, limit=most, per=HOUR) for scope, key, most in rows)


def _count(name: str, request: HttpRequest) -> None:
    for scope, key, most in _counts(name, request):
        seconds_to_wait(scope, key, limit=most, per=HOUR)


def _later(status: int, seconds: int) -> HttpResponse:
    response = HttpResponse("Please try again later.\n", status=status, content_type="text/plain")
    response["Retry-After"] = str(seconds)
    return response
