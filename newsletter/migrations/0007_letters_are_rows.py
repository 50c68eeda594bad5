import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, Q
from django.db.models.functions import Lower


def carry(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each letter that waits in its sign-up or subscriber becomes a row of its own."""
    Letter = apps.get_model("newsletter", "Letter")
    waits = (Q(letter_sent_at=None) | Q(letter_sent_at__lt=F("letter_due_at"))) & (
        Q(letter_dropped_at=None) | Q(letter_dropped_at__lt=F("letter_due_at"))
    )
    waits &= Q(letter_due_at__isnull=False)
    sign_ups = apps.get_model("newsletter", "SignUp").objects.filter(waits, confirmed_at=None)
    readers = apps.get_model("newsletter", "Subscriber").objects.filter(waits, state="active")
    for kind, rows in (("confirm", sign_ups), ("already", readers)):
        letters = (
            Letter(
                kind=kind,
                email=row.email,
                key=row.key,
                asked_at=getattr(row, "asked_at", row.letter_due_at),
                due_at=row.letter_due_at,
            )
            for row in rows.iterator()
        )
        Letter.objects.bulk_create(letters, batch_size=500)


def carry_back(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What waits is due in its sign-up or subscriber again."""
    Letter = apps.get_model("newsletter", "Letter")
    homes = (("confirm", "SignUp"), ("already", "Subscriber"))
    for kind, model in homes:
        home = apps.get_model("newsletter", model)
        waiting = Letter.objects.filter(kind=kind, sent_at=None, dropped_at=None)
        for key, due_at in waiting.values_list("key", "due_at"):
            home.objects.filter(key=key).update(letter_due_at=due_at)


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0006_words_stand_in_variants"),
    ]

    operations = [
        migrations.CreateModel(
            name="AddressChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("asked_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="newsletter.subscriber",
                    ),
                ),
            ],
            options={"ordering": ["-asked_at"]},
        ),
        migrations.AddIndex(
            model_name="signup",
            index=models.Index(fields=["asked_at"], name="sign_ups_by_time"),
        ),
        migrations.AddIndex(
            model_name="letter",
            index=models.Index(Lower("email"), "kind", name="letters_to_address"),
        ),
        migrations.AddIndex(
            model_name="letter",
            index=models.Index(fields=["key"], name="letters_by_key"),
        ),
        migrations.RunPython(carry, carry_back),
        *(
            migrations.RemoveField(model_name=model, name=f"letter_{name}_at")
            for model in ("signup", "subscriber")
            for name in ("due", "claimed", "sent", "dropped")
        ),
    ]
