"""How a drive is shown: on pages and in the digest, from one sum."""

from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone

from donations.ledger import progress
from donations.models import Drive

register = template.Library()

# So long do letters say what a drive that ended brought in.
THANKS = timedelta(days=14)


def _with_progress(drive: Drive | None) -> dict[str, Any]:
    return {"drive": drive, "progress": progress(drive) if drive else None}


@register.inclusion_tag("donations/progress.html")
def drive_progress(drive: Drive) -> dict[str, Any]:
    """The labelled bar of one drive."""
    return _with_progress(drive)


@register.inclusion_tag("donations/callout.html", takes_context=True)
def drive_callout(context: dict[str, Any]) -> dict[str, Any]:
    """The open drive with its bar and a link to give; nothing when no drive runs."""
    drive = Drive.objects.open_on(timezone.localdate()).first()
    return {**_with_progress(drive), "legal_status": context.get("legal_status")}


@register.simple_tag
def drive_for_letters() -> dict[str, Any] | None:
    """The open drive, else the newest that ended within THANKS, with its progress; or None.

    `is_over` says which.
    """
    today = timezone.localdate()
    lately = Drive.objects.started_by(today).filter(ends_on__gte=today - THANKS)
    drives = sorted(lately, key=lambda drive: drive.ends_on < today)
    if not drives:
        return None
    return {**_with_progress(drives[0]), "is_over": drives[0].ends_on < today}
