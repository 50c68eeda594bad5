"""What the editors are told of by mail."""

from django.db import models


class Alarm(models.Model):
    """One occurrence that the editors are told of, once: who fills in `told_at` sends the mail."""

    occurrence = models.CharField(max_length=200, unique=True)
    # Some are told only if they last.
    noted_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.occurrence
