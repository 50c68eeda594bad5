"""Text columns that hold only what a page, a feed and a letter can show."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.utils.html import strip_tags
from django_prose_editor.fields import ProseEditorField

# Invisible, pasted from documents: XML refuses them in a feed, mail refuses them in a subject.
_CONTROLS_AND_SPACE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


class LineField(models.CharField):
    """One line of text: line breaks, tabs and control characters become single spaces."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return _CONTROLS_AND_SPACE.sub(" ", text).strip() if isinstance(text, str) else text

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class AddressField(models.URLField):
    """An address on the web that begins with https; typed without a scheme, it gets that one."""

    default_validators = [
        URLValidator(
            schemes=["https"],
            message="Enter an address that begins with https://.",
            # Under "invalid" a form would put its own words in the place of these.
            code="not_https",
        )
    ]

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**({"assume_scheme": "https"} | kwargs))

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.URLField", args, kwargs


class ProseField(ProseEditorField):
    """Rich text that is safe to show as it is: sanitised on every write, not in forms alone."""

    def __init__(self, *args: Any, extensions: dict[str, Any] | None = None, **kw: Any) -> None:
        # Migrations make the field without its extensions: for them it is a text column.
        if extensions:
            kw |= {"extensions": extensions, "sanitize": True}
        super().__init__(*args, **kw)

    def clean(self, value: Any, instance: models.Model | None) -> Any:
        """The sanitised text. Raises ValidationError if a reader would see nothing of it."""
        html = super().clean(value, instance)
        if not self.blank and not strip_tags(html).replace("&nbsp;", "").strip():
            raise ValidationError(self.error_messages["blank"], code="blank")
        return html

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        safe = self.sanitize(value) if isinstance(value, str) else value
        return super().get_db_prep_save(safe, connection)
