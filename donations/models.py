"""A drive has a goal; a donation is a gift; the ledger says what really came in."""

from datetime import date

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone

from fibrosite.lib.fields import LineField, ProseField
from fibrosite.lib.money import exponent, format_money

STORY_EXTENSIONS = {
    "Bold": True,
    "Italic": True,
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto"]},
    "HardBreak": True,
    "History": True,
}


class DriveQuerySet(models.QuerySet["Drive"]):
    """The verbs to read drives with."""

    def open_on(self, day: date) -> "DriveQuerySet":
        """Drives that run on this day of the site's calendar, the newest first."""
        return self.filter(starts_on__lte=day, ends_on__gte=day).order_by("-starts_on", "-pk")

    def started_by(self, day: date) -> "DriveQuerySet":
        """Drives that readers may know of on this day, the newest first."""
        return self.filter(starts_on__lte=day).order_by("-starts_on", "-pk")


class Drive(models.Model):
    """A fund-raiser with a goal, a currency and dates (both days included)."""

    name = LineField(max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    goal_minor = models.PositiveBigIntegerField("goal in minor units", help_text="Cents, for USD.")
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as USD or EUR.")],
    )
    starts_on = models.DateField("first day")
    ends_on = models.DateField("last day")
    story = ProseField(extensions=STORY_EXTENSIONS, help_text="What the gifts are for.")
    how_to_give = ProseField(
        extensions=STORY_EXTENSIONS,
        help_text="The ways to give: cheque, gift card, bitcoin, PayPal, card.",
    )
    thanks = models.TextField(blank=True, help_text="Shown when the drive is over.")

    objects = DriveQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(condition=models.Q(goal_minor__gt=0), name="drive_has_goal"),
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")), name="drive_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("donations:drive", args=[self.slug])

    def clean(self) -> None:
        """Refuse a drive that ends before it starts, and a new currency once gifts came in."""
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": "The last day is before the first day."})
        other_currency = Drive.objects.filter(pk=self.pk).exclude(currency=self.currency)
        if self.pk and other_currency.exists() and self.donations.exists():
            raise ValidationError({"currency": "Gifts came in: the currency is fixed."})

    @property
    def goal(self) -> str:
        """The goal as text, such as $5,000."""
        return format_money(self.goal_minor, self.currency)

    @property
    def decimals(self) -> int:
        """How many decimals its currency has."""
        return exponent(self.currency)

    def is_open(self, day: date | None = None) -> bool:
        """Whether it takes gifts on this day (today, in the site's zone)."""
        return self.starts_on <= (day or timezone.localdate()) <= self.ends_on


class Donation(models.Model):
    """A gift as an editor or a provider reported it. Its money stands in the ledger."""

    class Method(models.TextChoices):
        CHEQUE = "cheque", "Cheque"
        GIFT_CARD = "gift-card", "Gift card"
        BITCOIN = "bitcoin", "Bitcoin"
        PAYPAL = "paypal", "PayPal"
        CARD = "card", "Card"

    drive = models.ForeignKey(Drive, on_delete=models.PROTECT, related_name="donations")
    method = models.CharField(max_length=10, choices=Method, default=Method.CHEQUE)
    received_on = models.DateField(default=timezone.localdate)
    donor_name = models.CharField(
        "donor", max_length=200, blank=True, help_text="Never shown on the site."
    )
    note = models.CharField(max_length=300, blank=True, help_text="Never shown on the site.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-received_on", "-pk"]

    def __str__(self) -> str:
        return f"Gift {self.pk} to {self.drive}"


class LedgerEntry(models.Model):
    """Money in or out, in minor units of the drive's currency. Appended, never edited."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "Received"
        REFUNDED = "refunded", "Refunded"
        CORRECTION = "correction", "Correction"

    donation = models.ForeignKey(Donation, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind)
    amount_minor = models.BigIntegerField(validators=[MinValueValidator(-(10**15))])
    reason = models.CharField(max_length=300, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )

    class Meta:
        ordering = ["recorded_at", "pk"]
        verbose_name_plural = "ledger"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="received", amount_minor__gt=0)
                | models.Q(kind="refunded", amount_minor__lt=0)
                | (models.Q(kind="correction") & ~models.Q(amount_minor=0) & ~models.Q(reason="")),
                name="ledger_sign_fits_kind",
            ),
            models.UniqueConstraint(
                fields=["donation"], condition=models.Q(kind="received"), name="received_once"
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
        """The amount as text, in the drive's currency."""
        return format_money(self.amount_minor, self.donation.drive.currency)
