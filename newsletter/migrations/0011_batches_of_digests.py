"""Digests from before batches get theirs."""

from django.db import migrations
from django.db.models import Count, Max, Min

ROWS = 2000
STATES = ("queued", "sent", "skipped", "failed", "unknown")


def cut(apps, schema_editor):
    Digest = apps.get_model("newsletter", "Digest")
    Delivery = apps.get_model("newsletter", "Delivery")
    # Their worker is no more, and nobody kept a journal.
    Delivery.objects.filter(state="claimed").update(
        state="unknown", reason="the worker stopped while handing it over; it may have arrived"
    )
    for digest in Digest.objects.all():
        ends = Delivery.objects.filter(digest=digest).aggregate(first=Min("pk"), last=Max("pk"))
        if ends["first"] is None:
            continue
        for first in range(ends["first"], ends["last"] + 1, ROWS):
            cut_one(apps, digest, first, min(first + ROWS - 1, ends["last"]))


def cut_one(apps, digest, first, last):
    Batch = apps.get_model("newsletter", "Batch")
    Delivery = apps.get_model("newsletter", "Delivery")
    rows = Delivery.objects.filter(digest=digest, pk__range=(first, last)).order_by()
    counted = {
        state: (number, soonest)
        for state, number, soonest in rows.values_list("state").annotate(
            Count("pk"), Min("not_before_at")
        )
    }
    if counted:
        soonest = counted.get("queued", (0, None))[1]
        Batch.objects.create(
            digest=digest,
            first=first,
            last=last,
            due_at=soonest or digest.covers_to_at,
            state="waiting" if soonest else "done",
            **{state: counted.get(state, (0, None))[0] for state in STATES},
        )


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0010_batches"),
    ]

    operations = [migrations.RunPython(cut, migrations.RunPython.noop)]
