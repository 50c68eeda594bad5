"""Stopping monthly gifts, and leaving nothing that leads to who gave."""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q

from donations import forgetting, posting
from donations.models import Checkout, Donation, Donor, GiftLetter, PaymentEvent, Pledge
from donations.providers import NAMES, provider
from donations.providers.acting import again_if_raced


def stop(pledge: Pledge, *, now: datetime) -> None:
    """End a monthly gift at its provider and here. Raises Unavailable or Refused."""
    if _is_known_there(pledge):
        provider(pledge.provider).stop(pledge)
    with transaction.atomic():
        found = Pledge.objects.select_for_update().get(pk=pledge.pk)
        found.ended_at = found.ended_at or now
        found.state = Pledge.State.CANCELLED
        found.save(update_fields=["ended_at", "state"])
        posting.want_stopped(found, now=now)


def _is_known_there(pledge: Pledge) -> bool:
    """Whether its provider knows it: live keys know nothing of the test mode."""
    if pledge.provider not in NAMES:
        return False
    is_test = pledge.checkout is not None and pledge.checkout.is_test
    return not (is_test and provider(pledge.provider).is_live())


def erase(donor: Donor, *, now: datetime) -> None:
    """Erase a giver's name, address and words everywhere; the sums stay.

    Monthly gifts are stopped first. Raises Unavailable or Refused, and then erases nothing.
    """
    for pledge in donor.pledges.exclude(state=Pledge.State.CANCELLED):
        stop(pledge, now=now)
    # By itself: who handles a report holds its row, and waits for rows that are locked below.
    _erase_events(donor)
    again_if_raced(lambda: _erase_giver(donor, now=now))


@transaction.atomic
def _erase_giver(donor: Donor, *, now: datetime) -> None:
    # In the order in which reports lock, so that one that is entered now comes before or after.
    _take_checkouts(donor)
    list(donor.pledges.select_for_update().order_by("pk"))
    found = Donor.objects.select_for_update().get(pk=donor.pk)
    _erase_log(found)
    posting.drop_all(found, now=now)
    GiftLetter.objects.filter(email__iexact=found.email).update(email="")
    _erase_rows(found)
    found.email, found.name, found.erased_at = "", "", now
    found.save(update_fields=["email", "name", "erased_at"])


def _take_checkouts(donor: Donor) -> None:
    """Lock a giver's checkouts; those that were never paid on become theirs here.

    What is told of them later then leads to the erased giver, and to no new one.
    """
    theirs = Q(donor=donor) | (Q(donor=None, email__iexact=donor.email) & ~Q(email=""))
    list(Checkout.objects.select_for_update(of=("self",)).filter(theirs).order_by("pk"))
    Checkout.objects.filter(theirs).update(donor=donor)


def _erase_rows(donor: Donor) -> None:
    nameless = {"show_name": False, "name_shown": ""}
    Donation.objects.filter(donor=donor).update(message="", note="", **nameless)
    Pledge.objects.filter(donor=donor).update(**nameless)
    theirs = Q(donor=donor) | (Q(email__iexact=donor.email) & ~Q(email=""))
    Checkout.objects.filter(theirs).update(email="", name="", message="", show_name=False)


def _erase_log(donor: Donor) -> None:
    """What the desk noted of them by name."""
    rows = LogEntry.objects.filter(content_type__app_label="donations", object_id=str(donor.pk))
    rows.filter(content_type__model="donor").update(object_repr=forgetting.GONE)


def _erase_events(donor: Donor) -> None:
    """Take who gave out of the stored reports; they stay readable for a replay.

    Those that do not name the address, or come later, are found by `forgetting.forget`.
    """
    if not donor.email:
        return
    found = PaymentEvent.objects.filter(body__icontains=donor.email)
    for pk, body in found.values_list("pk", "body"):
        forgetting.clean(pk, body, name=donor.name)
