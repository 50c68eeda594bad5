"""What really came in and went out. Appended, never edited: the database refuses both."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from donations.models.drives import CurrencyField, Drive, Match
from donations.models.gifts import Donation
from fibrosite.lib.money import format_money


class LedgerEntry(models.Model):
    """One fact about money: as it happened (`amount_minor`, `currency`), and in the drive's
    currency by the drive's fixed rate (`drive_minor`). Written by `donations.booking` alone."""

    class Kind(models.TextChoices):
        PLEDGED = "pledged", "Promised"
        RECEIVED = "received", "Received"
        SETTLED = "settled", "Settled"
        FEE = "fee", "Fee"
        REFUNDED = "refunded", "Refunded"
        DISPUTED = "disputed", "Disputed"
        DISPUTE_WON = "dispute-won", "Dispute won"
        DISPUTE_LOST = "dispute-lost", "Dispute lost"
        MATCHED = "matched", "Matched"
        CORRECTION = "correction", "Correction"

    drive = models.ForeignKey(Drive, on_delete=models.PROTECT, null=True, related_name="entries")
    donation = models.ForeignKey(
        Donation, on_delete=models.PROTECT, null=True, related_name="entries"
    )
    match = models.ForeignKey(Match, on_delete=models.PROTECT, null=True, related_name="entries")
    kind = models.CharField(max_length=12, choices=Kind)
    amount_minor = models.BigIntegerField()
    currency = CurrencyField()
    rate = models.DecimalField(max_digits=18, decimal_places=9, default=Decimal(1))
    drive_minor = models.BigIntegerField()
    counts = models.BooleanField()
    # The provider's fact or the hand's act that this is: booked once, however often it is told.
    source_key = models.CharField(max_length=255, unique=True)
    reason = models.CharField(max_length=300, blank=True)
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )

    class Meta:
        ordering = ["recorded_at", "pk"]
        verbose_name_plural = "ledger"
        indexes = [models.Index(fields=["drive", "happened_at"], name="ledger_by_drive")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["received", "settled", "dispute-won"], amount_minor__gt=0)
                | Q(kind__in=["refunded", "disputed"], amount_minor__lt=0)
                | Q(kind="dispute-lost", amount_minor=0)
                | Q(kind="pledged", amount_minor__gt=0)
                | (Q(kind="pledged", amount_minor__lt=0) & ~Q(reason=""))
                | (Q(kind__in=["fee", "matched"]) & ~Q(amount_minor=0))
                | (Q(kind="correction") & ~Q(amount_minor=0) & ~Q(reason="")),
                name="ledger_sign_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, drive_minor__gte=0)
                | Q(amount_minor__lt=0, drive_minor__lte=0)
                | Q(amount_minor=0, drive_minor=0),
                name="ledger_keeps_sign_in_drive",
            ),
            models.CheckConstraint(
                condition=Q(kind="matched", match__isnull=False, donation__isnull=True)
                | (~Q(kind="matched") & Q(match__isnull=True, donation__isnull=False)),
                name="ledger_entry_has_owner",
            ),
            models.CheckConstraint(
                condition=Q(counts=False) | ~Q(kind__in=["pledged", "fee", "dispute-lost"]),
                name="promises_and_fees_do_not_count",
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="ledger_rate_is_positive"),
            models.CheckConstraint(condition=~Q(source_key=""), name="ledger_entry_has_source"),
            models.UniqueConstraint(
                fields=["donation"],
                condition=Q(kind__in=["received", "settled"]),
                name="money_came_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"

    def save(self, *args: object, **kwargs: object) -> None:
        if self.pk:
            raise TypeError("A ledger entry is never changed: append a correction.")
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        raise TypeError("A ledger entry is never deleted: append a correction.")

    @property
    def amount(self) -> str:
        """The amount as text, in the currency it came in."""
        return format_money(self.amount_minor, self.currency)
