"""Who gave: found again by address, or by name where there is none."""

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
    alike = Donor.objects.alias(lower=Lower("name")).filter(lower=name.lower())
    known = alike.filter(email="", erased_at__isnull=True).order_by("pk").first()
    return known or Donor.objects.create(name=name)


def _by_email(name: str, email: str) -> Donor:
    # Another request may make it in this moment: then that one is taken.
    alike = Donor.objects.alias(lower=Lower("email")).filter(lower=email.lower())
    known = alike.first()
    if known is None:
        Donor.objects.bulk_create([Donor(email=email, name=name)], ignore_conflicts=True)
        known = alike.get()
    if name and not known.name:
        known.name = name
        known.save(update_fields=["name"])
    return known
