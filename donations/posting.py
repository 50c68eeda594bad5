"""The outbox of letters about gifts: what is wanted is a row until the mail server took it."""

import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Q, QuerySet

from donations.models import Checkout, Donation, Donor, GiftLetter, Pledge
from fibrosite.lib.leaving import may_leave

logger = logging.getLogger(__name__)

Kind = GiftLetter.Kind

AT_ONCE = 100
# Longer than one letter takes: an older claim is that of a worker that died.
CLAIM = timedelta(minutes=5)
FIRST_PAUSE = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=6)
GIVE_UP = timedelta(days=7)
# One address gets no more than one link in this time.
LINK_PAUSE = timedelta(minutes=10)


def want(
    kind: str,
    email: str,
    *,
    now: datetime,
    once: str = "",
    donor: Donor | None = None,
    donation: Donation | None = None,
    pledge: Pledge | None = None,
    year: int | None = None,
    words: str = "",
) -> None:
    """Have a letter sent; with `once`, only if none of this name was wanted before."""
    letter = GiftLetter(
        kind=kind,
        email=email,
        once=once or None,
        donor=donor,
        donation=donation,
        pledge=pledge,
        year=year,
        words=words,
        asked_at=now,
        due_at=now,
    )
    GiftLetter.objects.bulk_create([letter], ignore_conflicts=bool(once))


def want_receipt(gift: Donation, *, now: datetime) -> None:
    """Thank for a gift whose giver has an address, once."""
    assert gift.donor is not None  # noqa: S101
    once = f"receipt:{gift.key}"
    want(Kind.RECEIPT, gift.donor.email, now=now, once=once, donor=gift.donor, donation=gift)


def want_promise(gift: Donation, *, now: datetime) -> None:
    """Tell a giver how to send what was promised, once."""
    if gift.donor and gift.donor.email:
        once = f"promise:{gift.key}"
        want(Kind.PROMISE, gift.donor.email, now=now, once=once, donor=gift.donor, donation=gift)


def want_failed(pledge: Pledge, *, once: str, now: datetime) -> None:
    """Tell a giver that a month could not be taken."""
    _about(Kind.FAILED, pledge, once=once, now=now)


def want_stopped(pledge: Pledge, *, now: datetime) -> None:
    """Tell a giver that the monthly gift has ended, once."""
    _about(Kind.STOPPED, pledge, once=f"stopped:{pledge.key}", now=now)


def _about(kind: str, pledge: Pledge, *, once: str, now: datetime) -> None:
    if pledge.donor.email:
        want(kind, pledge.donor.email, now=now, once=once, donor=pledge.donor, pledge=pledge)


def want_failed_checkout(checkout: Checkout, *, email: str, now: datetime) -> None:
    """Tell a giver that a slow payment did not arrive, once; not one who was erased since."""
    donor = checkout.donor
    address = checkout.email or email or (donor.email if donor else "")
    if address and not (donor and donor.erased_at):
        want(Kind.FAILED, address, now=now, once=f"failed:{checkout.key}", donor=donor)


def want_link(donor: Donor, *, now: datetime) -> None:
    """Send a giver the way to the own page; asking again at once sends no second letter."""
    lately = GiftLetter.objects.filter(
        kind=Kind.LINK, donor=donor, asked_at__gt=now - LINK_PAUSE, dropped_at=None
    )
    if not lately.exists():
        want(Kind.LINK, donor.email, now=now, donor=donor)


def alarm(words: str, *, once: str, now: datetime) -> None:
    """Tell the treasurers of something that needs a person, once by this name."""
    logger.warning("%s", words)
    for email in treasurers():
        want(Kind.ALARM, email, now=now, once=f"{once}:{email}"[:160], words=words)


def treasurers() -> list[str]:
    """The addresses of who looks after the money: those that may see givers."""
    may = Q(is_superuser=True) | Q(
        groups__permissions__codename="view_donor",
        groups__permissions__content_type__app_label="donations",
    )
    people = User.objects.filter(may, is_active=True, is_staff=True).exclude(email="")
    return sorted(set(people.values_list("email", flat=True)))


