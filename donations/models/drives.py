"""A drive has a goal and dates; what came in stands in its total, which the ledger proves."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Coalesce
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

# So long pages and letters say what a drive that ended brought in.
THANKS = timedelta(days=14)
# So long before its first day pages may announce a drive.
ANNOUNCED = timedelta(days=7)
# From this share of the goal on, in percent, a drive is near it.
NEAR = 85


class CurrencyField(models.CharField):
    """An ISO 4217 code."""

    default_validators = [
        RegexValidator(r"^[A-Z]{3}$", "Three capital letters, such as USD or EUR.")
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 3, **kwargs})

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class DriveQuerySet(models.QuerySet["Drive"]):
    """The verbs to read drives with."""

    def open_on(self, day: date) -> "DriveQuerySet":
        """Drives that run on this day of the site's calendar, the newest first."""
        return self.filter(starts_on__lte=day, ends_on__gte=day).order_by("-starts_on", "-pk")

    def started_by(self, day: date) -> "DriveQuerySet":
        """Drives that readers may know of on this day, the newest first."""
        return self.filter(starts_on__lte=day).order_by("-starts_on", "-pk")

    def shown_on(self, day: date) -> "DriveQuerySet":
        """Drives that run on this day or ended within THANKS before; those that run first."""
        lately = self.filter(starts_on__lte=day, ends_on__gte=day - THANKS)
        is_over = models.Case(models.When(ends_on__lt=day, then=1), default=0)
        return lately.order_by(is_over, "-starts_on", "-pk")

    def spoken_of_on(self, day: date) -> "DriveQuerySet":
        """Those of `shown_on`, then those that begin within ANNOUNCED after this day."""
        near = self.filter(starts_on__lte=day + ANNOUNCED, ends_on__gte=day - THANKS)
        turn = models.Case(
            models.When(starts_on__gt=day, then=2), models.When(ends_on__lt=day, then=1), default=0
        )
        return near.order_by(turn, "-starts_on", "-pk")


class Drive(models.Model):
    """A fund-raiser with a goal, a currency and dates (both days included)."""

    class State(models.TextChoices):
        BEFORE = "before", "Before it begins"
        OPEN = "open", "Open"
        NEAR = "near", f"Near the goal ({NEAR} % or more)"
        STRETCH = "stretch", "Goal met, stretch goal ahead"
        MET = "met", "All goals met"
        ENDED = "ended", f"Ended, for {THANKS.days} days"
        AFTER = "after", "Long over"

    name = LineField(max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    goal_minor = models.PositiveBigIntegerField("goal in minor units", help_text="Cents, for USD.")
    stretch_goal_minor = models.PositiveBigIntegerField(
        "stretch goal in minor units", null=True, blank=True
    )
    currency = CurrencyField(default="USD")
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
            models.CheckConstraint(
                condition=models.Q(stretch_goal_minor__isnull=True)
                | models.Q(stretch_goal_minor__gt=models.F("goal_minor")),
                name="stretch_goal_is_higher",
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

    def state_on(self, day: date, *, raised_minor: int) -> "Drive.State":
        """Where it stands on this day of the site's calendar, with so much raised."""
        if day < self.starts_on:
            return self.State.BEFORE
        if day > self.ends_on:
            return self.State.ENDED if day <= self.ends_on + THANKS else self.State.AFTER
        if raised_minor >= self.goal_minor:
            ahead = self.stretch_goal_minor is not None and raised_minor < self.stretch_goal_minor
            return self.State.STRETCH if ahead else self.State.MET
        near = raised_minor * 100 >= self.goal_minor * NEAR
        return self.State.NEAR if near else self.State.OPEN


class DriveRate(models.Model):
    """What one unit of another currency counts in a drive (or in the fund), for as long as it runs.

    Fixed once a gift was booked by it, so that the sum does not move with the markets.
    """

    drive = models.ForeignKey(
        Drive, on_delete=models.CASCADE, null=True, blank=True, related_name="rates"
    )
    currency = CurrencyField()
    rate = models.DecimalField(
        max_digits=18, decimal_places=9, validators=[MinValueValidator(Decimal("0.000000001"))]
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Coalesce("drive", 0), "currency", name="one_rate_per_drive_and_currency"
            ),
            models.CheckConstraint(condition=models.Q(rate__gt=0), name="rate_is_positive"),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate.normalize():f}"


class DriveTotal(models.Model):
    """The running sums of a drive (of the fund: without drive), written with each entry.

    `manage.py check_ledger` proves them equal to the sum of the entries.
    """

    drive = models.OneToOneField(
        Drive, on_delete=models.CASCADE, null=True, blank=True, related_name="total"
    )
    raised_minor = models.BigIntegerField(default=0)
    # The part of `raised_minor` that came from matches.
    matched_minor = models.BigIntegerField(default=0)
    pledged_minor = models.BigIntegerField(default=0)
    fees_minor = models.BigIntegerField(default=0)
    # Gifts that hold more than nothing, and who gave them; a gift of nobody known is one giver.
    gifts = models.PositiveIntegerField(default=0)
    donors = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Coalesce("drive", 0), name="one_total_per_drive"),
        ]

    def __str__(self) -> str:
        return f"Total of {self.drive or 'the fund'}"


