"""Articles as typed in the newsroom."""

from typing import Any

from django import forms
from django.utils import timezone

from articles.models import MIN_GIST, Article, Tag

MAX_TAG = Tag._meta.get_field("name").max_length


class ArticleForm(forms.ModelForm):
    """An article as typed."""

    def clean_tags(self) -> list[str]:
        """Tags that fit their column."""
        tags = self.cleaned_data["tags"]
        for tag in tags:
            if len(tag) > MAX_TAG:
                raise forms.ValidationError(
                    f"“{tag[:30]}…” is longer than {MAX_TAG} letters. Is a comma missing?"
                )
        return tags

    def clean(self) -> dict[str, Any]:
        """An article published without a time is published now."""
        data = super().clean() or self.cleaned_data
        if data.get("state") == Article.State.PUBLISHED and "published_at" in data:
            data["published_at"] = data["published_at"] or timezone.now()
        self._refuse_past_schedule(data)
        return data

    def _refuse_past_schedule(self, data: dict[str, Any]) -> None:
        """A slip in the year would show a draft to everybody at once."""
        at = data.get("published_at")
        touched = {"state", "published_at"} & set(self.changed_data)
        if touched and data.get("state") == Article.State.SCHEDULED and at and at <= timezone.now():
            self.add_error("published_at", "This time is past. Choose a later one, or Published.")


class GistFormSet(forms.BaseInlineFormSet):
    """The gist as typed: a draft may wait for it, readers may not."""

    def clean(self) -> None:
        super().clean()
        public = self.instance.state in (Article.State.SCHEDULED, Article.State.PUBLISHED)
        if public and len(self._kept()) < MIN_GIST:
            raise forms.ValidationError(
                f"An article for readers needs at least {MIN_GIST} gist points."
            )

    def _kept(self) -> list[Any]:
        typed = [form for form in self.forms if getattr(form, "cleaned_data", {}).get("text")]
        return [form for form in typed if form not in self.deleted_forms]
