"""Each site starts with a weekly digest, next due in a week: editors change it in the newsroom."""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone


def start(apps, schema_editor):
    due = (timezone.now() + timedelta(weeks=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    apps.get_model("newsletter", "Rhythm").objects.get_or_create(
        single=1, defaults={"next_due_at": due}
    )


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0001_initial")]

    operations = [migrations.RunPython(start, migrations.RunPython.noop)]
