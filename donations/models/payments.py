"""What is between us and a payment provider: checkouts that we start, events that it tells."""

import uuid

from django.db import models

from donations.models.donors import Donor
from donations.models.drives import CurrencyField, Drive
from donations.models.gifts import Donation
from fibrosite.lib.fields import LineField


class Checkout(models.Model):
    """One filled-in form to give. Its key is made when the form is shown, so that pressing
    twice, or going back and pressing again, comes to the same row."""

    class State(models.TextChoices):
        NEW = "new", "New"
        OPEN = "open", "At the provider"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "The money did not come"
        EXPIRED = "expired", "Expired"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    drive = models.ForeignKey(Drive, on_delete=models.PROTECT, null=True, blank=True)
    donor = models.ForeignKey(Donor, on_delete=models.SET_NULL, null=True, blank=True)
    # What is charged in all; `fee_minor` is the part of it that covers the fee.
    amount_minor = models.PositiveBigIntegerField()
    fee_minor = models.PositiveBigIntegerField(default=0)
    currency = CurrencyField()
    monthly = models.BooleanField(default=False)
    cover_fee = models.BooleanField(default=False)
    method = models.CharField(max_length=10, choices=Donation.Method, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    name = LineField(max_length=200, blank=True)
    show_name = models.BooleanField(default=False)
    message = models.TextField(max_length=500, blank=True)
    provider = models.CharField(max_length=10, blank=True)
    provider_session_id = models.CharField(max_length=255, blank=True, db_index=True)
    payment_id = models.CharField(max_length=255, blank=True, db_index=True)
    customer_id = models.CharField(max_length=255, blank=True)
    url = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.NEW)
    is_test = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    # When the provider said that the money of an agreed gift does not come.
    failed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # When what was filled in was taken out of it, as nothing came of it.
    emptied_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="checkout_gives"),
        ]

    def __str__(self) -> str:
        return f"Checkout {self.pk}"

    def is_paid(self) -> bool:
        """Whether its money, or a month of its monthly gift, is in the ledger."""
        came = Donation.objects.filter(paid_at__isnull=False)
        if came.filter(checkout=self).exists():
            return True
        return self.monthly and came.filter(pledge__checkout=self).exists()


class PaymentRef(models.Model):
    """A name that a provider gives a payment: intent, charge, invoice, capture, sale."""

    provider = models.CharField(max_length=10)
    ref = models.CharField(max_length=255)
    donation = models.ForeignKey(Donation, on_delete=models.CASCADE, related_name="refs")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "ref"], name="one_payment_per_ref"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.ref}"


class PaymentEvent(models.Model):
    """One webhook of a provider, stored as it came before anything is done about it."""

    class State(models.TextChoices):
        NEW = "new", "New"
        HANDLED = "handled", "Handled"
        IGNORED = "ignored", "Ignored"
        REFUSED = "refused", "Refused"
        WAITING = "waiting", "Waiting for its payment"
        FAILED = "failed", "Failed"

    provider = models.CharField(max_length=10)
    event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    livemode = models.BooleanField(default=False)
    body = models.TextField()
    # The provider's id of the payment that it is about, to wake what waits for it.
    subject = models.CharField(max_length=255, blank=True, db_index=True)
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    outcome = models.CharField(max_length=300, blank=True)
    # When a person is to be told that it fails, and when that was done.
    alarm_at = models.DateTimeField(null=True, blank=True)
    alarmed_at = models.DateTimeField(null=True, blank=True)
    # When it was looked through for givers who were erased before it came.
    looked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="event_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(handled_at__isnull=True),
                name="events_to_handle",
            ),
            models.Index(
                fields=["received_at"],
                condition=models.Q(looked_at__isnull=True),
                name="events_to_look_through",
            ),
            models.Index(
                fields=["alarm_at"],
                condition=models.Q(alarm_at__isnull=False, alarmed_at__isnull=True),
                name="events_to_tell_of",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class BooksCheck(models.Model):
    """One comparison of our ledger with a provider's list."""

    provider = models.CharField(max_length=10)
    checked_at = models.DateTimeField()
    since_at = models.DateTimeField("from")
    until_at = models.DateTimeField("to")
    seen = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)
    repaired = models.PositiveIntegerField(default=0)
    # One line for each difference.
    words = models.TextField(blank=True)

    class Meta:
        ordering = ["-checked_at"]
        verbose_name = "check with a provider"
        verbose_name_plural = "checks with providers"

    def __str__(self) -> str:
        return f"{self.provider}, {self.checked_at:%Y-%m-%d %H:%M}"
