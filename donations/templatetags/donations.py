"""How a drive is shown: on pages and in the digest, from one sum."""

from typing import Any

from django import template
from django.utils import timezone

from donations import charts
from donations.callouts import callout_on
from donations.ledger import progress, recent_gifts
from donations.models import Drive

register = template.Library()

# So many of the latest gifts a page tells of.
GIFTS_SHOWN = 10


def _with_progress(drive: Drive | None) -> dict[str, Any]:
    return {"drive": drive, "progress": progress(drive) if drive else None}


@register.inclusion_tag("donations/progress.html")
def drive_progress(drive: Drive) -> dict[str, Any]:
    """The labelled bar of one drive."""
    return _with_progress(drive)


@register.inclusion_tag("donations/callout.html", takes_context=True)
def drive_callout(context: dict[str, Any]) -> dict[str, Any]:
    """The drive of these days in the words of its state, once on a page; or nothing."""
    request = context.get("request")
    if request is not None and getattr(request, "has_callout", False):
        return {}
    callout = callout_on(timezone.localdate())
    if callout and request is not None:
        request.has_callout = True
    shown = {"drive": callout.drive, "progress": callout.progress} if callout else {}
    return {**shown, "callout": callout, "legal_status": context.get("legal_status")}


@register.inclusion_tag("donations/chart.html")
def drive_chart(drive: Drive) -> dict[str, Any]:
    """What was raised day by day, against the goal and the drives before it."""
    return {"drive": drive, "chart": charts.chart(drive, today=timezone.localdate())}


@register.inclusion_tag("donations/wall.html")
def drive_wall(drive: Drive) -> dict[str, Any]:
    """The latest gifts; a name or a message only where its giver and an editor agreed."""
    return {"drive": drive, "gifts": recent_gifts(drive, GIFTS_SHOWN)}


@register.simple_tag
def drive_for_letters() -> dict[str, Any] | None:
    """The open drive, else the newest that ended lately, with its progress; or None.

    `is_over` says which.
    """
    today = timezone.localdate()
    drive = Drive.objects.shown_on(today).first()
    if drive is None:
        return None
    return {**_with_progress(drive), "is_over": drive.ends_on < today}
