"""What givers agreed to: checkouts and monthly gifts, and the letters on them.

As all that is told, it ends the same in whatever order it is told.
"""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from donations import posting
from donations.booking import set_donor
from donations.donors import add_address, with_address
from donations.models import Checkout, Donation, Donor, Pledge
from donations.people import donor_of
from donations.providers.facts import (
    CheckoutTold,
    Paid,
    Person,
    PledgeTold,
    RenewalFailed,
    Unknown,
)

MONTH = timedelta(days=31)
# What a completed checkout is known by.
COMPLETED = ["state", "completed_at", "payment_id", "customer_id", "donor_id"]


class Agreements:
    """Enters what one provider tells of checkouts and monthly gifts, in the caller's transaction.

    `told` collects the names by which what waits is woken.
    """

    def __init__(self, name: str, *, now: datetime) -> None:
        self.provider = name
        self.now = now
        self.told: set[str] = set()
        # Locked rows, so that several facts of one report read and write each once.
        self.checkouts: dict[uuid.UUID, Checkout] = {}

    # Checkouts

    def _checkout(self, key: uuid.UUID | None) -> Checkout | None:
        if key is None or key in self.checkouts:
            return self.checkouts.get(key) if key else None
        rows = Checkout.objects.select_for_update(of=("self",)).select_related("drive")
        found = rows.filter(key=key).first()
        if found:
            self.checkouts[key] = found
        return found

    def _checkout_told(self, fact: CheckoutTold) -> str:
        checkout = self._checkout(fact.checkout)
        if checkout is None:
            raise Unknown(str(fact.checkout), "This checkout is not known here.")
        if fact.state == "completed":
            self._complete(checkout, fact, payment_id=fact.pledge_id)
            if fact.pledge_id:
                self._pledge_for(fact, checkout)
            self._thank_late(checkout)
        elif fact.state == "failed":
            self._fail(checkout, fact)
        elif not checkout.completed_at and not checkout.failed_at:
            checkout.state = Checkout.State.EXPIRED
            checkout.save(update_fields=["state"])
        return f"Checkout {checkout.pk}: {fact.state}."

    def _fail(self, checkout: Checkout, fact: CheckoutTold) -> None:
        checkout.failed_at = min(checkout.failed_at or fact.happened_at, fact.happened_at)
        settle_checkout(checkout)
        checkout.save(update_fields=["failed_at", "state"])
        if checkout.state == Checkout.State.FAILED:
            posting.want_failed_checkout(checkout, email=fact.person.email, now=self.now)

    def _complete(
        self, checkout: Checkout, fact: Any, *, payment_id: str, donor: Donor | None = None
    ) -> None:
        before = [getattr(checkout, name) for name in COMPLETED]
        checkout.completed_at = min(checkout.completed_at or fact.happened_at, fact.happened_at)
        checkout.payment_id = checkout.payment_id or payment_id
        person = getattr(fact, "person", Person())
        checkout.customer_id = checkout.customer_id or person.customer_id
        checkout.donor = checkout.donor or donor or donor_of(person, checkout)
        settle_checkout(checkout)
        if before != [getattr(checkout, name) for name in COMPLETED]:
            checkout.save(update_fields=COMPLETED)

    def _thank_late(self, checkout: Checkout) -> None:
        """Gifts that were booked before anything said who gave them."""
        if checkout.donor is None:
            return
        for gift in Donation.objects.filter(checkout=checkout, donor=None):
            set_donor(gift, checkout.donor)
            if checkout.donor.email:
                posting.want_receipt(gift, now=self.now)

    # Monthly

    def _pledge_for(self, fact: Any, checkout: Checkout | None) -> Pledge:
        """The monthly gift of this name; made of the checkout that it began with, if it is new."""
        # The giver is read once this is locked: an erasure may have held it.
        rows = Pledge.objects.select_for_update(of=("self",)).select_related("drive")
        pledge = rows.filter(provider=self.provider, provider_id=fact.pledge_id).first()
        if pledge is None and (checkout is None or not checkout.monthly):
            words = f"The monthly gift {fact.pledge_id} is not known here."
            raise Unknown(fact.pledge_id, words)
        if pledge is None:
            assert checkout is not None  # noqa: S101
            pledge = self._new_pledge(fact, checkout)
        elif checkout is not None:
            self._complete(checkout, fact, payment_id=fact.pledge_id, donor=pledge.donor)
        self._add_person(pledge, fact.person if hasattr(fact, "person") else Person())
        self.told.add(fact.pledge_id)
        return pledge

    def _new_pledge(self, fact: Any, checkout: Checkout) -> Pledge:
        donor = donor_of(getattr(fact, "person", Person()), checkout, needed=True)
        assert donor is not None  # noqa: S101
        self._complete(checkout, fact, payment_id=fact.pledge_id, donor=donor)
        if donor.erased_at:
            posting.alarm(
                f"A giver had the name erased before the monthly gift {fact.pledge_id} was told "
                "of. Please stop it in the desk of the payment service.",
                once=f"erased:{self.provider}:{fact.pledge_id}",
                now=self.now,
            )
        show_name, name_shown = shown_name(checkout)
        return Pledge.objects.create(
            donor=donor,
            drive=checkout.drive,
            checkout=checkout,
            provider=self.provider,
            provider_id=fact.pledge_id,
            amount_minor=checkout.amount_minor,
            currency=checkout.currency,
            show_name=show_name,
            name_shown=name_shown,
            started_at=checkout.opened_at or fact.happened_at,
        )

    def _add_person(self, pledge: Pledge, person: Person) -> None:
        """What a later report says of who gives; an erased giver stays erased."""
        if person.customer_id and not pledge.customer_id:
            pledge.customer_id = person.customer_id
            pledge.save(update_fields=["customer_id"])
        donor = pledge.donor
        if not person.email or donor.email or donor.erased_at:
            return
        known = with_address(person.email)
        if known is None:
            add_address(donor, person.email, name=donor.name or person.name)
        else:
            _hand_over(pledge, known)
            self.checkouts.clear()
        self._tell_late(pledge)

    def _tell_late(self, pledge: Pledge) -> None:
        """What the giver would have been told, had the address been known."""
        for gift in pledge.donations.select_related("donor"):
            posting.want_receipt(gift, now=self.now)
        if pledge.ended_at:
            posting.want_stopped(pledge, now=self.now)
        elif pledge.state == Pledge.State.PAST_DUE:
            posting.want_failed(pledge, once=f"failed:{pledge.key}", now=self.now)

    def _renewed(self, gift: Donation, fact: Paid) -> None:
        assert gift.pledge is not None  # noqa: S101
        pledge = Pledge.objects.select_for_update().get(pk=gift.pledge.pk)
        pledge.last_paid_at = max(pledge.last_paid_at or fact.happened_at, fact.happened_at)
        next_due = day_of(fact.next_due_at or fact.happened_at + MONTH)
        pledge.next_due_on = max(pledge.next_due_on or next_due, next_due)
        # Of a payment and a report of the same instant, the report is right.
        is_newer = pledge.told_at is None or fact.happened_at > pledge.told_at
        if fact.tells_amount and fact.currency == pledge.currency and is_newer:
            pledge.told_at = fact.happened_at
            pledge.amount_minor = fact.amount_minor
        _settle_state(pledge)

    def _pledge_told(self, fact: PledgeTold) -> str:
        pledge = self._pledge_for(fact, self._checkout(fact.checkout))
        is_newest = pledge.told_at is None or fact.happened_at >= pledge.told_at
        # One that names no amount must not make an amount that was told before it too late.
        if fact.amount_minor and fact.currency == pledge.currency and is_newest:
            pledge.told_at = fact.happened_at
            pledge.amount_minor = fact.amount_minor
            pledge.ends_on = day_of(fact.ends_at) if fact.ends_at else None
        if fact.next_due_at:
            next_due = day_of(fact.next_due_at)
            pledge.next_due_on = max(pledge.next_due_on or next_due, next_due)
        if fact.ended:
            pledge.ended_at = min(pledge.ended_at or fact.happened_at, fact.happened_at)
            posting.want_stopped(pledge, now=self.now)
        _settle_state(pledge)
        return f"Monthly gift {pledge.pk}: {pledge.get_state_display().lower()}."

    def _renewal_failed(self, fact: RenewalFailed) -> str:
        pledge = self._pledge_for(fact, self._checkout(fact.checkout))
        pledge.failed_at = max(pledge.failed_at or fact.happened_at, fact.happened_at)
        _settle_state(pledge)
        if pledge.state == Pledge.State.PAST_DUE:
            posting.want_failed(pledge, once=f"failed:{fact.key}", now=self.now)
        return f"Monthly gift {pledge.pk}: a month could not be taken."


