"""Who gives. Known to the treasurer alone."""

import uuid

from django.db import models
from django.db.models.functions import Lower

from donations.models.drives import CurrencyField, Drive
from fibrosite.lib.fields import LineField


class Donor(models.Model):
    """A person or group that gave; an offline donor may have no address."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(max_length=254, blank=True)
    name = LineField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(null=True, editable=False)
    # By so many names of payments was looked for reports about an erased giver.
    names_looked_for = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["name", "email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"), condition=~models.Q(email=""), name="one_donor_per_address"
            ),
        ]
        indexes = [models.Index(Lower("name"), name="donors_by_name")]

    def __str__(self) -> str:
        return self.name or self.email or f"Donor {self.pk}"


class Pledge(models.Model):
    """A promise to give again each month, kept by a provider."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAST_DUE = "past-due", "Card failed"
        CANCELLED = "cancelled", "Stopped"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    donor = models.ForeignKey(Donor, on_delete=models.PROTECT, related_name="pledges")
    drive = models.ForeignKey(
        Drive, on_delete=models.PROTECT, null=True, blank=True, related_name="pledges"
    )
    checkout = models.ForeignKey("Checkout", on_delete=models.SET_NULL, null=True, blank=True)
    provider = models.CharField(max_length=10, blank=True)
    provider_id = models.CharField(max_length=255, blank=True)
    customer_id = models.CharField(max_length=255, blank=True)
    amount_minor = models.PositiveBigIntegerField()
    currency = CurrencyField()
    interval = models.CharField(max_length=5, choices=[("month", "month")], default="month")
    state = models.CharField(max_length=9, choices=State, default=State.ACTIVE)
    show_name = models.BooleanField(default=False)
    name_shown = LineField(max_length=120, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    last_paid_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField("last failed", null=True, blank=True)
    # When the provider said what stands here: what it said before that comes too late.
    told_at = models.DateTimeField(null=True, blank=True)
    next_due_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField("stops on", null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_id"],
                condition=~models.Q(provider_id=""),
                name="one_pledge_per_subscription",
            ),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="pledge_gives"),
        ]

    def __str__(self) -> str:
        return f"Monthly gift {self.pk}"
