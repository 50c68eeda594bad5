"""Pages about giving. A GET changes nothing."""

import logging
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from donations import checking_out, doors, receipts
from donations.booking import currency_of
from donations.checking_out import Wish, fee_of
from donations.embeds import name_of
from donations.forms import GiveForm, GiverForm, PromiseForm
from donations.ledger import progress_of
from donations.models import Checkout, Donation, Drive
from donations.providers import LABELS, is_test, taking
from donations.providers.facts import Refused, Unavailable
from donations.tasks import collect, send_letters
from fibrosite.lib.money import format_money
from fibrosite.lib.queueing import enqueue
from fibrosite.lib.ratelimit import seconds_to_wait

logger = logging.getLogger(__name__)

PAST_SHOWN = 10
# So often, in seconds, looking at the page of thanks asks PayPal once more.
COLLECT_PAUSE = 10

# Each page with a form has a key of its own in it: browsers may keep it, for the way back from
# the payment page, and nobody else.
of_one: Any = cache_control(private=True, max_age=0)


# Anyone may post this form from anywhere: it only leads to a payment page.
@csrf_exempt
@of_one
@doors.leads_to_payment
@require_http_methods(["GET", "HEAD", "POST"])
def donate(request: HttpRequest) -> HttpResponse:
    """The ways to give, the open drive, and those that are over; the door of the form to give."""
    if request.method == "POST":
        return _give(request)
    return _donate_page(request, give_context(_open_drive()))


def _donate_page(request: HttpRequest, give: dict[str, Any], *, status: int = 200) -> HttpResponse:
    past = list(Drive.objects.filter(ends_on__lt=timezone.localdate())[:PAST_SHOWN])
    fund, *stood = progress_of([None, *past])
    context = {
        "drive": give["drive"] or _open_drive(),
        "give": give,
        "fund": fund,
        "fund_name": name_of(None),
        "past": list(zip(past, stood, strict=True)),
    }
    return render(request, "donations/donate.html", context, status=status)


@of_one
@doors.leads_to_payment
@require_safe
def drive(request: HttpRequest, slug: str) -> HttpResponse:
    """One drive: its story and where it stands or stood."""
    known = Drive.objects.started_by(timezone.localdate())
    found = get_object_or_404(known, slug=slug)
    give = give_context(found) if found.is_open() else None
    return render(request, "donations/drive.html", {"drive": found, "give": give})


@of_one
@doors.leads_to_payment
@require_safe
def fund(request: HttpRequest) -> HttpResponse:
    """What came without a drive, month by month; while one runs, gifts go to that."""
    running = _open_drive()
    give = None if running else give_context(None)
    context = {"name": name_of(None), "drive": running, "give": give}
    return render(request, "donations/fund.html", context)


def _open_drive() -> Drive | None:
    return Drive.objects.open_on(timezone.localdate()).first()


def give_context(
    drive: Drive | None, form: GiveForm | None = None, *, problem: str = ""
) -> dict[str, Any]:
    """What the form to give is shown with. Without a provider's keys it has no button."""
    currency = currency_of(drive)
    form = form or GiveForm(currency=currency)
    return {
        "form": form,
        "drive": drive,
        "currency": currency,
        "key": _key_of(form),
        "ways": [(name, LABELS[name]) for name in taking(currency)],
        "tested": [LABELS[name] for name in taking(currency) if is_test(name)],
        "problem": problem,
        "by_post_to": receipts.sender(),
        "fee_of_25": format_money(fee_of(_sample(currency), currency), currency),
        "sample": format_money(_sample(currency), currency),
    }


def _sample(currency: str) -> int:
    """The sum by which the form explains the fee."""
    form = GiveForm(currency=currency)
    return checking_out.unit_minor(currency) * int(form.likely)


def _key_of(form: GiverForm) -> str:
    """The key of the form: kept when it is shown again, so that it stays the same gift."""
    given = form.data.get("key") if form.is_bound else None
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        return str(uuid.uuid4())


