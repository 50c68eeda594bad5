"""Who gets the digest, and how each wants it."""

import uuid
from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from articles.models import Tag
from fibrosite.lib.sparing import spared_addresses
from newsletter.models.addresses import same_address


class Cadence(models.TextChoices):
    """How often a reader gets what is new."""

    EACH = "each", "Each article, when it appears"
    WEEKLY = "weekly", "Every week"
    FORTNIGHTLY = "fortnightly", "Every two weeks"
    MONTHLY = "monthly", "Every four weeks"

    @property
    def weeks(self) -> int:
        """From one digest to the next; 0 for each article."""
        return {Cadence.EACH: 0, Cadence.WEEKLY: 1, Cadence.FORTNIGHTLY: 2, Cadence.MONTHLY: 4}[
            self
        ]

    @property
    def period(self) -> timedelta:
        """The days from one digest to the next."""
        return timedelta(weeks=self.weeks)


class Depth(models.TextChoices):
    """How much of each article a letter holds."""

    GIST = "gist", "The gist alone"
    STANDARD = "standard", "Standfirst, gist and studies"
    FULL = "full", "The whole article"


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    """The verbs to read subscribers with."""

    def active(self) -> "SubscriberQuerySet":
        """Those on the list."""
        return self.filter(state=Subscriber.State.ACTIVE)

    def reachable(self, now: datetime) -> "SubscriberQuerySet":
        """The active ones who are not in a pause at `now`."""
        resting = models.Q(paused_until_at__gt=now)
        return self.active().exclude(resting)

    def with_address(self, email: str) -> "SubscriberQuerySet":
        """The one with this address, whatever its capitals."""
        return self.filter(same_address(email))

    def spared(self) -> "SubscriberQuerySet":
        """Those who gave to the drive that their letters would name."""
        addresses = spared_addresses()
        if addresses is None:
            return self.none()
        asked = self.exclude(depth=Depth.GIST)
        return asked.alias(address=Lower("email")).filter(address__in=addresses)


class Subscriber(models.Model):
    """An address whose owner asked for the digest and confirmed it."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        LEFT = "left", "Left"
        BLOCKED = "blocked", "Never mailed"

    email = models.EmailField(max_length=254)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    paused_until_at = models.DateTimeField("paused until", null=True, blank=True)
    cadence = models.CharField(max_length=12, choices=Cadence, default=Cadence.WEEKLY)
    depth = models.CharField(max_length=10, choices=Depth, default=Depth.STANDARD)
    max_items = models.PositiveSmallIntegerField(
        "at most so many articles", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    text_only = models.BooleanField(default=False)
    zone = models.CharField("time zone", max_length=60, blank=True)
    hour = models.PositiveSmallIntegerField(
        "hour of the day", null=True, blank=True, validators=[MaxValueValidator(23)]
    )
    topics = models.ManyToManyField(Tag, through="SubscriberTopic", related_name="subscribers")
    # The chosen topics in one value, so that readers alike are found without a join; "" for all.
    topics_key = models.CharField(max_length=40, blank=True, editable=False)
    # All news up to this number were considered for this reader, so none comes twice.
    served_news = models.PositiveIntegerField(default=0, editable=False)
    source = models.CharField(max_length=60, blank=True, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        ordering = ["-joined_at"]
        permissions = [
            ("import_subscribers", "Can import a list of subscribers"),
            ("export_subscribers", "Can export the list of subscribers"),
        ]
        constraints = [models.UniqueConstraint(Lower("email"), name="one_subscriber_per_address")]
        # Without what changes with each digest: a million readers are served in two seconds.
        indexes = [models.Index(fields=["cadence", "state"], name="readers_by_cadence")]

    def __str__(self) -> str:
        return self.email

    def is_paused(self, now: datetime) -> bool:
        """Whether a pause is under way at `now`."""
        return self.paused_until_at is not None and self.paused_until_at > now


class SubscriberTopic(models.Model):
    """A topic that a subscriber chose; who chose none gets all."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="chosen")
    topic = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="chosen_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "topic"], name="one_choice_per_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} chose {self.topic_id}"
