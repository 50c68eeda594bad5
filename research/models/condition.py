"""The illnesses that studies are about."""

from django.db import models

from fibrosite.lib.fields import LineField


class Condition(models.Model):
    """An illness that studies are about."""

    name = LineField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
