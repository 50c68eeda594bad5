"""A giver's own page, opened by a mailed link. A GET changes nothing."""

import logging
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from donations import doors, erasing, letters, posting, receipts
from donations.donors import with_address
from donations.forms import AddressForm, AmountForm
from donations.models import Donor, GiftLetter, Pledge
from donations.providers import NAMES, paypal, stripe
from donations.providers.facts import Refused, Unavailable
from donations.tasks import send_letters
from donations.tokens import InvalidToken, read_own_token
from fibrosite.lib.money import format_money
from fibrosite.lib.queueing import enqueue

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]
AWAY = "The payment service does not answer now. Nothing was changed. Please try again later."


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """The door to the own page. Says the same of known and unknown addresses."""
    if request.method != "POST":
        return render(request, "donations/own_ask.html", {"form": AddressForm()})
    form = AddressForm(request.POST)
    if not form.is_valid():
        return render(request, "donations/own_ask.html", {"form": form}, status=400)
    minutes = doors.too_many(request, "own-link", limit=doors.LINKS_AN_HOUR)
    if minutes:
        form.add_error(None, f"Many links were asked for. Please try again in {minutes} minutes.")
        again = render(request, "donations/own_ask.html", {"form": form}, status=429)
        return doors.later(again, minutes)
    donor = with_address(form.cleaned_data["email"])
    if donor is not None:
        posting.want_link(donor, now=timezone.now())
    enqueue(send_letters)
    return HttpResponseRedirect(reverse("donations:own_asked"), status=303)


@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """What to do next."""
    return render(request, "donations/own_asked.html")


