"""Lists of subscribers that came from elsewhere."""

from django.conf import settings
from django.db import models


class ImportRun(models.Model):
    """One list on its way in: checked first, then imported, from where it stopped if need be."""

    class State(models.TextChoices):
        CHECKING = "checking", "Being looked through"
        COLUMNS = "columns", "Waits for its columns"
        CHECKED = "checked", "Checked, waits for consent"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    file_name = models.CharField(max_length=200)
    file_format = models.CharField(max_length=40)
    # Which column holds what, for a file of no known kind.
    columns = models.JSONField(default=dict)
    # Kept apart from what is served, and deleted once it is in.
    path = models.CharField(max_length=400, blank=True, editable=False)
    attestation = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.CHECKING)
    # How far it got: rows before this one are in.
    position = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    reason = models.CharField(max_length=300, blank=True)
    leased_until_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at"]
        verbose_name = "import of a list"
        verbose_name_plural = "imports of lists"

    def __str__(self) -> str:
        return f"{self.file_name} ({self.get_state_display().lower()})"
