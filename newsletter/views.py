"""Sign-up, confirmation and leaving. A GET or HEAD changes nothing: mail scanners open links."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from math import ceil
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error as DatabaseFault
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
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
from newsletter import changing, choosing, offering, own_data, subscribing
from newsletter.changing import Changed
from newsletter.forms import (
    AddressForm,
    OwnDataForm,
    PauseForm,
    PreferencesForm,
    SignUpForm,
    form_stamp,
)
from newsletter.models import ConsentEvent, Letter, Subscriber
from newsletter.tasks import answer_sign_ups
from newsletter.tokens import (
    InvalidToken,
    leave_token,
    preferences_token,
    read_change_token,
    read_confirm_token,
    read_data_token,
    read_erase_token,
    read_leave_token,
    read_preferences_token,
)

SIGN_UPS_AN_HOUR = 30
# So often may one address be typed in, whoever does it and whether we know it or not.
TRIES_AN_HOUR = 5
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
    wait = _limit(request, "sign-up", form)
    if wait:
        return _later(_again(request, form, status=429), wait)
    subscribing.ask(form.cleaned_data["email"], form=form.cleaned_data["place"], now=timezone.now())
    enqueue(answer_sign_ups)
    return _thanks(request)


def _limit(request: HttpRequest, scope: str, form: AddressForm) -> int:
    """Count one try of the network and of the address in this valid form.

    The seconds to wait if there were too many; then the form says so.
    """
    network, address = client_network(request), form.cleaned_data["email"].lower()
    why = "Many requests came from your network just now."
    wait = seconds_to_wait(scope, network, limit=SIGN_UPS_AN_HOUR, per=HOUR)
    if not wait:
        why = "This address was typed in several times just now, and has its letter."
        wait = seconds_to_wait(f"{scope}-address", address, limit=TRIES_AN_HOUR, per=HOUR)
    if wait:
        form.add_error(None, f"{why} Please try again in {ceil(wait / 60)} minutes.")
    return wait


def _later(response: HttpResponse, wait: int) -> HttpResponse:
    response["Retry-After"] = str(wait)
    return response


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
    reader = subscribing.confirm(key, now=timezone.now())
    if reader is None:
        return render(request, "newsletter/confirm_invalid.html", status=400)
    enqueue(answer_sign_ups)
    choices = reverse("newsletter:preferences", args=[preferences_token(reader.key)])
    return render(request, "newsletter/confirmed.html", {"preferences_path": choices})


@token_page
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """A reader's own page: how often, how much, about what; pause and resume; ways on."""
    try:
        key = read_preferences_token(token)
    except InvalidToken:
        return render(request, "newsletter/leave_invalid.html", status=400)
    reader = Subscriber.objects.active().filter(key=key).first()
    if reader is None:
        return render(request, "newsletter/left.html")
    now = timezone.now()
    posted = request.POST if request.method == "POST" else None
    said, pause_form, form = "", PauseForm(), _preferences_form(None, reader, now)
    if posted is not None and "weeks" in posted:
        pause_form = PauseForm(posted)
        if pause_form.is_valid():
            said = _pause_or_resume(reader, pause_form.cleaned_data["weeks"], now)
    elif posted is not None and posted.get("want") in OwnDataForm.WISHES:
        said = _want(reader, posted["want"], now)
    elif posted is not None:
        form = _preferences_form(posted, reader, now)
        if form.is_valid():
            said = _choose(reader, form, now)
    context = {
        "form": form,
        "pause_form": pause_form,
        "limit": offering.site_limit(),
        "said": said,
        "paused": reader.is_paused(now),
        "subscriber": reader,
        "token": token,
        "leave_path": reverse("newsletter:leave", args=[leave_token(reader.key)]),
    }
    status = 400 if form.errors or pause_form.errors else 200
    return render(request, "newsletter/preferences.html", context, status=status)


def _want(reader: Subscriber, wish: str, now: datetime) -> str:
    own_data.ask(reader.email, Letter.Kind(wish), now=now)
    enqueue(answer_sign_ups)
    return (
        "We sent you a letter with the link. It can take a few minutes. Did you ask earlier "
        "today? Then use the letter you already have."
    )


@token_page
def ask_change(request: HttpRequest, token: str) -> HttpResponse:
    """A reader types in another address; it gets a letter to confirm with, whoever has it."""
    try:
        key = read_preferences_token(token)
    except InvalidToken:
        return render(request, "newsletter/leave_invalid.html", status=400)
    reader = Subscriber.objects.active().filter(key=key).first()
    if reader is None:
        return render(request, "newsletter/left.html")
    form = AddressForm(request.POST if request.method == "POST" else None)
    context = {"form": form, "token": token}
    if not form.is_valid():
        status = 400 if form.errors else 200
        return render(request, "newsletter/ask_change.html", context, status=status)
    wait = _limit(request, "change", form)
    if wait:
        return _later(render(request, "newsletter/ask_change.html", context, status=429), wait)
    changing.ask_change(reader, form.cleaned_data["email"], now=timezone.now())
    enqueue(answer_sign_ups)
    return render(request, "newsletter/change_asked.html")