def drop_all(donor: Donor, *, now: datetime) -> None:
    """Send none of the letters that wait for a giver, and keep the address in none."""
    rows = GiftLetter.objects.filter(donor=donor)
    rows.filter(sent_at=None, dropped_at=None).update(dropped_at=now, reason="erased")
    rows.update(email="", words="")


# Sending


def waiting(now: datetime) -> QuerySet[GiftLetter]:
    """Letters that are due and in no living worker's hands."""
    unclaimed = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM)
    rows = GiftLetter.objects.filter(unclaimed, sent_at=None, dropped_at=None, due_at__lte=now)
    return rows.select_related("donor", "donation", "pledge").order_by("due_at", "pk")


def send_waiting(*, now: datetime) -> int:
    """Send what is due; the number sent. Safe in two workers at once: each letter is claimed.

    Nothing from a copy of the site.
    """
    letters = list(waiting(now)[:AT_ONCE])
    if not letters or not may_leave():
        return 0
    mailer = get_connection()
    try:
        mailer.open()
        return _send_all(letters, mailer, now=now)
    except (OSError, ValueError) as error:
        logger.warning("Letters about gifts wait: there is no way to the mail server (%s)", error)
        return 0
    finally:
        _close(mailer)


def _close(mailer: BaseEmailBackend) -> None:
    try:
        mailer.close()
    except OSError:
        logger.info("The mail server had already hung up")


def _send_all(letters: Sequence[GiftLetter], mailer: BaseEmailBackend, *, now: datetime) -> int:
    return sum(_send(letter, mailer, now=now) for letter in letters)


def _send(letter: GiftLetter, mailer: BaseEmailBackend, *, now: datetime) -> bool:
    """Claim one letter, hand it over, note what became of it; whether it was sent."""
    # The time is part of the claim: what was tried meanwhile is not this letter.
    mine = waiting(now).filter(pk=letter.pk, due_at=letter.due_at).order_by()
    if not GiftLetter.objects.filter(pk__in=mine.values("pk")).update(claimed_at=now):
        return False
    reason = _hand_over(letter, mailer, now=now)
    done = {"sent_at": now, "reason": ""} if reason is None else reason
    GiftLetter.objects.filter(pk=letter.pk, claimed_at=now).update(claimed_at=None, **done)
    return reason is None


def _hand_over(
    letter: GiftLetter, mailer: BaseEmailBackend, *, now: datetime
) -> dict[str, object] | None:
    """None once it is sent; otherwise what to note: when to try again, or that it is given up."""
    from donations.letters import message_of  # noqa: PLC0415  (it renders, and imports much)

    try:
        message = message_of(letter, now=now)
    except Exception as error:
        # One that cannot be written does not hold up those behind it.
        logger.exception("A letter about a gift could not be written")
        return _later(letter, f"{type(error).__name__}: {error}", now=now)
    if message is None:
        return {"dropped_at": now, "reason": "of no use any more"}
    if not all(_may_get_mail(address) for address in message.to):
        return {"dropped_at": now, "reason": "MAIL_ONLY_TO keeps letters from this address"}
    message.connection = mailer
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        gone = all(code >= 500 for code in codes)
        return _later(letter, f"refused: {codes}", now=now, give_up=gone)
    except Exception as error:
        logger.warning("A letter about a gift did not go out: %s", error)
        return _later(letter, str(error), now=now)
    return None


def _later(
    letter: GiftLetter, reason: str, *, now: datetime, give_up: bool = False
) -> dict[str, object]:
    if give_up or now - letter.asked_at > GIVE_UP:
        return {"dropped_at": now, "reason": reason[:300]}
    pause = min(FIRST_PAUSE * 2 ** min(letter.tries, 10), LONGEST_PAUSE)
    return {"due_at": now + pause, "tries": letter.tries + 1, "reason": reason[:300]}


def _may_get_mail(address: str) -> bool:
    allowed = {one.lower() for one in settings.MAIL_ONLY_TO}
    address = address.lower()
    return not allowed or address in allowed or f"@{address.rpartition('@')[2]}" in allowed
