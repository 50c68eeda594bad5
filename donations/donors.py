"""Who gave: found again by address, or by name where there is none."""

from django.db.models import Value
from django.db.models.functions import Lower

from donations.models import Donor


def donor_for(*, name: str = "", email: str = "") -> Donor | None:
    """The donor of this address, else of this very name without an address; made if unknown.

    None for neither. A name that a known address lacks is added to it, never changed.
    """
    name, email = " ".join(name.split()), email.strip()
    if email:
        return _by_email(name, email)
    if not name:
        return None
    alike = Donor.objects.alias(lower=Lower("name")).filter(lower=Lower(Value(name)))
    known = alike.filter(email="", erased_at__isnull=True).order_by("pk").first()
    return known or Donor.objects.create(name=name)


def with_address(email: str) -> Donor | None:
    """The giver with this address, whatever its case; None for no address."""
    # In the database's own lower case, as in its rule of one donor an address: it need not be
    # Python's for letters beyond ASCII.
    alike = Donor.objects.alias(lower=Lower("email")).filter(lower=Lower(Value(email)))
    return alike.exclude(email="").first()


def _by_email(name: str, email: str) -> Donor:
    # Another request may make it in this moment: then that one is taken.
    known = with_address(email)
    if known is None:
        Donor.objects.bulk_create([Donor(email=email, name=name)], ignore_conflicts=True)
        known = with_address(email)
    assert known is not None  # noqa: S101
    if name and not known.name:
        add_name(known, name)
    return known


def add_address(donor: Donor, email: str, *, name: str) -> None:
    """Know a giver by an address; not one who is erased in this moment."""
    nameless = Donor.objects.filter(pk=donor.pk, email="", erased_at=None)
    if nameless.update(email=email, name=name):
        donor.email, donor.name = email, name


def add_name(donor: Donor, name: str) -> None:
    """Name a giver without a name; not one who is erased in this moment."""
    if Donor.objects.filter(pk=donor.pk, name="", erased_at=None).update(name=name):
        donor.name = name
