"""Pages about giving."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from donations.ledger import progress_of
from donations.models import Drive

PAST_SHOWN = 10


@require_safe
def donate(request: HttpRequest) -> HttpResponse:
    """The ways to give, the open drive, and those that are over."""
    today = timezone.localdate()
    current = Drive.objects.open_on(today).first()
    past = list(Drive.objects.filter(ends_on__lt=today)[:PAST_SHOWN])
    context = {"drive": current, "past": list(zip(past, progress_of(past), strict=True))}
    return render(request, "donations/donate.html", context)


@require_safe
def drive(request: HttpRequest, slug: str) -> HttpResponse:
    """One drive: its story and where it stands or stood."""
    known = Drive.objects.started_by(timezone.localdate())
    return render(request, "donations/drive.html", {"drive": get_object_or_404(known, slug=slug)})