def settle_checkout(checkout: Checkout) -> None:
    """The state follows from what was told, so that the order of reports does not matter: money
    that came outweighs that it failed, and that outweighs that the giver agreed."""
    if checkout.failed_at and not checkout.is_paid():
        checkout.state = Checkout.State.FAILED
    elif checkout.completed_at:
        checkout.state = Checkout.State.COMPLETED


def _settle_state(pledge: Pledge) -> None:
    """The state follows from the times alone, so that the order of reports does not matter."""
    failed_last = pledge.failed_at and pledge.failed_at > (pledge.last_paid_at or pledge.started_at)
    if pledge.ended_at:
        pledge.state = Pledge.State.CANCELLED
    else:
        pledge.state = Pledge.State.PAST_DUE if failed_last else Pledge.State.ACTIVE
    pledge.save()


def _hand_over(pledge: Pledge, donor: Donor) -> None:
    """The giver of a monthly gift, unknown at first, turns out to be known already."""
    nobody = pledge.donor
    pledge.donor = donor
    pledge.save(update_fields=["donor"])
    for gift in pledge.donations.all():
        set_donor(gift, donor)
    Checkout.objects.filter(donor=nobody).update(donor=donor)
    nobody.delete()


def shown_name(checkout: Checkout) -> tuple[bool, str]:
    """Whether the name is to be shown, and which."""
    shows = checkout.show_name and bool(checkout.name)
    return shows, checkout.name[:120] if shows else ""


def day_of(at: datetime) -> date:
    """The day of the site's own calendar."""
    return timezone.localdate(at, timezone.get_default_timezone())
