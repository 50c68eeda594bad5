"""The doors for providers' reports: checked on the raw body, stored once, answered at once."""

import logging

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from donations.providers import NAMES, provider
from donations.providers.facts import Forged, Unavailable
from donations.providers.keeping import keep
from donations.tasks import handle_events
from fibrosite.lib.queueing import enqueue

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, name: str) -> HttpResponse:
    """One provider's report: 200 once it is stored, of whatever type; 400 if it is not theirs.

    404 while the provider's secret is not set: a door that cannot be checked is none.
    """
    if name not in NAMES or not provider(name).can_listen():
        raise Http404
    headers = {key.lower(): value for key, value in request.headers.items()}
    try:
        notice = provider(name).verify(request.body, headers)
    except Forged as error:
        logger.warning("A report in the name of %s was refused: %s", name, error)
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain")
    except Unavailable as error:
        # The provider comes again.
        logger.warning("A report of %s cannot be checked now: %s", name, error)
        return HttpResponse("Please try again later.\n", status=503, content_type="text/plain")
    event = keep(name, notice, now=timezone.now())
    if event is not None and event.handled_at is None:
        enqueue(handle_events, [event.pk])
    return HttpResponse("Kept.\n", content_type="text/plain")
