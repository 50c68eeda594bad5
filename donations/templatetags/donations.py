"""How a drive is shown: on pages and in the digest, from one sum."""

from typing import Any

from django import template
from django.utils import timezone

from donations import charts, months
from donations.callouts import Callout, callout_on
from donations.embeds import codes
from donations.ledger import Progress, progress, recent_gifts
from donations.models import Donation, Drive, Match

register = template.Library()

# The wall holds so many gifts, looked for among so many of the latest.
WALL, LATEST = 10, 100


@register.filter
def way_of(gift: Donation) -> str:
    """How a gift came, as it is written within a sentence: by cheque, by PayPal."""
    label = gift.get_method_display()
    return label if gift.method == Donation.Method.PAYPAL else label.lower()


def _with_progress(drive: Drive | None) -> dict[str, Any]:
    return {"drive": drive, "progress": progress(drive)}


@register.inclusion_tag("donations/progress.html")
def drive_progress(drive: Drive | None) -> dict[str, Any]:
    """The labelled bar of one drive; of the fund (None), which has no goal, the sum alone."""
    return _with_progress(drive)


@register.simple_tag
def drive_sum(drive: Drive | None) -> Progress:
    """Where a drive stands, for a page that says it more than once."""
    return progress(drive)


@register.inclusion_tag("donations/callout.html", takes_context=True)
def drive_callout(context: dict[str, Any], place: str = "") -> dict[str, Any]:
    """The drive of these days in the words of its state, or nothing; the first on a page speaks.

    At the place "end", which is the end of an article, the fund is spoken of between drives.
    """
    request = context.get("request")
    if request is None or getattr(request, "callout", None):
        return {}
    callout = _callout_of(request)
    if callout is None or not (callout.drive or place == "end"):
        return {}
    request.callout = callout
    return _said(callout, context)


def _callout_of(request: Any) -> Callout | None:
    """What this page may say, asked for once however many places there are."""
    if not hasattr(request, "callout_of_today"):
        request.callout_of_today = callout_on(timezone.localdate())
    callout: Callout | None = request.callout_of_today
    return callout


@register.inclusion_tag("donations/bar.html", takes_context=True)
def drive_bar(context: dict[str, Any]) -> dict[str, Any]:
    """The callout of this page once more, in one line, for while it is out of sight."""
    callout: Callout | None = getattr(context.get("request"), "callout", None)
    return _said(callout, context) if callout and callout.is_running else {}


def _said(callout: Callout, context: dict[str, Any]) -> dict[str, Any]:
    return {
        "callout": callout,
        "drive": callout.drive,
        "progress": callout.progress,
        "legal_status": context.get("legal_status"),
    }


@register.inclusion_tag("donations/on_the_way.html")
def drive_on_the_way(drive: Drive) -> dict[str, Any]:
    """What makes a drive move: who matches gifts, and the milestones on its way."""
    matches = [(match, _standing(match)) for match in drive.matches.all()]
    return {"drive": drive, "matches": matches, "milestones": drive.milestones.all()}


def _standing(match: Match) -> str:
    """Whether a match is "open", "used-up", or "over": only an open one may promise something."""
    if match.booked_minor >= match.cap_minor:
        return "used-up"
    return "over" if match.until_at < timezone.now() else "open"


@register.inclusion_tag("donations/chart.html")
def drive_chart(drive: Drive) -> dict[str, Any]:
    """What was raised day by day, against the goal and the drives before it."""
    return {"drive": drive, "chart": charts.chart(drive, today=timezone.localdate())}


@register.inclusion_tag("donations/months.html")
def fund_months() -> dict[str, Any]:
    """What came to the fund in each of the last months."""
    return {"chart": months.chart(today=timezone.localdate())}


@register.inclusion_tag("donations/wall.html")
def drive_wall(drive: Drive | None) -> dict[str, Any]:
    """Those of the latest gifts whose givers show a name, or a message that an editor let through.

    Most gifts have neither: a list of them would tell nothing.
    """
    latest = recent_gifts(drive, LATEST)
    told = [gift for gift in latest if gift.public_name or gift.public_message]
    return {"gifts": told[:WALL]}


@register.inclusion_tag("donations/embedding.html")
def drive_embedding(drive: Drive | None) -> dict[str, Any]:
    """The codes to copy for showing where a drive (the fund) stands on another site."""
    return {"drive": drive, "codes": codes(drive)}


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
