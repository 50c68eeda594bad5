from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("research", "0003_authors_with_commas")]

    operations = [
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("month__isnull", True),
                    models.Q(("month__range", (1, 12)), ("year__isnull", False)),
                    _connector="OR",
                ),
                name="study_month_of_a_year",
            ),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("day__isnull", True),
                    models.Q(("day__range", (1, 31)), ("month__isnull", False)),
                    _connector="OR",
                ),
                name="study_day_of_a_month",
            ),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(("doi", ""), _negated=True), name="study_doi_or_null"
            ),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.CheckConstraint(
                condition=models.Q(("pmid", ""), _negated=True), name="study_pmid_or_null"
            ),
        ),
    ]
