"""Is the site up, and is anything behind it silent?"""

from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter.models import Rhythm

SILENT_AFTER = timedelta(minutes=5)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while pages can be served, 503 when the database is gone.

    A silent scheduler is reported but does not make the site sick: pages still render.
    """
    try:
        ticked_at = Rhythm.objects.values_list("ticked_at", flat=True).first()
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "unreachable"}, status=503)
    fresh = ticked_at is not None and timezone.now() - ticked_at < SILENT_AFTER
    response = JsonResponse(
        {"status": "ok", "database": "ok", "scheduler": "ok" if fresh else "silent"}
    )
    response["Cache-Control"] = "no-store"
    return response
