"""Who gets the digest, what it says, and what became of each copy."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from articles.models import Article


def same_address(email: str) -> Exact:
    """That a row has this address, whatever its capitals: the condition its unique index serves."""
    return Exact(Lower("email"), email.lower())


class SignUp(models.Model):
    """An address that somebody typed in, before its owner has confirmed it."""

    email = models.EmailField(max_length=254)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    form = models.CharField(max_length=20)
    text_version = models.CharField(max_length=20)
    asked_at = models.DateTimeField()
    letter_due_at = models.DateTimeField(null=True)
    letter_claimed_at = models.DateTimeField(null=True)
    letter_sent_at = models.DateTimeField(null=True)
    letter_dropped_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at"]
        verbose_name = "sign-up"
        constraints = [models.UniqueConstraint(Lower("email"), name="one_sign_up_per_address")]

    def __str__(self) -> str:
        return self.email


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


class Subscriber(models.Model):
    """An address whose owner asked for the digest and confirmed it."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        LEFT = "left", "Left"

    email = models.EmailField(max_length=254)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    paused_until_at = models.DateTimeField("paused until", null=True, blank=True)
    # The note to somebody who signs up again: nothing has changed.
    letter_due_at = models.DateTimeField(null=True, editable=False)
    letter_claimed_at = models.DateTimeField(null=True, editable=False)
    letter_sent_at = models.DateTimeField(null=True, editable=False)
    letter_dropped_at = models.DateTimeField(null=True, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        ordering = ["-joined_at"]
        constraints = [models.UniqueConstraint(Lower("email"), name="one_subscriber_per_address")]

    def __str__(self) -> str:
        return self.email

    def is_paused(self, now: datetime) -> bool:
        """Whether a pause is under way at `now`."""
        return self.paused_until_at is not None and self.paused_until_at > now


class ConsentEvent(models.Model):
    """What a subscriber agreed to or took back, and when. Appended, never edited."""

    class Kind(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed the address"
        LEFT = "left", "Left"

    class Method(models.TextChoices):
        PAGE = "page", "Button on our page"
        ONE_CLICK = "one-click", "One-click in the mail program"
        IMPORTED = "imported", "Entered by the operator"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consent")
    kind = models.CharField(max_length=10, choices=Kind)
    method = models.CharField(max_length=10, choices=Method)
    form = models.CharField(max_length=20, blank=True)
    text_version = models.CharField(max_length=20, blank=True)
    asked_at = models.DateTimeField(null=True)
    happened_at = models.DateTimeField()

    class Meta:
        ordering = ["happened_at", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.happened_at:%Y-%m-%d %H:%M} UTC"

    def save(self, *args: object, **kwargs: object) -> None:
        if self.pk:
            raise TypeError("A consent event is never changed: append another.")
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class Cadence(models.TextChoices):
    """How often a digest goes out."""

    WEEKLY = "weekly", "Every week"
    FORTNIGHTLY = "fortnightly", "Every two weeks"
    MONTHLY = "monthly", "Every four weeks"

    @property
    def period(self) -> timedelta:
        """The days from one digest to the next."""
        return {
            Cadence.WEEKLY: timedelta(weeks=1),
            Cadence.FORTNIGHTLY: timedelta(weeks=2),
            Cadence.MONTHLY: timedelta(weeks=4),
        }[self]


class Rhythm(models.Model):
    """When the next digest is due: one row, set by the editors, moved on by each tick."""

    cadence = models.CharField(max_length=12, choices=Cadence, default=Cadence.WEEKLY)
    next_due_at = models.DateTimeField(
        "next digest", help_text="The day and hour of this one are kept for those that follow."
    )
    ticked_at = models.DateTimeField("scheduler last seen", null=True, editable=False)
    single = models.PositiveSmallIntegerField(
        default=1, unique=True, editable=False, validators=[MaxValueValidator(1)]
    )

    class Meta:
        verbose_name = verbose_name_plural = "rhythm of the digest"
        constraints = [
            models.CheckConstraint(condition=models.Q(single=1), name="one_rhythm"),
        ]

    def __str__(self) -> str:
        return self.get_cadence_display()


class Digest(models.Model):
    """One edition: the research summaries of one period, frozen as text when it is built."""

    class State(models.TextChoices):
        SENDING = "sending", "Sending"
        DONE = "done", "Done"

    cadence = models.CharField(max_length=12, choices=Cadence)
    covers_from_at = models.DateTimeField("covers from")
    covers_to_at = models.DateTimeField("covers to")
    subject = models.CharField(max_length=200)
    html = models.TextField(editable=False)
    text = models.TextField(editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    audience = models.PositiveIntegerField(default=0)
    leased_until_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True)
    articles = models.ManyToManyField(Article, through="DigestItem", related_name="digests")

    class Meta:
        ordering = ["-covers_to_at"]
        permissions = [("send_digest", "Can send a digest now")]
        constraints = [
            # Each edition starts where the last one ended: two builders want the same row.
            models.UniqueConstraint(fields=["cadence", "covers_from_at"], name="one_per_period"),
            models.CheckConstraint(
                condition=models.Q(covers_to_at__gt=models.F("covers_from_at")),
                name="digest_period_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} ({self.covers_to_at:%Y-%m-%d})"

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state, by its value; the sum is the audience."""
        return Digest.counts_of([self.pk])[self.pk]

    @staticmethod
    def counts_of(digests: Iterable[int]) -> "dict[int, dict[str, int]]":
        """The counts of many digests, by primary key, in one query."""
        counts: dict[int, dict[str, int]] = {pk: {} for pk in digests}
        rows = Delivery.objects.filter(digest__in=counts).values_list("digest_id", "state")
        for pk, state, number in rows.annotate(models.Count("pk")).order_by():
            counts[pk][state] = number
        return counts


class DigestItem(models.Model):
    """One article's place in one digest."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="items")
    # What readers got is a record: such an article is withdrawn, not deleted.
    article = models.ForeignKey(Article, on_delete=models.PROTECT, related_name="digest_items")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["digest", "article"], name="once_per_digest"),
        ]

    def __str__(self) -> str:
        return str(self.article)


class Citation(models.Model):
    """A study that an article of a digest cites, or cited once: what was sent rests on it.

    Studies and notices are known by their keys alone, from `articles.corrections`: what readers
    were told outlives its cause.
    """

    item = models.ForeignKey(DigestItem, on_delete=models.CASCADE, related_name="citations")
    study_key = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study_key", "item"], name="citation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} cites study {self.study_key}"


class Correction(models.Model):
    """What a digest tells of one notice about a study, frozen; some of its copies carry it."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="corrections")
    notice_key = models.PositiveBigIntegerField()
    study_key = models.PositiveBigIntegerField()
    found_at = models.DateTimeField()
    is_grave = models.BooleanField()
    html = models.TextField(editable=False)
    text = models.TextField(editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["digest", "notice_key"], name="one_line_per_notice"),
        ]

    def __str__(self) -> str:
        return f"{self.digest_id} tells of notice {self.notice_key}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """The verbs to read deliveries with."""

    def waiting(self, now: datetime) -> "DeliveryQuerySet":
        """Queued rows that may be tried at `now`."""
        return self.filter(state=Delivery.State.QUEUED, not_before_at__lte=now)

    def unfinished(self) -> "DeliveryQuerySet":
        """Rows that something must still become of."""
        return self.filter(state__in=[Delivery.State.QUEUED, Delivery.State.CLAIMED])


class Delivery(models.Model):
    """One digest to one subscriber. Claimed before the mail is handed over, settled after."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        CLAIMED = "claimed", "Being handed over"
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="deliveries")
    # The row outlives an erased subscriber: the sum of a digest's rows stays its audience.
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    corrections = models.ManyToManyField(Correction, related_name="deliveries", editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["digest", "subscriber"], name="one_copy_per_reader"),
        ]
        indexes = [models.Index(fields=["digest", "state", "not_before_at"], name="delivery_queue")]

    def __str__(self) -> str:
        return f"{self.digest_id} to {self.subscriber_id}: {self.state}"
