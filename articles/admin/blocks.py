"""The blocks of a body in the newsroom: each kind is a form, in the order of the page."""

from typing import Any, ClassVar

from content_editor.admin import ContentEditorInline
from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.db import models
from django.http import HttpRequest

from articles.models import ARTICLE_BLOCKS, PAGE_BLOCKS
from articles.pictures import PictureFormField
from fibrosite.lib.fields import LineField

PICTURES: dict[type[models.Field], dict[str, Any]] = {
    models.ImageField: {"form_class": PictureFormField, "widget": AdminFileWidget}
}
# What is drawn on the button that adds one, by the name of the field set's model.
ICONS = {
    "text": "notes",
    "figure": "image",
    "quote": "format_quote",
    "table": "table_chart",
    "studycard": "science",
    "related": "article",
    "box": "info",
    "fact": "event_available",
    "video": "play_circle",
    "callout": "volunteer_activism",
}


class BlockInline(ContentEditorInline):
    """One kind of block."""

    formfield_overrides = PICTURES
    long_lines: ClassVar[set[str]] = {"caption", "alt", "note"}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """What is a sentence gets room for one."""
        if db_field.name in self.long_lines and isinstance(db_field, LineField):
            kwargs["widget"] = forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)


def block_inlines(models_of_blocks: list[Any]) -> list[type[BlockInline]]:
    """A form for each kind of block."""
    return [_inline(model) for model in models_of_blocks]


def _inline(model: Any) -> type[BlockInline]:
    kind = model._meta.model_name.removeprefix("article").removeprefix("page")
    options = {"icon": ICONS[kind], "autocomplete_fields": _searched(model)}
    return BlockInline.create(model, **options)


def _searched(model: Any) -> list[str]:
    return [name for name in ("study", "related") if hasattr(model, name)]


ARTICLE_INLINES = block_inlines(ARTICLE_BLOCKS)
PAGE_INLINES = block_inlines(PAGE_BLOCKS)
