"""Bylines."""

from django.db import models
from django.urls import reverse

from fibrosite.lib.fields import LineField


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
