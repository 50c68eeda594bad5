"""Where a drive stands, for other sites: a page for frames, a picture, and figures to compute with.

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


def _shown(slug: str) -> Drive:
    return get_object_or_404(Drive.objects.started_by(timezone.localdate()), slug=slug)


def _context(slug: str) -> dict[str, Any]:
    drive = _shown(slug)
    return {
        "drive": drive,
        "progress": progress(drive),
        "is_open": drive.is_open(),
        "site_name": settings.SITE_NAME,
        "legal_status": settings.LEGAL_STATUS,
    }


@csp(FRAME_POLICY)
@for_other_sites
def frame(request: HttpRequest, slug: str) -> HttpResponse:
    """A small page for an iframe."""
    return HttpResponse(render_to_string("donations/embed.html", _context(slug)))


@csp(BARE_POLICY)
@for_other_sites
def badge(request: HttpRequest, slug: str) -> HttpResponse:
    """A picture of the bar with its sum in words."""
    context = _context(slug)
    standing = context["progress"]
    context["name"] = Truncator(context["drive"].name).chars(BADGE_LETTERS)
    context["filled"] = BADGE_BAR * standing.filled // 100
    context["is_long"] = len(standing.words) > BADGE_LETTERS
    svg = render_to_string("donations/badge.svg", context)
    return HttpResponse(svg, content_type="image/svg+xml")


@csp(BARE_POLICY)
@for_other_sites
def figures(request: HttpRequest, slug: str) -> HttpResponse:
    """The figures as JSON: amounts in minor units, and as text."""
    drive = _shown(slug)
    return JsonResponse(as_json(drive, progress(drive)))


def as_json(drive: Drive, standing: Progress) -> dict[str, Any]:
    """What `progress.json` says; docs/embedding.md tells what each key means."""
    state = drive.state_on(timezone.localdate(), raised_minor=standing.raised_minor)
    return {
        "name": drive.name,
        "url": _address("drive", drive),
        "state": str(state),
        "starts_on": drive.starts_on.isoformat(),
        "ends_on": drive.ends_on.isoformat(),
        "currency": standing.currency,
        "decimals": exponent(standing.currency),
        "raised_minor": standing.raised_minor,
        "goal_minor": standing.goal_minor,
        "stretch_goal_minor": standing.stretch_goal_minor,
        "matched_minor": standing.matched_minor,
        "percent": standing.percent,
        "gifts": standing.gifts,
        "donors": standing.donors,
        "raised": standing.raised,
        "goal": standing.goal,
        "stretch_goal": standing.stretch_goal,
        "text": standing.words,
        "as_of": standing.as_of.isoformat() if standing.as_of else None,
        "legal_status": settings.LEGAL_STATUS,
    }


def _address(name: str, drive: Drive) -> str:
    return settings.SITE_URL + reverse(f"donations:{name}", args=[drive.slug])


def codes(drive: Drive) -> dict[str, str]:
    """What to copy: "frame" and "picture" as HTML, "forum" as BBCode, "figures" as an address."""
    context = {
        "drive": drive,
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
