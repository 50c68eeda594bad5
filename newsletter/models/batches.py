"""A digest's copies in portions: what one worker takes at a time, and what became of them."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from newsletter.models.deliveries import Delivery, DeliveryQuerySet
from newsletter.models.digests import Digest


class BatchQuerySet(models.QuerySet["Batch"]):
    """The verbs to read batches with."""

    def due(self, now: datetime) -> "BatchQuerySet":
        """Those that may be sent at `now`, if their digest may."""
        return self.filter(state=Batch.State.WAITING, due_at__lte=now)

    def open(self) -> "BatchQuerySet":
        """Those that something must still become of."""
        return self.exclude(state=Batch.State.DONE)

    def holding(self, delivery: int, digest: int) -> "BatchQuerySet":
        """The one that a copy of a digest lies in."""
        return self.filter(digest=digest, first__lte=delivery, last__gte=delivery)


class Batch(models.Model):
    """A range of a digest's deliveries by their primary keys. Leased as a whole to one worker.

    Its numbers are those of its rows, counted anew with each change: a range is soon counted, and
    the sums of a digest's batches tell where the digest stands without a look at its rows.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        LEASED = "leased", "On its way"
        DONE = "done", "Done"

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="batches")
    first = models.PositiveBigIntegerField()
    last = models.PositiveBigIntegerField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    # The journal in which the worker that holds it notes what it hands over.
    owner = models.CharField(max_length=32, blank=True)
    leased_at = models.DateTimeField(null=True)
    leased_until_at = models.DateTimeField(null=True)
    # How often it was leased since a worker last got on with it.
    attempt = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    queued = models.PositiveIntegerField(default=0)
    sent = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(fields=["digest", "first"], name="one_batch_per_range"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="batch_range_forward"),
        ]
        indexes = [models.Index(fields=["digest", "state", "due_at"], name="batches_due")]

    def __str__(self) -> str:
        return f"{self.digest_id}: {self.first} to {self.last}, {self.state}"

    def copies(self) -> DeliveryQuerySet:
        """Its deliveries."""
        return Delivery.objects.filter(digest=self.digest_id, pk__range=(self.first, self.last))
