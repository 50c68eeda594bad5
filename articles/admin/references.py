"""References in the newsroom. Most make themselves: a mark in the text is enough."""

from django import forms
from django.contrib import admin

from articles.models import PageReference, Reference
from fibrosite.lib.fields import LineField


class _References(admin.StackedInline):
    """Studies and other sources. Their numbers are given on the page, by their first mark."""

    extra = 0
    autocomplete_fields = ["study"]
    verbose_name_plural = "references: a study marked in the text adds itself when you save"
    formfield_overrides = {
        LineField: {"widget": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})}
    }
    fieldsets = [
        (None, {"fields": ["study", "relation"]}),
        (
            "No study, or a note outside the numbers",
            {
                "classes": ["collapse"],
                "fields": ["source", "url", "access", "key", "sign", "position"],
            },
        ),
    ]


class ReferenceInline(_References):
    """The references of an article."""

    model = Reference


class PageReferenceInline(_References):
    """The references of a page."""

    model = PageReference
