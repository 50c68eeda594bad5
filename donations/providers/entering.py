"""Enters the facts that a provider told: the money of gifts, and what was agreed to.

Whatever order facts come in, and however often, what stands in the end is the same.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from donations import posting
from donations.booking import book
from donations.models import (
    Checkout,
    Donation,
    Drive,
    LedgerEntry,
    PaymentEvent,
    PaymentRef,
    Pledge,
)
from donations.people import donor_of
from donations.providers import is_test
from donations.providers.agreeing import Agreements, day_of, settle_checkout, shown_name
from donations.providers.facts import (
    CheckoutTold,
    Disputed,
    Fact,
    FeeTaken,
    GivenBack,
    Held,
    Named,
    Paid,
    PledgeTold,
    RenewalFailed,
    Unknown,
)

Kind = LedgerEntry.Kind

METHODS = {"stripe": Donation.Method.CARD, "paypal": Donation.Method.PAYPAL}


class Books(Agreements):
    """Enters the facts of one provider, in the caller's transaction.

    `livemode`: whether real money moved; as the provider's keys are, if nothing says so.
    """

    def __init__(self, name: str, *, now: datetime, livemode: bool | None = None) -> None:
        super().__init__(name, now=now)
        self.is_test = is_test(name, livemode)

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
            settle_checkout(gift.checkout)
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
            given_on=day_of(fact.happened_at),
            is_test=self.is_test,
        )
        if pledge:
            gift.show_name, gift.name_shown = pledge.show_name, pledge.name_shown
        elif checkout:
            gift.show_name, gift.name_shown = shown_name(checkout)
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
        day = day_of(fact.happened_at)
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
