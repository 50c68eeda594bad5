"""The digest desk: what went out, to whom, what became of it, and one button."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_sameorigin

from fibrosite.lib.queueing import enqueue
from newsletter import building
from newsletter.letters import fill_slots
from newsletter.models import (
    Cadence,
    ConsentEvent,
    Delivery,
    Digest,
    Rhythm,
    SignUp,
    Subscriber,
)
from newsletter.tasks import deliver


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that only the code writes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _letter(html: str, corrections: str = "") -> HttpResponse:
    """The HTML of a letter for a frame of ours: styles and nothing else."""
    words = fill_slots(html, leave="#", preferences="#", corrections=corrections)
    response = HttpResponse(words)
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    return response


class DigestList(ChangeList):
    """A page of editions, counted together rather than one by one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        counts = Digest.counts_of(digest.pk for digest in self.result_list)
        for digest in self.result_list:
            digest.counted = counts[digest.pk]


@admin.register(Digest)
class DigestAdmin(ReadOnlyAdmin):
    """Editions, with the sum of what became of their copies."""

    list_display = ["subject", "outcome", "covers_to_at", "state", "audience"]
    list_filter = ["state"]
    fields = ["subject", "state", "covers_from_at", "covers_to_at", "audience", "outcome", "copy"]
    readonly_fields = ["outcome", "copy"]
    change_list_template = "admin/newsletter/digest/change_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DigestList

    @admin.display(description="what became of it")
    def outcome(self, digest: Digest) -> str:
        """Such as "sent 4,998, unknown 2"."""
        counts = digest.counted if hasattr(digest, "counted") else digest.counts()
        labels = [(str(state.label).lower(), counts.get(state, 0)) for state in Delivery.State]
        return ", ".join(f"{label} {count:,}" for label, count in labels if count) or "no readers"

    @admin.display(description="as sent")
    def copy(self, digest: Digest) -> str:
        url = reverse("admin:newsletter_digest_copy", args=[digest.pk])
        return format_html(
            '<iframe src="{}" title="The digest as sent" class="letter" sandbox></iframe>', url
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("send-now/", view(self.send_now), name="newsletter_digest_send_now"),
            path("upcoming/", view(self.upcoming_view), name="newsletter_digest_upcoming"),
            path("<int:pk>/copy/", view(self.copy_view), name="newsletter_digest_copy"),
            *super().get_urls(),
        ]

    @property
    def copy_view(self) -> Any:
        return xframe_options_sameorigin(self._copy_view)

    def _copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        digest = get_object_or_404(Digest, pk=pk)
        # Each reader got those alone that concern what they got before.
        corrections = digest.corrections.values_list("html", flat=True)
        return _letter(digest.html, "".join(corrections))

    @property
    def upcoming_view(self) -> Any:
        return xframe_options_sameorigin(self._upcoming_view)

    def _upcoming_view(self, request: HttpRequest) -> HttpResponse:
        """The letter that "send now" would send."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        words = building.upcoming(now=timezone.now())
        if words is None:
            raise Http404
        return _letter(words.html)

    def send_now(self, request: HttpRequest) -> HttpResponse:
        """GET shows what would go out and to how many; POST builds the digest and sends it."""
        if not request.user.has_perm("newsletter.send_digest"):
            raise PermissionDenied
        if request.method == "POST":
            return self._send(request)
        rhythm = Rhythm.objects.first()
        cadence = Cadence(rhythm.cadence) if rhythm else Cadence.WEEKLY
        context = {
            **self.admin_site.each_context(request),
            "title": "Send a digest now",
            "articles": building.new_summaries(cadence, now=timezone.now()),
            "readers": Subscriber.objects.reachable(timezone.now()).count(),
            "rhythm": rhythm,
            "last": Digest.objects.first(),
            "opts": Digest._meta,
        }
        return render(request, "admin/newsletter/digest/send_now.html", context)

    def _send(self, request: HttpRequest) -> HttpResponse:
        digest = building.build_digest(now=timezone.now())
        if digest is None:
            text = "Nothing was sent: no research summary is new since the last digest."
            self.message_user(request, text, messages.WARNING)
        else:
            enqueue(deliver, digest.pk)
            readers = f"{digest.audience:,} reader{pluralize(digest.audience)}"
            text = f"“{digest.subject}” is on its way to {readers}."
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:newsletter_digest_changelist"))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The ledger of copies."""

    list_display = ["subscriber", "digest", "state", "reason", "attempts", "settled_at"]
    list_filter = ["state", "digest"]
    list_select_related = ["subscriber", "digest"]
    search_fields = ["subscriber__email"]
    show_full_result_count = False


class ConsentInline(admin.TabularInline):
    """What a subscriber agreed to, as it happened."""

    model = ConsentEvent
    extra = 0
    can_delete = False
    readonly_fields = ["kind", "method", "form", "text_version", "asked_at", "happened_at"]
    fields = ("kind", "method", "form", "text_version", "asked_at", "happened_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    """Who is on the list. People join and leave by themselves."""

    list_display = ["email", "state", "joined_at", "left_at"]
    list_filter = ["state"]
    search_fields = ["email"]
    fields = ["email", "state", "joined_at", "left_at"]
    inlines = [ConsentInline]
    show_full_result_count = False


@admin.register(SignUp)
class SignUpAdmin(ReadOnlyAdmin):
    """Addresses that wait for their owner's word."""

    list_display = ["email", "asked_at", "letter_sent_at", "confirmed_at"]
    fields = [
        "email",
        "form",
        "asked_at",
        "letter_due_at",
        "letter_sent_at",
        "letter_dropped_at",
        "confirmed_at",
    ]
    search_fields = ["email"]


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
    readonly_fields = ["ticked_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
