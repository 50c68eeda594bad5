"""One copy of a digest for one reader, and what became of it."""

from datetime import datetime

from django.db import models

from newsletter.models.corrections import Correction
from newsletter.models.digests import Digest, Variant
from newsletter.models.subscribers import Subscriber


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """The verbs to read deliveries with."""

    def waiting(self, now: datetime) -> "DeliveryQuerySet":
        """Queued rows that may be tried at `now`."""
        return self.filter(state=Delivery.State.QUEUED, not_before_at__lte=now)


class Delivery(models.Model):
    """One digest to one subscriber. A worker takes its batch, hands it over and settles it.

    Its indexes hold nothing that changes when it is settled: a million rows are settled without a
    touch of an index.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    # Both are constants of the statement that queues a million copies: no check for each row.
    digest = models.ForeignKey(
        Digest, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    variant = models.ForeignKey(
        Variant,
        on_delete=models.CASCADE,
        related_name="deliveries",
        null=True,
        db_index=False,
        db_constraint=False,
    )
    # The row outlives an erased subscriber: the sum of a digest's rows stays its audience.
    subscriber = models.ForeignKey(
        Subscriber,
        on_delete=models.SET_NULL,
        null=True,
        related_name="deliveries",
        db_index=False,  # the constraint's index begins with it
    )
    # What the reader had been served when this was built: an undo goes back to it.
    served_before = models.PositiveIntegerField(default=0)
    # The provider's own name for the message, by which its events come back.
    provider_id = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    corrections = models.ManyToManyField(Correction, related_name="deliveries", editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "digest"], name="one_copy_for_reader"),
        ]
        indexes = [
            models.Index(
                fields=["provider_id"],
                condition=~models.Q(provider_id=""),
                name="delivery_provider_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.digest_id} to {self.subscriber_id}: {self.state}"
