"""Articles, their bylines, tags, gist and references."""

import uuid
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import slugify
from taggit.managers import TaggableManager
from taggit.models import ItemBase, TagBase

from articles.tagging import tidy_tag
from fibrosite.lib.fields import LineField, ProseField
from research.models import Study

WORDS_A_MINUTE = 200
MIN_GIST, MAX_GIST = 3, 7
POSITION_HELP = "Small numbers come first; equal ones stay in the order they were added."
BODY_EXTENSIONS = {
    "Bold": True,
    "Italic": True,
    "Heading": {"levels": [2, 3]},
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Blockquote": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto"]},
    "HardBreak": True,
    "History": True,
    "SpecialCharacters": True,
}


def picture_path(article: "Article", filename: str) -> str:
    """A name that nobody guesses: the picture of a draft is not for readers yet."""
    return f"articles/{uuid.uuid4().hex}{PurePath(filename).suffix}"


class TagNameField(LineField):
    """A tag's name in its one form, in rows and in look-ups alike."""

    def to_python(self, value: Any) -> Any:
        name = super().to_python(value)
        return tidy_tag(name) if isinstance(name, str) else name


class Tag(TagBase):
    """A topic. Always lower-case, so that "Sleep" and "sleep" are one."""

    name = TagNameField("name", max_length=100, unique=True)
    label = LineField(
        "as readers see it",
        max_length=100,
        blank=True,
        help_text="Only where the name is not written in small letters, such as “ME/CFS”.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=models.Q(name=Lower("name")), name="tag_lower_case"),
        ]

    def get_absolute_url(self) -> str:
        return reverse("articles:tag", args=[self.slug])

    @property
    def shown(self) -> str:
        """The name as readers see it."""
        return self.label or self.name

    def slugify(self, tag: str, i: int | None = None) -> str:
        """The tag's address; "topic" for a name of signs alone, such as an emoji."""
        name = tag.replace("/", "-")
        name = name if slugify(name, allow_unicode=True) else "topic"
        return str(super().slugify(name, i))


class TaggedArticle(ItemBase):
    """One tag on one article."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="tagged_articles")
    content_object = models.ForeignKey("Article", on_delete=models.CASCADE, related_name="tagged")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tag", "content_object"], name="one_tag_per_article"),
        ]


class Author(models.Model):
    """A byline: a person as readers know them, not a login."""

    name = LineField(max_length=120)
    slug = models.SlugField(max_length=120, unique=True)
    role = models.CharField(max_length=120, blank=True, help_text="Such as “Science writer”.")
    bio = models.TextField(blank=True, help_text="One or two sentences, shown under articles.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("articles:author", args=[self.slug])


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
        """With all that an article's page shows."""
        return self.for_cards().prefetch_related("references__study")


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
    body = ProseField(extensions=BODY_EXTENSIONS)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.RESEARCH_SUMMARY)
    author = models.ForeignKey(Author, on_delete=models.PROTECT, related_name="articles")
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
        return max(1, round(len(strip_tags(self.body).split()) / WORDS_A_MINUTE))


class GistPoint(models.Model):
    """One of the three to seven sentences that say what an article says."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="gist")
    text = LineField(max_length=300)
    position = models.PositiveSmallIntegerField(default=0, help_text=POSITION_HELP)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.text


class Reference(models.Model):
    """An article's numbered use of a study; the number is its place in the list."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="references")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="references")
    position = models.PositiveSmallIntegerField(default=0, help_text=POSITION_HELP)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["article", "study"], name="one_reference_per_study"),
        ]

    def __str__(self) -> str:
        return str(self.study)
