"""Evergreen information."""

from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils import timezone

from articles.models.authors import Author
from articles.models.body import BODY
from articles.models.shown import references
from fibrosite.lib.fields import LineField
from research.models import Study


class PageQuerySet(models.QuerySet["Page"]):
    """The verbs to read pages with."""

    def published(self) -> "PageQuerySet":
        """What readers may see: the only door to it, by title."""
        return self.filter(state=Page.State.PUBLISHED).order_by("title")

    def for_page(self) -> "PageQuerySet":
        """With all that a page shows, but for notices: see `corrections.warned`."""
        return self.select_related("reviewer").prefetch_related(references("PageReference"))


class Page(models.Model):  # type: ignore[django-manager-missing]  # as the blocks come later
    """Information that stays: no news, but reviewed by somebody with a name, on a day."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        WITHDRAWN = "withdrawn", "Withdrawn"

    title = LineField(max_length=200)
    slug = models.SlugField(
        "address",
        max_length=200,
        unique=True,
        help_text="The last part of the page's address. Links to it break if it changes.",
    )
    standfirst = LineField(
        max_length=300, help_text="One or two sentences under the title, also shown in lists."
    )
    reviewer = models.ForeignKey(
        Author,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reviewed_pages",
        help_text="Who checked it last. Readers see the name.",
    )
    reviewed_on = models.DateField("reviewed on", null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    studies = models.ManyToManyField(Study, through="PageReference", related_name="info_pages")

    objects = PageQuerySet.as_manager()

    regions = [BODY]

    class Meta:
        ordering = ["title"]
        permissions = [("publish_page", "Can publish and withdraw pages")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="published")
                | models.Q(reviewer__isnull=False, reviewed_on__isnull=False),
                name="public_page_is_reviewed",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("articles:page", args=[self.slug])

    def clean(self) -> None:
        """Refuse a public page without its reviewer and day, and a review in the future."""
        errors = {}
        if self.state == self.State.PUBLISHED and self.reviewer is None:
            errors["reviewer"] = "A page for readers names who reviewed it."
        if self.state == self.State.PUBLISHED and self.reviewed_on is None:
            errors["reviewed_on"] = "A page for readers says when it was reviewed."
        if self.reviewed_on and self.reviewed_on > timezone.localdate():
            errors["reviewed_on"] = "This day has not come yet."
        if errors:
            raise ValidationError(errors)

    def is_public(self) -> bool:
        """Whether readers see it: the same condition as `objects.published()`."""
        return self.state == self.State.PUBLISHED
