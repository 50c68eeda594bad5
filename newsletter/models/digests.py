"""Digests: when they are due, what they hold, what their readers get."""

from collections.abc import Iterable

from django.core.validators import MaxValueValidator
from django.db import models

from articles.models import Article
from fibrosite.lib.fields import LineField
from newsletter.models.subscribers import Cadence

# What may be the state of a copy, as its batch counts them.
OUTCOMES = ("queued", "sent", "skipped", "failed", "unknown")


class Rhythm(models.Model):
    """When the next digest is due: one row, set by the editors, moved on by each tick."""

    class Mode(models.TextChoices):
        AUTOMATIC = "automatic", "Goes out by itself after the hold"
        APPROVE = "approve", "Waits for an editor's approval"

    cadence = models.CharField(
        "at most",
        max_length=12,
        choices=Cadence,
        default=Cadence.EACH,
        help_text="Readers who want it more often get it this often; nobody gets it more often.",
    )
    next_due_at = models.DateTimeField(
        "next digest", help_text="The day and hour of this one are kept for those that follow."
    )
    # Who wants it every two or four weeks is due each second or fourth time.
    number = models.PositiveIntegerField(default=0, editable=False)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.AUTOMATIC)
    # For the coming digest alone; used up when it is built.
    subject = LineField(max_length=150, blank=True, help_text="Empty: made of the titles.")
    preview_line = LineField(
        max_length=200, blank=True, help_text="What mail programs show beside the subject."
    )
    intro = models.TextField(blank=True, help_text="A few lines before the articles.")
    # The address of the site that sends: a copy of this database elsewhere does not.
    home = models.CharField(max_length=300, blank=True, editable=False)
    # The same stands in a file of each machine that sends; the count grows with each tick.
    home_token = models.CharField(max_length=64, blank=True, editable=False)
    home_count = models.PositiveBigIntegerField(default=0, editable=False)
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
        HELD = "held", "Held"
        SENDING = "sending", "Sending"
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"

    class Kind(models.TextChoices):
        DIGEST = "digest", "Digest"
        EACH = "each", "Each article"
        LETTER = "letter", "One-off letter"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.DIGEST)
    covers_from_at = models.DateTimeField("covers from")
    covers_to_at = models.DateTimeField("covers to")
    subject = models.CharField(max_length=200)
    preview_line = models.CharField(max_length=200, blank=True)
    intro = models.TextField(blank=True)
    # All news up to this number were considered for its readers.
    news_to = models.PositiveIntegerField(default=0, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    audience = models.PositiveIntegerField(default=0)
    # Until then an editor may undo it; empty while HELD: until an editor approves.
    hold_until_at = models.DateTimeField(null=True)
    # Why it is held or paused, in a sentence for editors.
    reason = models.CharField(max_length=300, blank=True)
    # Until then no copy is tried, and why: the server is down, or refuses all of us.
    rests_until_at = models.DateTimeField(null=True, editable=False)
    rests_because = models.CharField(max_length=300, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True)
    articles = models.ManyToManyField(Article, through="DigestItem", related_name="digests")

    class Meta:
        ordering = ["-covers_to_at"]
        permissions = [("send_digest", "Can send a digest now")]
        constraints = [
            # Each edition starts where the last one ended: two builders want the same row.
            models.UniqueConstraint(
                fields=["kind", "covers_from_at"],
                condition=~models.Q(state="cancelled") & ~models.Q(kind="letter"),
                name="one_per_period",
            ),
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
        """The counts of many digests, by primary key, in one query: the sums of their batches."""
        keys = list(digests)
        sums = {f"all_{name}": models.Sum(f"batches__{name}") for name in OUTCOMES}
        counts: dict[int, dict[str, int]] = {pk: {} for pk in keys}
        rows = Digest.objects.filter(pk__in=keys).order_by()
        for pk, *numbers in rows.annotate(**sums).values_list("pk", *sums):
            found = zip(OUTCOMES, numbers, strict=True)
            counts[pk] = {name: number for name, number in found if number}
        return counts


class News(models.Model):
    """A research summary with its number in the order in which digests meet it.

    Given once, when a digest is built, under the lock of building: whatever an article's date
    says, each reader's letters hold numbers that no earlier letter of theirs could hold.
    """

    article = models.OneToOneField(Article, on_delete=models.PROTECT, related_name="news")
    number = models.PositiveIntegerField()

    class Meta:
        ordering = ["number"]
        verbose_name_plural = "news"
        indexes = [models.Index(fields=["number"], name="news_number")]

    def __str__(self) -> str:
        return f"{self.number}: {self.article}"


def last_news() -> int:
    """The highest number of news; 0 if there is none."""
    return News.objects.aggregate(last=models.Max("number"))["last"] or 0


class Pin(models.Model):
    """An editor's wish for one article of the coming digest; used up when it is built."""

    article = models.OneToOneField(Article, on_delete=models.CASCADE, related_name="pin")
    position = models.PositiveSmallIntegerField(default=0)
    # Out of the coming digest, and of no later one by itself.
    left_out = models.BooleanField(default=False)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return str(self.article)


class Variant(models.Model):
    """What some readers of a digest get: frozen when it is built, and shared by all of them."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="variants")
    signature = models.CharField(max_length=40)
    # An editor's, or made of its own articles: it names none that its readers do not get.
    subject = models.CharField(max_length=200, blank=True)
    html = models.TextField(editable=False)
    text = models.TextField(editable=False)
    audience = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-audience", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["digest", "signature"], name="variant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.digest_id}, variant {self.signature[:7]}"


class DigestItem(models.Model):
    """One article's place in one variant of a digest."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="items")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="items")
    # What readers got is a record: such an article is withdrawn, not deleted.
    article = models.ForeignKey(Article, on_delete=models.PROTECT, related_name="digest_items")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["variant", "article"], name="once_per_variant"),
        ]

    def __str__(self) -> str:
        return str(self.article)