class DriveDay(models.Model):
    """What one day of the site's calendar brought to a drive, written with each entry."""

    drive = models.ForeignKey(
        Drive, on_delete=models.CASCADE, null=True, blank=True, related_name="days"
    )
    day = models.DateField()
    raised_minor = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(Coalesce("drive", 0), "day", name="one_row_per_drive_and_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}: {self.raised_minor}"


class Match(models.Model):
    """Somebody's word to add to each gift in some days, up to a cap."""

    drive = models.ForeignKey(Drive, on_delete=models.PROTECT, related_name="matches")
    name = LineField("who matches", max_length=120, help_text="Shown on the site.")
    ratio = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal(1),
        help_text="1 doubles each gift, 0.5 adds half of it.",
    )
    cap_minor = models.PositiveBigIntegerField("at most, in minor units")
    from_at = models.DateTimeField("gifts from")
    until_at = models.DateTimeField("gifts until")
    words = LineField("announcement", max_length=200, blank=True)
    # What the gifts of these days hold, and what was booked for them.
    eligible_minor = models.BigIntegerField(default=0, editable=False)
    booked_minor = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["from_at", "pk"]
        verbose_name_plural = "matches"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ratio__gt=0, cap_minor__gt=0), name="match_gives"
            ),
            models.CheckConstraint(
                condition=models.Q(booked_minor__gte=0, booked_minor__lte=models.F("cap_minor")),
                name="match_within_cap",
            ),
            models.CheckConstraint(
                condition=models.Q(until_at__gt=models.F("from_at")), name="match_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} matches {self.drive}"

    @property
    def due_minor(self) -> int:
        """What it owes for the gifts of its days: never more than its cap, never below zero."""
        return min(self.cap_minor, max(0, int(self.eligible_minor * self.ratio)))

    @property
    def terms(self) -> str:
        """What it adds, and how much at most, as text."""
        same = self.ratio == 1
        share = "the same again" if same else f"{(self.ratio * 100).normalize():f} %"
        cap = format_money(self.cap_minor, self.drive.currency)
        return f"{self.name} adds {share} to each gift, up to {cap} in all"

    @property
    def booked(self) -> str:
        """What it added so far, as text."""
        return format_money(self.booked_minor, self.drive.currency)


class Milestone(models.Model):
    """A sum on the way with words of its own."""

    drive = models.ForeignKey(Drive, on_delete=models.CASCADE, related_name="milestones")
    at_minor = models.PositiveBigIntegerField("at, in minor units")
    words = LineField(max_length=200)
    reached_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["at_minor"]
        constraints = [
            models.UniqueConstraint(fields=["drive", "at_minor"], name="one_milestone_per_sum"),
            models.CheckConstraint(condition=models.Q(at_minor__gt=0), name="milestone_is_ahead"),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def at(self) -> str:
        """Its sum, as text."""
        return format_money(self.at_minor, self.drive.currency)
