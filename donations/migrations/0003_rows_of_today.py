"""Gifts and entries from before the running totals get what the new columns say of them."""

import uuid
from collections import defaultdict
from datetime import datetime, time

from django.db import migrations
from django.utils import timezone


def give_keys(apps, schema_editor):
    Donation = apps.get_model("donations", "Donation")
    for donation in Donation.objects.select_related("drive").iterator():
        donation.key = uuid.uuid4()
        donation.currency = donation.drive.currency
        donation.save(update_fields=["key", "currency"])


def name_donors(apps, schema_editor):
    """One donor per name: no other sign of a person was kept."""
    Donation = apps.get_model("donations", "Donation")
    Donor = apps.get_model("donations", "Donor")
    known = {}
    for donation in Donation.objects.exclude(donor_name="").order_by("pk").iterator():
        name = " ".join(donation.donor_name.split())
        if name.casefold() not in known:
            known[name.casefold()] = Donor.objects.create(name=name)
        Donation.objects.filter(pk=donation.pk).update(donor=known[name.casefold()])


def complete_entries(apps, schema_editor):
    LedgerEntry = apps.get_model("donations", "LedgerEntry")
    noon = time(12, tzinfo=timezone.get_default_timezone())
    for entry in LedgerEntry.objects.select_related("donation__drive").iterator():
        given_at = datetime.combine(entry.donation.given_on, noon)
        LedgerEntry.objects.filter(pk=entry.pk).update(
            drive=entry.donation.drive,
            currency=entry.donation.drive.currency,
            drive_minor=entry.amount_minor,
            counts=True,
            source_key=f"hand:{uuid.uuid4()}",
            happened_at=given_at if entry.kind == "received" else entry.recorded_at,
        )


def sum_up(apps, schema_editor):
    Drive, DriveTotal, DriveDay, Donation = (
        apps.get_model("donations", name)
        for name in ("Drive", "DriveTotal", "DriveDay", "Donation")
    )
    for donation in Donation.objects.prefetch_related("entries").iterator(chunk_size=1000):
        entries = list(donation.entries.all())
        held = sum(entry.amount_minor for entry in entries)
        paid = [entry.happened_at for entry in entries if entry.kind == "received"]
        Donation.objects.filter(pk=donation.pk).update(
            held_minor=held, counted_minor=held, paid_at=paid[0] if paid else None
        )
    for drive in Drive.objects.all():
        days = defaultdict(int)
        as_of = None
        for entry in drive.entries.iterator():
            days[timezone.localdate(entry.happened_at)] += entry.amount_minor
            as_of = max(as_of or entry.recorded_at, entry.recorded_at)
        holding = drive.donations.filter(counted_minor__gt=0)
        donors = holding.exclude(donor=None).values("donor").distinct().count()
        DriveTotal.objects.create(
            drive=drive,
            raised_minor=sum(days.values()),
            gifts=holding.count(),
            donors=donors + holding.filter(donor=None).count(),
            as_of=as_of,
        )
        DriveDay.objects.bulk_create(
            DriveDay(drive=drive, day=day, raised_minor=minor) for day, minor in days.items()
        )


class Migration(migrations.Migration):
    dependencies = [("donations", "0002_one_ledger")]

    operations = [
        migrations.RunPython(step, migrations.RunPython.noop)
        for step in (give_keys, name_donors, complete_entries, sum_up)
    ]
