"""Authors get the comma that tells a person from a group: "Gentile E" becomes "Gentile, E"."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def with_comma(line: str) -> str:
    """A person's line in the new form; groups, "et al." and lines with a comma as they are."""
    family, _, initials = line.strip().rpartition(" ")
    is_person = family and "," not in line and initials.isupper() and len(initials) <= 4
    return f"{family}, {initials}" if is_person else line


def set_commas(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    studies = apps.get_model("research", "Study").objects.using(schema_editor.connection.alias)
    changed = []
    for study in studies.only("authors").iterator():
        authors = "\n".join(with_comma(line) for line in study.authors.splitlines())
        if authors != study.authors:
            study.authors = authors
            changed.append(study)
    studies.bulk_update(changed, ["authors"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("research", "0002_studies_as_records")]

    operations = [
        # Both forms are readable text, so the way back leaves the commas.
        migrations.RunPython(set_commas, migrations.RunPython.noop),
    ]
