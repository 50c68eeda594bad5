from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0003_bodies_into_blocks"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="article",
            name="body",
        ),
        migrations.AddConstraint(
            model_name="reference",
            constraint=models.CheckConstraint(
                condition=models.Q(("key", ""), _negated=True), name="reference_has_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="reference",
            constraint=models.UniqueConstraint(
                fields=("article", "key"), name="one_reference_per_key"
            ),
        ),
    ]
