import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0005_variants"),
    ]

    operations = [
        migrations.AlterField(
            model_name="digestitem",
            name="variant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="newsletter.variant",
            ),
        ),
        migrations.RemoveField(model_name="digest", name="html"),
        migrations.RemoveField(model_name="digest", name="text"),
    ]
