"""Letters about gifts."""

import uuid

from django.db import models

from donations.models.donors import Donor, Pledge
from donations.models.gifts import Donation


class GiftLetter(models.Model):
    """One letter, from the wish for it until the mail server took it: no crash loses it."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", "Receipt"
        THANKS = "thanks", "Thanks"
        PROMISE = "promise", "Your promise"
        FAILED = "failed", "A card failed"
        STOPPED = "stopped", "A monthly gift stopped"
        LINK = "link", "The way to one's gifts"
        STATEMENT = "statement", "Statement of a year"
        ALARM = "alarm", "Alarm for the treasurer"

    kind = models.CharField(max_length=12, choices=Kind)
    email = models.EmailField(max_length=254)
    donor = models.ForeignKey(Donor, on_delete=models.SET_NULL, null=True, blank=True)
    donation = models.ForeignKey(Donation, on_delete=models.CASCADE, null=True, blank=True)
    pledge = models.ForeignKey(Pledge, on_delete=models.CASCADE, null=True, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Names what it is about, such as "receipt:<gift>", so that it is written once.
    once = models.CharField(max_length=160, null=True, blank=True, unique=True)
    words = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["due_at"]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at__isnull=True, dropped_at__isnull=True),
                name="gift_letters_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, due {self.due_at:%Y-%m-%d %H:%M}"
