"""Letters about gifts as messages; their words come from templates."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from donations import receipts
from donations.models import Donor, GiftLetter
from donations.tokens import own_token, way_back_token
from fibrosite.lib.money import format_money

Kind = GiftLetter.Kind
Context = Mapping[str, Any]


def message_of(letter: GiftLetter, *, now: datetime) -> EmailMultiAlternatives | None:
    """The letter as it goes out; None if it is of no use any more, as its person is gone."""
    if not letter.email or (letter.donor and letter.donor.erased_at):
        return None
    context = _CONTEXTS[Kind(letter.kind)](letter)
    if context is None:
        return None
    message = _rendered(str(letter.kind), letter, context)
    if letter.kind == Kind.STATEMENT and letter.donor and letter.year:
        words = receipts.statement(letter.donor, letter.year)
        message.attach(f"gifts-{letter.year}.pdf", words, "application/pdf")
    if letter.kind == Kind.THANKS and letter.donation:
        name = f"receipt-{receipts.number_of(letter.donation)}.pdf"
        message.attach(name, receipts.receipt(letter.donation), "application/pdf")
    return message


def _rendered(name: str, letter: GiftLetter, context: Context) -> EmailMultiAlternatives:
    words = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "sender_name": settings.SENDER_NAME,
        "postal_address": settings.POSTAL_ADDRESS,
        "legal_status": settings.LEGAL_STATUS,
        "deductible": receipts.deductible_words(),
        "own_url": own_url(letter.donor) if letter.donor else "",
        "give_url": f"{settings.SITE_URL}{reverse('donations:donate')}",
        **context,
    }
    folder = f"donations/letters/{name}"
    subject = " ".join(render_to_string(f"{folder}.subject.txt", words).split())
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{folder}.txt", words).strip() + "\n",
        to=[letter.email],
        # Without it the library would make one up that names the machine.
        headers={"Message-ID": make_msgid(domain=host)},
    )
    html = render_to_string(f"{folder}.html", {**words, "subject": subject})
    message.attach_alternative(html, "text/html")
    return message


def own_url(donor: Donor) -> str:
    """The address of a giver's own page, for a letter to that giver."""
    return _own_url(own_token(donor.key))


def way_back_url(donor: Donor) -> str:
    """The address of the same page for a payment service to lead back to: it lasts an hour."""
    return _own_url(way_back_token(donor.key))


def _own_url(token: str) -> str:
    return f"{settings.SITE_URL}{reverse('donations:own', args=[token])}"


def _gift(letter: GiftLetter) -> Context | None:
    gift = letter.donation
    if gift is None:
        return None
    came = receipts.came_minor(gift)
    said = {"not_taken": receipts.NOT_TAKEN, "deductible": ""} if gift.is_test else {}
    return {
        **said,
        "gift": gift,
        "amount": format_money(came, gift.currency),
        "number": receipts.number_of(gift),
        "day": receipts.day_of(gift),
        "what": gift.drive.name if gift.drive else settings.SITE_NAME,
    }


def _promise(letter: GiftLetter) -> Context | None:
    gift = letter.donation
    if gift is None or gift.paid_at:
        return None
    promised = gift.entries.filter(kind="pledged").first()
    amount = format_money(promised.amount_minor, gift.currency) if promised else ""
    return {"gift": gift, "drive": gift.drive, "amount": amount}


def _pledge(letter: GiftLetter) -> Context | None:
    pledge = letter.pledge
    if pledge is None:
        return {}
    return {"pledge": pledge, "amount": format_money(pledge.amount_minor, pledge.currency)}


def _year(letter: GiftLetter) -> Context:
    return {"year": letter.year}


def _words(letter: GiftLetter) -> Context:
    return {"words": letter.words}


def _nothing(letter: GiftLetter) -> Context:
    return {}


_CONTEXTS: dict[Kind, Callable[[GiftLetter], Context | None]] = {
    Kind.RECEIPT: _gift,
    Kind.THANKS: _gift,
    Kind.PROMISE: _promise,
    Kind.FAILED: _pledge,
    Kind.STOPPED: _pledge,
    Kind.LINK: _nothing,
    Kind.STATEMENT: _year,
    Kind.ALARM: _words,
}
