"""Figures at the desk."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from newsletter import figures

_NEEDED = ["newsletter.view_digest", "newsletter.view_subscriber"]


def view(desk: Any) -> Callable[[HttpRequest], HttpResponse]:
    """The page of figures, as the admin of digests mounts it."""

    def figures_view(request: HttpRequest) -> HttpResponse:
        if not request.user.has_perms(_NEEDED):
            raise PermissionDenied
        moments = figures.over_time(now=timezone.now())
        return desk.page(
            request,
            "figures",
            title="Figures",
            moments=moments,
            chart=figures.chart(moments),
            forms=figures.sign_ups_by_form(),
            digests=figures.of_digests(),
            topics=figures.by_topic(),
        )

    return figures_view