def of_donor(view: View) -> View:
    """Gives the view the giver whom the token names, in place of the token."""

    @doors.own_door
    @wraps(view)
    def opened(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
        try:
            key = read_own_token(token)
        except InvalidToken:
            return render(request, "donations/own_invalid.html", status=400)
        donor = Donor.objects.filter(key=key, erased_at=None).first()
        if donor is None:
            return render(request, "donations/own_invalid.html", {"is_erased": True}, status=410)
        return view(request, donor, token, **kwargs)

    return opened


@of_donor
def page(request: HttpRequest, donor: Donor, token: str) -> HttpResponse:
    """History, receipts, monthly gifts, names; each button says what it did."""
    said = (
        _do(request, donor) if request.method == "POST" else _SAID.get(request.GET.get("did", ""))
    )
    gifts = receipts.gifts_of(donor)
    promises = donor.donations.filter(paid_at=None, promised_minor__gt=0)
    context = {
        "donor": donor,
        "token": token,
        "said": said,
        "pledges": [_pledge_row(pledge) for pledge in donor.pledges.all()],
        "gifts": [_gift_row(gift) for gift in gifts],
        "promises": [(gift, _promised(gift)) for gift in promises],
        "years": receipts.years_of(gifts),
    }
    return render(request, "donations/own.html", context)


_SAID = {
    "stopped": "Your monthly gift is stopped. Nothing more is taken.",
    "changed": "From the next month on the new amount is taken.",
    "agreed": "PayPal will tell us of the new amount. Until then the old one stands here.",
    "kept": "Nothing was changed. Your monthly gift goes on as it was.",
}


def _pledge_row(pledge: Pledge) -> dict[str, Any]:
    return {"pledge": pledge, "amount": format_money(pledge.amount_minor, pledge.currency)}


def _gift_row(gift: Any) -> dict[str, Any]:
    came = receipts.came_minor(gift)
    back = came - gift.held_minor
    return {
        "gift": gift,
        "came": format_money(came, gift.currency),
        "back": format_money(back, gift.currency) if back > 0 else "",
        "day": receipts.day_of(gift),
        "number": receipts.number_of(gift),
    }


def _promised(gift: Any) -> str:
    entry = gift.entries.filter(kind="pledged").first()
    return entry.amount if entry else ""


def _do(request: HttpRequest, donor: Donor) -> str:
    """Do what a button of the page asks for; what to say of it."""
    want = request.POST.get("want", "")
    if want == "statement":
        return _mail_statement(donor, request.POST.get("year", ""))
    try:
        key = uuid.UUID(request.POST.get("gift", ""))
    except ValueError as error:
        raise Http404 from error
    if want not in ("mail", "show", "hide"):
        raise Http404
    gift = get_object_or_404(donor.donations.filter(paid_at__isnull=False), key=key)
    if want == "mail":
        posting.want(GiftLetter.Kind.THANKS, donor.email, now=timezone.now(), donor=donor,
                     donation=gift)  # fmt: skip
        enqueue(send_letters)
        return "The receipt is on its way to you."
    gift.show_name = want == "show" and bool(donor.name)
    gift.name_shown = donor.name[:120] if gift.show_name else ""
    gift.save(update_fields=["show_name", "name_shown"])
    if gift.pledge:
        # The months to come do as this one does.
        Pledge.objects.filter(pk=gift.pledge.pk).update(
            show_name=gift.show_name, name_shown=gift.name_shown
        )
    return "Your name is shown beside this gift." if gift.show_name else "Your name is hidden."


def _mail_statement(donor: Donor, year: str) -> str:
    years = receipts.years_of(receipts.gifts_of(donor))
    if not year.isdecimal() or int(year) not in years:
        raise Http404
    posting.want(
        GiftLetter.Kind.STATEMENT, donor.email, now=timezone.now(), donor=donor, year=int(year)
    )
    enqueue(send_letters)
    return f"The statement of {year} is on its way to you."


@doors.leads_to_payment
@of_donor
def pledge(request: HttpRequest, donor: Donor, token: str, key: uuid.UUID) -> HttpResponse:
    """Stop a monthly gift or change it: the second of two presses."""
    found = get_object_or_404(donor.pledges, key=key)
    if found.state == Pledge.State.CANCELLED:
        # Pressed twice, or gone back to: the own page says since when nothing is taken.
        return HttpResponseRedirect(reverse("donations:own", args=[token]), status=303)
    # No sum is marked: a press too many must not make a gift larger.
    form = AmountForm(request.POST or None, currency=found.currency, initial={"amount": ""})
    problem = ""
    if request.method == "POST":
        try:
            answer = _act(request, found, form, token)
        except (Unavailable, Refused) as error:
            logger.warning("A monthly gift could not be changed: %s", error)
            answer, problem = None, AWAY
        if answer is not None:
            return answer
    context = {
        "pledge": found,
        "token": token,
        "form": form,
        "problem": problem,
        "amount": format_money(found.amount_minor, found.currency),
        "can_change": found.provider in NAMES,
    }
    status = 503 if problem else 400 if form.errors else 200
    return render(request, "donations/own_pledge.html", context, status=status)


def _act(request: HttpRequest, found: Pledge, form: AmountForm, token: str) -> HttpResponse | None:
    """Do it at the provider. What it tells of it afterwards changes nothing more."""
    want, own = request.POST.get("want"), reverse("donations:own", args=[token])
    if want == "stop":
        erasing.stop(found, now=timezone.now())
        enqueue(send_letters)
        return HttpResponseRedirect(f"{own}?did=stopped", status=303)
    back = letters.way_back_url(found.donor)
    if want == "card" and found.provider == "stripe":
        return HttpResponseRedirect(stripe.portal(found, back), status=303)
    if want == "card" or found.provider not in NAMES:
        raise Refused("This provider has no page for that.")
    if not form.is_valid():
        return None
    minor = form.cleaned_data["minor"]
    if found.provider == "paypal":
        # The giver has still to agree there: the amount is changed once PayPal tells it.
        return HttpResponseRedirect(paypal.change(found, minor, back), status=303)
    stripe.change(found, minor)
    Pledge.objects.filter(pk=found.pk).update(amount_minor=minor)
    return HttpResponseRedirect(f"{own}?did=changed", status=303)


@of_donor
def receipt(request: HttpRequest, donor: Donor, token: str, key: uuid.UUID) -> HttpResponse:
    """The receipt of one gift, as PDF."""
    gift = get_object_or_404(donor.donations.filter(paid_at__isnull=False), key=key)
    return _pdf(receipts.receipt(gift), f"receipt-{receipts.number_of(gift)}")


@of_donor
def statement(request: HttpRequest, donor: Donor, token: str, year: int) -> HttpResponse:
    """All gifts of one year, as PDF."""
    if year not in receipts.years_of(receipts.gifts_of(donor)):
        raise Http404
    return _pdf(receipts.statement(donor, year), f"gifts-{year}")


def _pdf(words: bytes, name: str) -> HttpResponse:
    disposition = f'attachment; filename="{name}.pdf"'
    return HttpResponse(
        words, content_type="application/pdf", headers={"Content-Disposition": disposition}
    )


@of_donor
def erase(request: HttpRequest, donor: Donor, token: str) -> HttpResponse:
    """One button; pressing it erases who gave, not what was given."""
    if request.method != "POST":
        return render(request, "donations/own_erase.html", {"token": token})
    try:
        erasing.erase(donor, now=timezone.now())
    except (Unavailable, Refused) as error:
        logger.warning("A giver could not be erased: %s", error)
        context = {"token": token, "problem": AWAY}
        return render(request, "donations/own_erase.html", context, status=503)
    return render(request, "donations/own_erased.html")
