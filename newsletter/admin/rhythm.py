"""How often the digest goes out, and when next."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from newsletter.models import Rhythm


class RhythmForm(forms.ModelForm):
    """The next digest lies ahead: a past day would be moved on from, to another weekday."""

    def clean_next_due_at(self) -> datetime:
        due = self.cleaned_data["next_due_at"]
        if "next_due_at" in self.changed_data and due <= timezone.now():
            raise forms.ValidationError(
                "This time is past. To send at once, use “Send a digest now”."
            )
        return due


@admin.register(Rhythm)
class RhythmAdmin(admin.ModelAdmin):
    """How often the digest goes out, and when next."""

    form = RhythmForm
    list_display = ["cadence", "next_due_at", "ticked_at"]
    # What is wished for the coming digest is written at its own page.
    fields = ["cadence", "next_due_at", "ticked_at"]
    readonly_fields = ["ticked_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Only what was changed: a tick may have moved the rest on meanwhile."""
        obj.save(update_fields=form.changed_data)
