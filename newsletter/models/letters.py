"""Letters to one person that are not digests: to confirm, to welcome, to say goodbye."""

import uuid

from django.db import models
from django.db.models.functions import Lower


class Letter(models.Model):
    """One such letter, from the wish for it until the mail server took it.

    Kept until it is sent or dropped, so that no crash loses it; what is done is forgotten soon.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", "To confirm an address"
        REMIND = "remind", "The one reminder"
        ALREADY = "already", "You are a subscriber already"
        WELCOME = "welcome", "Welcome"
        GOODBYE = "goodbye", "Goodbye"
        CHANGE = "change", "To confirm a new address"
        CHANGED = "changed", "To the old address: it was changed"
        DATA = "data", "The way to one's data"
        ERASE = "erase", "The way to be erased"

    kind = models.CharField(max_length=10, choices=Kind)
    email = models.EmailField(max_length=254)
    # What its links are made of: the key of a sign-up, of a change of address or of a subscriber.
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["due_at"]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at__isnull=True, dropped_at__isnull=True),
                name="letters_waiting",
            ),
            models.Index(Lower("email"), "kind", name="letters_to_address"),
            models.Index(fields=["key"], name="letters_by_key"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, due {self.due_at:%Y-%m-%d %H:%M}"
