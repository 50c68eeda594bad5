"""A gift as a person or a provider reported it. Its money stands in the ledger."""

import uuid

from django.db import models
from django.utils import timezone

from donations.models.donors import Donor, Pledge
from donations.models.drives import CurrencyField, Drive
from fibrosite.lib.fields import LineField
from fibrosite.lib.money import format_money


class Donation(models.Model):
    """One gift to a drive, or to the fund when it has none."""

    class Method(models.TextChoices):
        CHEQUE = "cheque", "Cheque"
        GIFT_CARD = "gift-card", "Gift card"
        BITCOIN = "bitcoin", "Bitcoin"
        PAYPAL = "paypal", "PayPal"
        CARD = "card", "Card"

    class MessageState(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SHOWN = "shown", "Shown"
        REFUSED = "refused", "Not shown"

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    drive = models.ForeignKey(
        Drive, on_delete=models.PROTECT, null=True, blank=True, related_name="donations"
    )
    donor = models.ForeignKey(
        Donor, on_delete=models.PROTECT, null=True, blank=True, related_name="donations"
    )
    pledge = models.ForeignKey(
        Pledge, on_delete=models.PROTECT, null=True, blank=True, related_name="donations"
    )
    checkout = models.ForeignKey("Checkout", on_delete=models.SET_NULL, null=True, blank=True)
    method = models.CharField(max_length=10, choices=Method, default=Method.CHEQUE)
    provider = models.CharField(max_length=10, blank=True)
    provider_id = models.CharField(max_length=255, blank=True)
    currency = CurrencyField()
    given_on = models.DateField(default=timezone.localdate)
    show_name = models.BooleanField("show the name on the site", default=False)
    name_shown = LineField("name to show", max_length=120, blank=True)
    message = models.TextField(max_length=500, blank=True)
    message_state = models.CharField(
        max_length=7, choices=MessageState, default=MessageState.WAITING
    )
    note = models.CharField(max_length=300, blank=True, help_text="Never shown on the site.")
    created_at = models.DateTimeField(auto_now_add=True)
    # A payment of a provider's test mode: it never counts.
    is_test = models.BooleanField(default=False, editable=False)

    # Running sums of its entries, written with each of them. `held` is in the gift's own
    # currency, the others in the drive's. `paid_at` is when the money came, once it did.
    held_minor = models.BigIntegerField(default=0, editable=False)
    counted_minor = models.BigIntegerField(default=0, editable=False)
    promised_minor = models.BigIntegerField(default=0, editable=False)
    paid_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-given_on", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_id"],
                condition=~models.Q(provider=""),
                name="one_gift_per_payment",
            ),
        ]
        indexes = [
            models.Index(
                fields=["drive", "-paid_at"],
                condition=models.Q(counted_minor__gt=0),
                name="gifts_by_drive",
            ),
            models.Index(fields=["drive", "donor"], name="gifts_by_drive_and_donor"),
            models.Index(
                fields=["message_state"], condition=~models.Q(message=""), name="gifts_with_message"
            ),
        ]

    def __str__(self) -> str:
        return f"Gift {self.pk} to {self.drive or 'the fund'}"

    @property
    def held(self) -> str:
        """What the ledger holds of it, as text, in its own currency."""
        return format_money(self.held_minor, self.currency)

    @property
    def public_name(self) -> str:
        """The name that readers see; empty unless the donor wanted it shown."""
        return self.name_shown if self.show_name else ""

    @property
    def public_message(self) -> str:
        """The message that readers see; empty unless an editor let it through."""
        return self.message if self.message_state == self.MessageState.SHOWN else ""


class Message(Donation):
    """The words that came with a gift, for those who decide what readers see."""

    class Meta:
        proxy = True
        default_permissions = ("view", "change")
