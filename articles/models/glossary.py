"""Words that readers stumble on, each explained once."""

from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from fibrosite.lib.fields import LineField


class Term(models.Model):
    """A word of the glossary. Texts mark it by its slug, so a better definition reaches all."""

    name = LineField(max_length=100, unique=True)
    slug = models.SlugField(
        max_length=100, unique=True, help_text="Texts know the term by it: best left as it is."
    )
    definition = LineField(
        max_length=400, help_text="One or two plain sentences, shown where readers tap the word."
    )

    class Meta:
        ordering = [Lower("name")]
        verbose_name = "glossary term"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('articles:glossary')}#{self.slug}"