@token_page
def change(request: HttpRequest, token: str) -> HttpResponse:
    """One button; pressing it makes the new address the reader's."""
    try:
        key = read_change_token(token)
    except InvalidToken:
        return render(request, "newsletter/link_invalid.html", status=400)
    if request.method != "POST":
        return render(request, "newsletter/change.html")
    changed = changing.confirm_change(key, now=timezone.now())
    if changed is None:
        return render(request, "newsletter/link_invalid.html", status=400)
    enqueue(answer_sign_ups)
    taken = changed is Changed.TAKEN
    return render(
        request, "newsletter/changed.html", {"taken": taken}, status=400 if taken else 200
    )


def _preferences_form(data: QueryDict | None, reader: Subscriber, now: datetime) -> PreferencesForm:
    topics = offering.topics(reader, now=now)
    return PreferencesForm(data, reader=reader, limit=offering.site_limit(), topics=topics)


def _choose(reader: Subscriber, form: PreferencesForm, now: datetime) -> str:
    method, version = ConsentEvent.Method.PAGE, offering.TEXT_VERSION
    choosing.choose(reader, form.wanted(), method=method, text_version=version, now=now)
    return "Saved. The next letter comes as you chose."


def _pause_or_resume(reader: Subscriber, weeks: int, now: datetime) -> str:
    if weeks:
        subscribing.pause(reader, weeks=weeks, now=now)
        return ""
    subscribing.resume(reader, now=now)
    return "The pause is over. It comes to you as usual."


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
    if method == ConsentEvent.Method.PAGE:
        enqueue(answer_sign_ups)
    return _left(request, token)


def _method_of_leaving(request: HttpRequest) -> ConsentEvent.Method:
    """By the button on our page or by the mail program; never raises, whatever the body."""
    try:
        on_page = request.POST.get("from") == "page"
    except (BadRequest, SuspiciousOperation, MultiPartParserError, OSError):
        # The token alone decides: some mail programs send a body that cannot be read, or none.
        on_page = False
    return ConsentEvent.Method.PAGE if on_page else ConsentEvent.Method.ONE_CLICK


def _left(request: HttpRequest, token: str) -> HttpResponse:
    undo = reverse("newsletter:stay", args=[token])
    return render(request, "newsletter/left.html", {"undo_path": undo})


@token_page
def stay(request: HttpRequest, token: str) -> HttpResponse:
    """Takes leaving back, by the button on the page after it."""
    try:
        key = read_leave_token(token)
    except InvalidToken:
        return render(request, "newsletter/leave_invalid.html", status=400)
    if request.method != "POST":
        return _left(request, token)
    reader = Subscriber.objects.filter(key=key).first()
    if reader is None or not subscribing.stay(reader, now=timezone.now()):
        return render(request, "newsletter/left.html", {"too_late": True}, status=400)
    return render(request, "newsletter/stayed.html")


# As with signing up: the letter it causes asks the address's owner.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def my_data(request: HttpRequest) -> HttpResponse:
    """Anybody asks for the link to see or erase what we hold of an address.

    Says the same whether we hold something or not.
    """
    if request.method != "POST":
        return _my_data(request, OwnDataForm(), stamp=form_stamp())
    form = OwnDataForm(request.POST)
    if form.is_trapped:
        return render(request, "newsletter/my_data_asked.html")
    if not form.is_valid():
        stale = form.has_error("stamp", "stale")
        stamp = form_stamp() if stale else request.POST.get("stamp", "")
        return _my_data(request, form, stamp=stamp, status=400)
    wait = _limit(request, "my-data", form)
    if wait:
        stamp = request.POST.get("stamp", "")
        return _later(_my_data(request, form, stamp=stamp, status=429), wait)
    said = form.cleaned_data
    own_data.ask(said["email"], Letter.Kind(said["want"]), now=timezone.now())
    enqueue(answer_sign_ups)
    return render(request, "newsletter/my_data_asked.html")


def _my_data(
    request: HttpRequest, form: OwnDataForm, *, stamp: str, status: int = 200
) -> HttpResponse:
    context = {"form": form, "stamp": stamp}
    return render(request, "newsletter/my_data.html", context, status=status)


@token_page
def own_data_file(request: HttpRequest, token: str) -> HttpResponse:
    """One button; pressing it gives all that we hold as a file."""
    try:
        person = own_data.person_with_key(read_data_token(token))
    except InvalidToken:
        person = None
    if person is None:
        return render(request, "newsletter/link_invalid.html", status=400)
    if request.method != "POST":
        return render(request, "newsletter/own_data.html")
    words = json.dumps(own_data.collect(person), indent=2, ensure_ascii=False)
    response = HttpResponse(words, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@token_page
def erase(request: HttpRequest, token: str) -> HttpResponse:
    """Says what is erased; one button erases. Who is erased already is told so."""
    try:
        person = own_data.person_with_key(read_erase_token(token))
    except InvalidToken:
        return render(request, "newsletter/link_invalid.html", status=400)
    if person is None:
        return render(request, "newsletter/erased.html")
    if request.method != "POST":
        return render(request, "newsletter/erase.html")
    own_data.erase(person, now=timezone.now())
    return render(request, "newsletter/erased.html")
