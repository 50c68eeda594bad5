"""What mail providers and mailboxes tell us, and whom we never mail again."""

from django.db import models

from newsletter.models.deliveries import Delivery
from newsletter.models.digests import Digest


class Suppression(models.Model):
    """An address never to mail, known by a keyed hash alone: nobody can read it back."""

    class Reason(models.TextChoices):
        COMPLAINT = "complaint", "Complained"
        HARD_BOUNCE = "hard-bounce", "The mailbox does not exist"
        SOFT_BOUNCES = "soft-bounces", "Three digests in a row came back"
        REJECTED = "rejected", "The provider refuses it"
        ERASED = "erased", "Erased at the owner's wish"
        UNSUBSCRIBED = "unsubscribed", "Left"
        IMPORTED = "imported", "Opted out in an imported list"
        BY_HAND = "by-hand", "Entered by an editor"

    address_hash = models.CharField(max_length=64, unique=True, editable=False)
    reason = models.CharField(max_length=20, choices=Reason)
    source = models.CharField(max_length=60, blank=True)
    since_at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-since_at"]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.address_hash[:10]})"


class MailEvent(models.Model):
    """What a provider or a returned mail says of one message. Kept once, handled once."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered", "Delivered"
        DEFERRED = "deferred", "Deferred"
        SOFT_BOUNCE = "soft-bounce", "Came back, for now"
        HARD_BOUNCE = "hard-bounce", "Came back for good"
        COMPLAINT = "complaint", "Complaint"
        REJECTED = "rejected", "Refused by the provider"
        UNSUBSCRIBED = "unsubscribed", "Left at the provider"
        AUTO_REPLY = "auto-reply", "Automatic reply"
        UNKNOWN = "unknown", "Something else"

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind)
    address_hash = models.CharField(max_length=64, blank=True, db_index=True)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, related_name="events"
    )
    digest = models.ForeignKey(Digest, on_delete=models.SET_NULL, null=True, related_name="events")
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="one_row_per_event"),
        ]
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=models.Q(handled_at__isnull=True),
                name="events_unhandled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.provider})"
