"""Where a drive or the fund stands, for other sites: a page for frames, a picture, and figures to
compute with.

They hold no script, set no cookie, and are the same for everyone, so that any cache may keep them.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, set_response_etag
from django.utils.text import Truncator
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from donations.ledger import Progress, progress
from donations.models import Drive
from fibrosite.lib.money import exponent

View = Callable[..., HttpResponse]

# So long, in seconds, a cache may show what it has without asking.
FRESH = 60
# What fits into the picture, in letters: a longer name is cut (the title has it whole), a longer
# sum is drawn closer.
BADGE_LETTERS = 32
# The sum of the fund, which has no bar, is written larger.
FUND_LETTERS = 24
BADGE_BAR = 296
FRAME_WIDTH, FRAME_HEIGHT = 360, 320

FRAME_POLICY = {
    "default-src": [NONE],
    "style-src": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": ["*"],
}
BARE_POLICY = {"default-src": [NONE], "base-uri": [NONE], "frame-ancestors": ["*"]}


def for_other_sites(view: View) -> Callable[..., HttpResponseBase]:
    """Let any site show the answer and any cache keep it; unchanged, it is not sent again."""

    @require_safe
    @xframe_options_exempt
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = f"public, max-age={FRESH}"
        set_response_etag(response)
        unchanged = get_conditional_response(request, etag=response["ETag"], response=response)
        final = unchanged or response
        final["Access-Control-Allow-Origin"] = "*"
        final["Access-Control-Expose-Headers"] = "ETag"
        final["Cross-Origin-Resource-Policy"] = "cross-origin"
        return final

    return answer


def name_of(drive: Drive | None) -> str:
    """What readers know a drive, or the fund, by."""
    return drive.name if drive else f"The fund of {settings.SITE_NAME}"


def _shown(slug: str | None) -> Drive | None:
    """The drive of this name; the fund has none."""
    if slug is None:
        return None
    return get_object_or_404(Drive.objects.started_by(timezone.localdate()), slug=slug)


def _context(slug: str | None) -> dict[str, Any]:
    drive = _shown(slug)
    return {
        "drive": drive,
        "name": name_of(drive),
        "page": _path("drive", drive),
        "progress": progress(drive),
        "is_open": drive is None or drive.is_open(),
        "site_name": settings.SITE_NAME,
        "legal_status": settings.LEGAL_STATUS,
    }


@csp(FRAME_POLICY)
@for_other_sites
def frame(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """A small page for an iframe."""
    return HttpResponse(render_to_string("donations/embed.html", _context(slug)))


@csp(BARE_POLICY)
@for_other_sites
def badge(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """A picture of the bar with its sum in words."""
    context = _context(slug)
    standing = context["progress"]
    context["short_name"] = Truncator(context["name"]).chars(BADGE_LETTERS)
    context["filled"] = BADGE_BAR * standing.filled // 100
    context["is_long"] = len(standing.words) > (BADGE_LETTERS if standing.goal else FUND_LETTERS)
    svg = render_to_string("donations/badge.svg", context)
    return HttpResponse(svg, content_type="image/svg+xml")


@csp(BARE_POLICY)
@for_other_sites
def figures(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    """The figures as JSON: amounts in minor units, and as text."""
    drive = _shown(slug)
    return JsonResponse(as_json(drive, progress(drive)))


def as_json(drive: Drive | None, standing: Progress) -> dict[str, Any]:
    """What `progress.json` says; docs/embedding.md tells what each key means."""
    return {
        "name": name_of(drive),
        "url": _address("drive", drive),
        **(_of_drive(drive, standing) if drive else {}),
        "currency": standing.currency,
        "decimals": exponent(standing.currency),
        "raised_minor": standing.raised_minor,
        "gifts": standing.gifts,
        "donors": standing.donors,
        "raised": standing.raised,
        "text": standing.words,
        "as_of": standing.as_of.isoformat() if standing.as_of else None,
        "legal_status": settings.LEGAL_STATUS,
    }


def _of_drive(drive: Drive, standing: Progress) -> dict[str, Any]:
    """What the fund does not have: days, a goal, matches."""
    state = drive.state_on(timezone.localdate(), raised_minor=standing.raised_minor)
    return {
        "state": str(state),
        "starts_on": drive.starts_on.isoformat(),
        "ends_on": drive.ends_on.isoformat(),
        "goal_minor": standing.goal_minor,
        "stretch_goal_minor": standing.stretch_goal_minor,
        "matched_minor": standing.matched_minor,
        "percent": standing.percent,
        "goal": standing.goal,
        "stretch_goal": standing.stretch_goal,
    }


def _path(name: str, drive: Drive | None) -> str:
    """The path of the page ("drive"), "embed", "badge" or "figures"."""
    if drive:
        return reverse(f"donations:{name}", args=[drive.slug])
    return reverse("donations:fund" if name == "drive" else f"donations:fund_{name}")


def _address(name: str, drive: Drive | None) -> str:
    return f"{settings.SITE_URL}{_path(name, drive)}"


def codes(drive: Drive | None) -> dict[str, str]:
    """What to copy: "frame" and "picture" as HTML, "forum" as BBCode, "figures" as an address."""
    context = {
        "name": name_of(drive),
        "page": _address("drive", drive),
        "frame": _address("embed", drive),
        "badge": _address("badge", drive),
        "width": FRAME_WIDTH,
        "height": FRAME_HEIGHT,
    }
    code = {
        name: render_to_string(f"donations/codes/{name}.txt", context).strip()
        for name in ("frame", "picture")
    }
    forum = f"[url={context['page']}][img]{context['badge']}[/img][/url]"
    return {**code, "forum": forum, "figures": _address("figures", drive)}
