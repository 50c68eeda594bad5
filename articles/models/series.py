"""Articles that belong together, in order."""

from django.db import models
from django.urls import reverse

from fibrosite.lib.fields import LineField


class Series(models.Model):
    """Several articles meant to be read one after the other."""

    title = LineField(max_length=200)
    slug = models.SlugField("address", max_length=200, unique=True)
    intro = LineField(
        max_length=300, blank=True, help_text="One or two sentences over the list of its parts."
    )

    class Meta:
        ordering = ["title"]
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("articles:series", args=[self.slug])
