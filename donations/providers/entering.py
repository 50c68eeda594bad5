"""Enters the facts that a provider told: gifts, checkouts, monthly gifts, and the letters on them.

Whatever order facts come in, and however often, what stands in the end is the same.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from donations import posting
from donations.booking import book, set_donor
from donations.donors import add_address, with_address
from donations.models import (
    Checkout,
    Donation,
    Donor,
    Drive,
    LedgerEntry,
    PaymentEvent,
    PaymentRef,
    Pledge,
)
from donations.people import donor_of
from donations.providers import is_test
from donations.providers.facts import (
    CheckoutTold,
    Disputed,
    Fact,
    FeeTaken,
    GivenBack,
    Held,
    Named,
    Paid,
    Person,
    PledgeTold,
    RenewalFailed,
    Unknown,
)

Kind = LedgerEntry.Kind

METHODS = {"stripe": Donation.Method.CARD, "paypal": Donation.Method.PAYPAL}
MONTH = timedelta(days=31)
# What a completed checkout is known by.
COMPLETED = ["state", "completed_at", "payment_id", "customer_id", "donor_id"]


class Books:
    """Enters the facts of one provider, in the caller's transaction.

    `livemode`: whether real money moved; as the provider's keys are, if nothing says so.
    """

    def __init__(self, name: str, *, now: datetime, livemode: bool | None = None) -> None:
        self.provider = name
        self.now = now
        self.is_test = is_test(name, livemode)
        self.told: set[str] = set()
        # Locked rows, so that several facts of one report read and write each once.
        self.checkouts: dict[uuid.UUID, Checkout] = {}

    def enter(self, fact: Fact) -> str:
        """Do what follows from a fact; a few words on it. Raises Unknown, ValueError."""
        return self._verbs()[type(fact)](fact)

    def _verbs(self) -> dict[type[Fact], Callable[[Any], str]]:
        return {
            Paid: self._paid,
            Named: self._named,
            FeeTaken: self._fee_taken,
            GivenBack: self._given_back,
            Disputed: self._disputed,
            Held: self._held,
            CheckoutTold: self._checkout_told,
            PledgeTold: self._pledge_told,
            RenewalFailed: self._renewal_failed,
        }

    def woken(self) -> list[int]:
        """The reports that waited for what was told."""
        waiting = PaymentEvent.objects.filter(
            provider=self.provider,
            state=PaymentEvent.State.WAITING,
            subject__in=self.told,
            handled_at=None,
        )
        return list(waiting.order_by("pk").values_list("pk", flat=True))

    # Money

    def _paid(self, fact: Paid) -> str:
        gift = self._known(fact.refs)
        if gift is None:
            gift = self._new_gift(fact)
        self._name(gift, fact.refs)
        entry = self._book(
            gift, Kind.SETTLED, fact.amount_minor, fact, f"{gift.provider_id}:settled"
        )
        if fact.fee_minor:
            self._book(gift, Kind.FEE, -fact.fee_minor, fact, f"{gift.provider_id}:fee")
        if gift.checkout and gift.checkout.failed_at and entry:
            _settle_checkout(gift.checkout)
            gift.checkout.save(update_fields=["state"])
        if gift.pledge_id and entry:
            self._renewed(gift, fact)
        if entry and gift.donor and gift.donor.email:
            posting.want_receipt(gift, now=self.now)
        return f"Gift {gift.pk}: {'settled' if entry else 'known already'}."

    def _known(self, refs: tuple[str, ...]) -> Donation | None:
        rows = PaymentRef.objects.filter(provider=self.provider, ref__in=refs).order_by("pk")
        pk = rows.values_list("donation", flat=True).first()
        # Most payments that are told of are new.
        return None if pk is None else Donation.objects.select_related("donor").get(pk=pk)

    def _gift(self, refs: tuple[str, ...]) -> Donation:
        gift = self._known(refs)
        if gift is None:
            raise Unknown(refs[0], f"The payment {refs[0]} is not known here.")
        self._name(gift, refs)
        return gift

    def _name(self, gift: Donation, refs: tuple[str, ...]) -> None:
        """Know a gift by these names from now on, and wake what waits for one of them."""
        rows = [PaymentRef(provider=self.provider, ref=ref, donation=gift) for ref in refs]
        PaymentRef.objects.bulk_create(rows, ignore_conflicts=True)
        self.told.update(refs)

    def _new_gift(self, fact: Paid) -> Donation:
        checkout = self._checkout(fact.checkout)
        pledge = self._pledge_for(fact, checkout) if fact.pledge_id else None
        if checkout is None and pledge and pledge.checkout:
            # Locked as well: what is told of it in this moment looks for this money.
            checkout = self._checkout(pledge.checkout.key)
        if checkout is None and pledge is None:
            raise Unknown(fact.refs[0], "This payment was not started here.")
        first = pledge is None or not pledge.donations.exists()
        donor = pledge.donor if pledge else donor_of(fact.person, checkout)
        gift = Donation(
            drive=self._drive_for(pledge, checkout, fact),
            donor=donor,
            pledge=pledge,
            checkout=checkout,
            method=METHODS[self.provider],
            provider=self.provider,
            provider_id=fact.refs[0],
            currency=fact.currency,
            given_on=_day(fact.happened_at),
            is_test=self.is_test,
        )
        if pledge:
            gift.show_name, gift.name_shown = pledge.show_name, pledge.name_shown
        elif checkout:
            gift.show_name, gift.name_shown = _shown(checkout)
        if checkout and first:
            gift.message = checkout.message
        gift.save()
        if checkout and not pledge:
            self._complete(checkout, fact, payment_id=fact.refs[0], donor=donor)
        return gift

    def _drive_for(
        self, pledge: Pledge | None, checkout: Checkout | None, fact: Paid
    ) -> Drive | None:
        """The checkout's drive; for a month of a monthly gift its drive while that runs, or the
        one that is open then."""
        if pledge is None:
            return checkout.drive if checkout else None
        day = _day(fact.happened_at)
        if pledge.drive and pledge.drive.is_open(day):
            return pledge.drive
        return Drive.objects.open_on(day).filter(currency=fact.currency).first()

    def _book(
        self, gift: Donation, kind: str, amount: int, fact: Any, key: str, reason: str = ""
    ) -> LedgerEntry | None:
        return book(
            gift,
            kind,
            amount,
            currency=fact.currency,
            source_key=f"{self.provider}:{key}",
            happened_at=fact.happened_at,
            now=self.now,
            reason=reason,
        )

    def _named(self, fact: Named) -> str:
        self._gift(fact.refs)
        return ""

    def _fee_taken(self, fact: FeeTaken) -> str:
        gift = self._gift(fact.refs)
        entry = self._book(gift, Kind.FEE, -fact.amount_minor, fact, fact.key)
        return f"Gift {gift.pk}: fee." if entry else ""

    def _given_back(self, fact: GivenBack) -> str:
        gift = self._gift(fact.refs)
        key = f"{fact.key}:refunded"
        entry = self._book(gift, Kind.REFUNDED, -fact.amount_minor, fact, key, fact.reason)
        if fact.failed:
            entry = self._book(
                gift,
                Kind.CORRECTION,
                fact.amount_minor,
                fact,
                f"{fact.key}:refund-failed",
                reason="The refund failed: the money stays",
            )
        return f"Gift {gift.pk}: {'refund' if entry else 'refund known already'}."

    def _disputed(self, fact: Disputed) -> str:
        gift = self._gift(fact.refs)
        entry = self._book(gift, Kind.DISPUTED, -fact.amount_minor, fact, f"{fact.key}:disputed")
        if entry:
            posting.alarm(
                f"A giver's bank took back gift {gift.pk}. Answer at the provider in time.",
                once=f"dispute:{self.provider}:{fact.key}",
                now=self.now,
            )
        if fact.outcome == "won":
            self._book(gift, Kind.DISPUTE_WON, fact.amount_minor, fact, f"{fact.key}:won")
        elif fact.outcome == "lost":
            self._book(gift, Kind.DISPUTE_LOST, 0, fact, f"{fact.key}:lost")
        return f"Gift {gift.pk}: dispute {fact.outcome or 'opened'}."

    def _held(self, fact: Held) -> str:
        """A hold takes the money, and its end gives it back: each once, in whatever order told."""
        gift = self._gift(fact.refs)
        key = f"{fact.key}:disputed"
        words = "Held while a claim is looked into"
        taken = self._book(gift, Kind.DISPUTED, -fact.amount_minor, fact, key, words)
        if fact.ended_at:
            return self._let_go(gift, replace(fact, happened_at=fact.ended_at))
        if taken:
            posting.alarm(
                f"A giver claims gift {gift.pk} back, and the money is held. Answer at the "
                "provider in time.",
                once=f"dispute:{self.provider}:{fact.key}",
                now=self.now,
            )
        return f"Gift {gift.pk}: {'held' if taken else 'hold known already'}."

    def _let_go(self, gift: Donation, fact: Held) -> str:
        """The end of a hold gives back what it took, also where the claim grew meanwhile."""
        taken = gift.entries.get(source_key=f"{self.provider}:{fact.key}:disputed")
        kind = Kind.DISPUTE_WON if fact.won else Kind.CORRECTION
        words = "The claim was not upheld" if fact.won else "The hold ended; a lost claim follows"
        ended = replace(fact, currency=taken.currency)
        self._book(gift, kind, -taken.amount_minor, ended, f"{fact.key}:released", words)
        return f"Gift {gift.pk}: the hold ended."

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
        _settle_checkout(checkout)
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
        _settle_checkout(checkout)
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
        show_name, name_shown = _shown(checkout)
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
        next_due = _day(fact.next_due_at or fact.happened_at + MONTH)
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
            pledge.ends_on = _day(fact.ends_at) if fact.ends_at else None
        if fact.next_due_at:
            next_due = _day(fact.next_due_at)
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


def _settle_checkout(checkout: Checkout) -> None:
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


def _shown(checkout: Checkout) -> tuple[bool, str]:
    shows = checkout.show_name and bool(checkout.name)
    return shows, checkout.name[:120] if shows else ""


def _day(at: datetime) -> date:
    """The day of the site's own calendar."""
    return timezone.localdate(at, timezone.get_default_timezone())
