"""How a drive is shown: on pages and in the digest, from one sum."""

from typing import Any

from django import template
from django.utils import timezone

from donations.ledger import progress
from donations.models import Drive

register = template.Library()


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
def open_drive() -> dict[str, Any] | None:
    """The open drive and its progress, for letters; None when no drive runs."""
    drive = Drive.objects.open_on(timezone.localdate()).first()
    return _with_progress(drive) if drive else None
