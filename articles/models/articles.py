"""Articles and their gist."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from taggit.managers import TaggableManager

from articles.models.authors import Author
from articles.models.body import BODY, POSITION_HELP
from articles.models.pictures import picture_path
from articles.models.series import Series
from articles.models.shown import references
from articles.models.tags import TaggedArticle
from fibrosite.lib.fields import LineField
from research.models import Study

WORDS_A_MINUTE = 200
MIN_GIST, MAX_GIST = 3, 7


class ArticleQuerySet(models.QuerySet["Article"]):
    """The verbs to read articles with."""

    def published(self, now: datetime | None = None) -> "ArticleQuerySet":
        """What readers may see at `now`: the only door to it, newest first."""
        return self.filter(
            state__in=[Article.State.PUBLISHED, Article.State.SCHEDULED],
            published_at__lte=now or timezone.now(),
        ).order_by("-published_at", "-pk")

    def for_cards(self) -> "ArticleQuerySet":
        """With what a list of articles shows, in a fixed number of queries."""
        return self.select_related("author").prefetch_related("tags", "gist")

    def for_page(self) -> "ArticleQuerySet":
        """With all that an article's page shows, but for notices: see `corrections.warned`."""
        return self.for_cards().select_related("series").prefetch_related(references("Reference"))


class Article(models.Model):  # type: ignore[django-manager-missing]  # taggit has no types
    """An editorial piece."""

    class Kind(models.TextChoices):
        RESEARCH_SUMMARY = "research-summary", "Research summary"
        EXPLAINER = "explainer", "Explainer"
        LIVED_EXPERIENCE = "lived-experience", "Lived experience"
        SITE_NEWS = "site-news", "Site news"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        IN_REVIEW = "in-review", "In review"
        SCHEDULED = "scheduled", "Scheduled"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Withdrawn"

    title = LineField(max_length=200)
    slug = models.SlugField(
        "address",
        max_length=200,
        unique=True,
        help_text="The last part of the article's address. Fixed once the article is public.",
    )
    standfirst = LineField(
        max_length=300, help_text="One or two sentences under the title, also shown in lists."
    )
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.RESEARCH_SUMMARY)
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="articles")
    series = models.ForeignKey(
        Series, on_delete=models.SET_NULL, null=True, blank=True, related_name="articles"
    )
    part = models.PositiveSmallIntegerField(
        "part of the series",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="1 for the first part.",
    )
    # Counted when the body is saved: a list of articles does not load their bodies.
    words = models.PositiveIntegerField(default=0, editable=False)
    picture = models.ImageField(
        upload_to=picture_path,
        blank=True,
        width_field="picture_width",
        height_field="picture_height",
        help_text="Best wide. Large ones are made smaller; place and camera data are removed.",
    )
    picture_width = models.PositiveIntegerField(null=True, editable=False)
    picture_height = models.PositiveIntegerField(null=True, editable=False)
    picture_alt = models.CharField(
        "picture in words",
        max_length=300,
        blank=True,
        help_text="For readers who do not see the picture: what does it show?",
    )
    picture_caption = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    published_at = models.DateTimeField(
        "publication time",
        null=True,
        blank=True,
        help_text="Leave empty to publish at once; set a future time to schedule.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    tags = TaggableManager(
        through=TaggedArticle,
        blank=True,
        help_text="Separated by commas. Capitals do not matter.",
    )
    studies = models.ManyToManyField(Study, through="Reference", related_name="articles")

    objects = ArticleQuerySet.as_manager()

    regions = [BODY]

    class Meta:
        # Drafts first, on every database.
        ordering = [models.F("published_at").desc(nulls_first=True), "-pk"]
        indexes = [models.Index(fields=["state", "-published_at"], name="article_door")]
        permissions = [("publish_article", "Can publish and withdraw articles")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state__in=["scheduled", "published"])
                | models.Q(published_at__isnull=False),
                name="public_article_has_time",
            ),
            models.CheckConstraint(
                condition=models.Q(picture="") | ~models.Q(picture_alt=""),
                name="picture_has_words",
            ),
            models.CheckConstraint(
                condition=models.Q(series__isnull=True) | models.Q(part__gte=1),
                name="part_of_series_has_number",
            ),
            models.UniqueConstraint(fields=["series", "part"], name="one_article_per_part"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("articles:article", args=[self.slug])

    def clean(self) -> None:
        """Refuse a picture without words, and a schedule without a time."""
        if self.picture and not self.picture_alt:
            raise ValidationError({"picture_alt": "Say in words what the picture shows."})
        if self.state == self.State.SCHEDULED and not self.published_at:
            raise ValidationError({"published_at": "A scheduled article needs its time."})
        if self.series and self.part is None:
            raise ValidationError({"part": "Which part of the series is it? 1 for the first."})

    def is_public(self, now: datetime | None = None) -> bool:
        """Whether readers see it at `now`: the same condition as `objects.published()`."""
        return (
            self.state in (self.State.PUBLISHED, self.State.SCHEDULED)
            and self.published_at is not None
            and self.published_at <= (now or timezone.now())
        )

    def was_public(self, now: datetime | None = None) -> bool:
        """Whether readers may know its address at `now`: its time has come, whatever came after."""
        return self.published_at is not None and self.published_at <= (now or timezone.now())

    @property
    def changed_at(self) -> datetime:
        """When readers last got something new of it: its publication, or a later change."""
        return max(self.updated_at, self.published_at or self.updated_at)

    @property
    def minutes_to_read(self) -> int:
        """Whole minutes for the body at an easy pace, at least one."""
        return max(1, round(self.words / WORDS_A_MINUTE))


class GistPoint(models.Model):
    """One of the three to seven sentences that say what an article says."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="gist")
    text = LineField(max_length=300)
    position = models.PositiveSmallIntegerField(default=0, help_text=POSITION_HELP)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.text
