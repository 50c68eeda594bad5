"""Topics."""

from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.text import slugify
from taggit.models import ItemBase, TagBase

from articles.tagging import tidy_tag
from fibrosite.lib.fields import LineField


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
