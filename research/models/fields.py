"""Columns for identifiers: one form of each, and NULL for none."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.forms import Field as FormField

from research.identifiers import normalise_doi, normalise_pmid

# What people paste is longer than what is kept.
PASTED = 500


class _IdentifierField(models.CharField):
    normalise: Callable[[str], str]

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """The one form of what was typed. Raises ValidationError if it is no such identifier."""
        try:
            normal = self.normalise(value)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return super().clean(normal, model_instance)

    def pre_save(self, model_instance: models.Model, add: bool) -> str | None:
        """What is written, in forms or not: its one form, or NULL."""
        value = getattr(model_instance, self.attname)
        normal = self.normalise(value) if value else None
        setattr(model_instance, self.attname, normal)
        return normal

    def formfield(self, **kwargs: Any) -> FormField | None:
        return super().formfield(**{"max_length": PASTED, **kwargs})

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class DOIField(_IdentifierField):
    """A DOI; saving one that is none raises ValueError."""

    normalise = staticmethod(normalise_doi)


class PMIDField(_IdentifierField):
    """A PMID; saving one that is none raises ValueError."""

    normalise = staticmethod(normalise_pmid)