def _give(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("drive", "").replace("\0", "")[:120]
    drive = Drive.objects.open_on(timezone.localdate()).filter(slug=wanted).first()
    if wanted and drive is None:
        return _over(request)
    form = GiveForm(request.POST, currency=currency_of(drive))
    way = request.POST.get("way", "")
    if form.is_trapped or not form.is_valid():
        return _donate_page(request, give_context(drive, form), status=400)
    if way not in taking(form.currency):
        problem = "This way to give is not open now. Nothing was paid."
        return _donate_page(request, give_context(drive, form, problem=problem), status=400)
    minutes = doors.too_many(
        request, "give", limit=doors.CHECKOUTS_AN_HOUR, of_all=doors.CHECKOUTS_OF_ALL
    )
    if minutes:
        problem = f"Many payments were begun just now. Please try again in {minutes} minutes."
        again = _donate_page(request, give_context(drive, form, problem=problem), status=429)
        return doors.later(again, minutes)
    return _go_and_pay(request, form, drive, way)


def _over(request: HttpRequest) -> HttpResponse:
    """The drive ended while its form lay open: nobody gives to something else unasked."""
    drive = _open_drive()
    form = GiveForm(request.POST, currency=currency_of(drive))
    problem = (
        "This drive is over. Nothing was paid. "
        f"If you give now, it goes to: {name_of(drive)}, in {currency_of(drive)}."
    )
    return _donate_page(request, give_context(drive, form, problem=problem), status=409)


def _go_and_pay(
    request: HttpRequest, form: GiveForm, drive: Drive | None, way: str
) -> HttpResponse:
    data = form.cleaned_data
    wish = _wish(form, drive, monthly=data["often"] == "monthly", cover_fee=data["cover_fee"])
    try:
        checkout = checking_out.open_checkout(wish, way, now=timezone.now())
    except (Unavailable, Refused) as error:
        logger.warning("A checkout could not be opened: %s", error)
        problem = (
            "The payment service does not answer now. Nothing was paid. Please try again in a few "
            "minutes, or give by one of the other ways below."
        )
        # With a new key: what the service half did is left alone.
        fresh = give_context(drive, form, problem=problem) | {"key": str(uuid.uuid4())}
        return _donate_page(request, fresh, status=503)
    if checkout.state == Checkout.State.COMPLETED:
        return HttpResponseRedirect(reverse("donations:thanks", args=[checkout.key]), status=303)
    return HttpResponseRedirect(checkout.url, status=303)


def _wish(form: GiverForm, drive: Drive | None, **more: Any) -> Wish:
    data = form.cleaned_data
    return Wish(
        key=data["key"],
        drive=drive,
        amount_minor=data["minor"],
        name=data["name"],
        email=data["email"],
        show_name=data["show_name"],
        message=data["message"].replace("\0", " ").strip(),
        **more,
    )


@of_one
@require_safe
def thanks(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Where the payment page leads to: how the gift stands, and what to do next.

    The money counts when the service has told of it.
    """
    checkout = get_object_or_404(Checkout.objects.select_related("drive"), key=key)
    _have_collected(checkout)
    standing = checking_out.state_of(checkout)
    context = {
        "checkout": checkout,
        "drive": checkout.drive,
        "amount": format_money(checkout.amount_minor, checkout.currency),
        "standing": standing,
        "came_to_nothing": standing in ("failed", "expired"),
    }
    return render(request, "donations/thanks.html", context)


def _have_collected(checkout: Checkout) -> None:
    """Have a worker take what was approved at PayPal, where its report is slow or lost."""
    awaited = checkout.provider == "paypal" and checkout.state == Checkout.State.OPEN
    if not awaited or checkout.monthly:
        return
    if not seconds_to_wait("collect", str(checkout.key), limit=1, per=COLLECT_PAUSE):
        enqueue(collect, checkout.pk)


@of_one
@require_safe
def cancelled(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The way back without paying."""
    checkout = get_object_or_404(Checkout.objects.select_related("drive"), key=key)
    return render(request, "donations/cancelled.html", {"checkout": checkout})


@csrf_exempt
@of_one
@require_http_methods(["GET", "HEAD", "POST"])
def promise(request: HttpRequest) -> HttpResponse:
    """ "I will send a cheque": entered as a promise, counted when it has arrived."""
    drive = _open_drive()
    currency = currency_of(drive)
    if request.method != "POST":
        return _promise_page(request, PromiseForm(currency=currency), drive)
    form = PromiseForm(request.POST, currency=currency)
    if form.is_trapped or not form.is_valid():
        return _promise_page(request, form, drive, status=400)
    minutes = doors.too_many(
        request, "promise", limit=doors.PROMISES_AN_HOUR, of_all=doors.PROMISES_OF_ALL
    )
    if minutes:
        form.add_error(None, f"Many promises came just now. Please try again in {minutes} minutes.")
        return doors.later(_promise_page(request, form, drive, status=429), minutes)
    method = form.cleaned_data["method"]
    gift = checking_out.keep_promise(_wish(form, drive), method, now=timezone.now())
    enqueue(send_letters)
    return HttpResponseRedirect(reverse("donations:promised", args=[gift.key]), status=303)


def _promise_page(
    request: HttpRequest, form: PromiseForm, drive: Drive | None, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "drive": drive, "key": _key_of(form)}
    return render(request, "donations/promise.html", context, status=status)


@of_one
@require_safe
def promised(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What to do after a promise."""
    gift = get_object_or_404(Donation.objects.select_related("drive"), key=key, provider="")
    entry = get_object_or_404(gift.entries, kind="pledged", source_key=f"promise:{gift.key}")
    context = {"gift": gift, "amount": entry.amount, "by_post_to": receipts.sender()}
    return render(request, "donations/promised.html", context)
