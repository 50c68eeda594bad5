"""Who gave: one row an address."""

from donations.donors import add_name, with_address
from donations.models import Checkout, Donor
from donations.providers.facts import Person


def donor_of(person: Person, checkout: Checkout | None, *, needed: bool = False) -> Donor | None:
    """The giver that a provider or the form names; made if new, None if neither names one.

    `needed`: a giver without an address rather than none.
    """
    if checkout and checkout.donor:
        return checkout.donor
    email = (checkout.email if checkout else "") or person.email
    name = (checkout.name if checkout else "") or person.name
    if not email:
        return Donor.objects.create(name=name) if needed else None
    donor = with_address(email)
    if donor is None:
        return Donor.objects.create(email=email, name=name)
    if name and not donor.name:
        add_name(donor, name)
    return donor
