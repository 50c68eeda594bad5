"""Sign-up, confirmation and leaving. A GET or HEAD changes nothing: mail scanners open links."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error as DatabaseFault
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from fibrosite.lib.network import client_network
from fibrosite.lib.queueing import enqueue
from fibrosite.lib.ratelimit import seconds_to_wait
from newsletter import subscribing
from newsletter.forms import PauseForm, SignUpForm, form_stamp
from newsletter.models import ConsentEvent, Subscriber
from newsletter.tasks import answer_sign_ups
from newsletter.tokens import (
    InvalidToken,
    leave_token,
    read_confirm_token,
    read_leave_token,
    read_preferences_token,
)

SIGN_UPS_AN_HOUR = 30
HOUR = 3600

View = Callable[..., HttpResponse]


def token_page(view: View) -> View:
    """For pages whose address is a secret: kept by no cache, search engine or referrer.

    They need neither cookie nor login, so the token alone decides: no CSRF token either.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "OPTIONS", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "OPTIONS":
            return HttpResponse(headers={"Allow": "GET, HEAD, OPTIONS, POST"})
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return guarded


# Anyone may post this form from anywhere: the letter it causes asks the address's owner.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """The sign-up page and the door for the form at the foot of each page.

    Says the same for new, pending and known addresses, and for those who fell into the trap.
    """
    if request.method != "POST":
        return render(request, "newsletter/subscribe.html")
    form = SignUpForm(request.POST)
    if form.is_trapped:
        return _thanks(request)
    if not form.is_valid():
        return _again(request, form, status=400)
    network = client_network(request)
    wait = seconds_to_wait("sign-up", network, limit=SIGN_UPS_AN_HOUR, per=HOUR)
    if wait:
        form.add_error(None, _too_often(wait))
        response = _again(request, form, status=429)
        response["Retry-After"] = str(wait)
        return response
    subscribing.ask(form.cleaned_data["email"], form=form.cleaned_data["place"], now=timezone.now())
    enqueue(answer_sign_ups)
    return _thanks(request)


def _too_often(wait: int) -> str:
    return (
        "Many sign-ups came from your network just now. "
        f"Please try again in {ceil(wait / 60)} minutes."
    )


def _wants_fragment(request: HttpRequest) -> bool:
    """Whether our script asks, which puts the answer in the place of the form."""
    return request.headers.get("X-Fragment") == "1"


def _thanks(request: HttpRequest) -> HttpResponse:
    if _wants_fragment(request):
        return render(request, "newsletter/sign_up_thanks.html")
    return HttpResponseRedirect(reverse("newsletter:check_inbox"), status=303)


def _again(request: HttpRequest, form: SignUpForm, *, status: int) -> HttpResponse:
    fragment = _wants_fragment(request)
    template = "newsletter/sign_up_form.html" if fragment else "newsletter/subscribe.html"
    # A form that was open too long gets a new stamp; one sent too fast keeps its own.
    stale = form.has_error("stamp", "stale")
    place = request.POST.get("place") if fragment else "page"
    context = {
        "sign_up": form,
        "place": place if place in ("foot", "page") else "page",
        "stamp": form_stamp() if stale else request.POST.get("stamp", ""),
    }
    return render(request, template, context, status=status)


@require_safe
def check_inbox(request: HttpRequest) -> HttpResponse:
    """What to do next, after a sign-up without script."""
    return render(request, "newsletter/check_inbox.html")


@token_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """One button; pressing it puts the address on the list."""
    try:
        key = read_confirm_token(token)
    except InvalidToken:
        return render(request, "newsletter/confirm_invalid.html", status=400)
    if request.method != "POST":
        return render(request, "newsletter/confirm.html")
    if subscribing.confirm(key, now=timezone.now()) is None:
        return render(request, "newsletter/confirm_invalid.html", status=400)
    return render(request, "newsletter/confirmed.html")


@token_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """A reader's own page: pause for some weeks, resume, or go on to leave."""
    try:
        key = read_preferences_token(token)
    except InvalidToken:
        return render(request, "newsletter/leave_invalid.html", status=400)
    subscriber = Subscriber.objects.active().filter(key=key).first()
    if subscriber is None:
        return render(request, "newsletter/left.html")
    form = PauseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _pause_or_resume(subscriber, form.cleaned_data["weeks"])
    context = {
        "form": form,
        "paused": subscriber.is_paused(timezone.now()),
        "subscriber": subscriber,
        "leave_path": reverse("newsletter:leave", args=[leave_token(subscriber.key)]),
    }
    status = 400 if form.errors else 200
    return render(request, "newsletter/preferences.html", context, status=status)


def _pause_or_resume(subscriber: Subscriber, weeks: int) -> None:
    if weeks:
        subscribing.pause(subscriber, weeks=weeks, now=timezone.now())
    else:
        subscribing.resume(subscriber)


@token_page
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """One button; pressing it, or the mail program's one-click POST (RFC 8058), ends the digest.

    A person whom we no longer know gets the same answer as one who has left.
    """
    try:
        key = read_leave_token(token)
    except InvalidToken:
        return render(request, "newsletter/leave_invalid.html", status=400)
    if request.method != "POST":
        return render(request, "newsletter/leave.html")
    method = _method_of_leaving(request)
    try:
        subscriber = Subscriber.objects.filter(key=key).first()
        if subscriber is not None:
            subscribing.leave(subscriber, method=method, now=timezone.now())
    except DatabaseFault:
        # The mail program tries again after a 503, and never after another error.
        return HttpResponse("Please try again later.", status=503, headers={"Retry-After": "300"})
    return render(request, "newsletter/left.html")


def _method_of_leaving(request: HttpRequest) -> ConsentEvent.Method:
    """By the button on our page or by the mail program; never raises, whatever the body."""
    try:
        on_page = request.POST.get("from") == "page"
    except (BadRequest, SuspiciousOperation, MultiPartParserError, OSError):
        # The token alone decides: some mail programs send a body that cannot be read, or none.
        on_page = False
    return ConsentEvent.Method.PAGE if on_page else ConsentEvent.Method.ONE_CLICK
