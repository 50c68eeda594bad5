"""Is the site up, and is anything behind it silent?"""

from django.db import Error as DatabaseFault
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from newsletter.watching import scheduler_is_silent


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while pages can be served, 503 when the database is gone.

    A silent scheduler is reported but does not make the site sick: pages still render.
    """
    try:
        silent = scheduler_is_silent(now=timezone.now())
    except DatabaseFault:
        return JsonResponse({"status": "down", "database": "unreachable"}, status=503)
    return JsonResponse(
        {"status": "ok", "database": "ok", "scheduler": "silent" if silent else "ok"}
    )
