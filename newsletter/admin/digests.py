"""Digests that were built: what each holds, what became of it, and what an editor can do."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin

from fibrosite.lib.queueing import enqueue
from newsletter.admin import announcing, coming, figures
from newsletter.admin.base import ReadOnlyAdmin
from newsletter.admin.frames import letter_in_frame
from newsletter.admin.verbs import VERBS, Verb, verbs_for
from newsletter.letters import Words
from newsletter.models import Delivery, Digest
from newsletter.progress import progress_of
from newsletter.tasks import deliver

SEND = "newsletter.send_digest"
State = Digest.State


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

    list_display = ["subject", "outcome", "covers_to_at", "kind", "state", "audience"]
    list_filter = ["state", "kind"]
    change_list_template = "admin/newsletter/digest/change_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DigestList

    @admin.display(description="what became of it")
    def outcome(self, digest: Digest) -> str:
        """Such as "sent 4,998, unknown 2"."""
        counts = digest.counted if hasattr(digest, "counted") else digest.counts()
        return in_words(counts)

    def get_urls(self) -> list[URLPattern]:
        def named(route: str, view: Any, name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"newsletter_digest_{name}")

        return [
            *(named(*place) for place in coming.places(self)),
            *(named(*place) for place in announcing.places(self)),
            named("figures/", figures.view(self), "figures"),
            named("<int:pk>/copy/", xframe_options_sameorigin(self.copy_view), "copy"),
            named("<int:pk>/do/<slug:name>/", self.steer_view, "steer"),
            *super().get_urls(),
        ]

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """A page of the desk."""
        return render(
            request,
            f"admin/newsletter/digest/{template}.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **context},
        )

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A variant as it was frozen, for a frame: `?variant=`, `?part=text`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        digest = get_object_or_404(Digest, pk=pk)
        wanted = request.GET.get("variant", "")
        variants = digest.variants.all()
        variant = (variants.filter(pk=wanted) if wanted.isdecimal() else variants).first()
        words = Words(digest.subject, "", "")
        if variant:
            words = Words(variant.subject or digest.subject, variant.text, variant.html)
        as_text = request.GET.get("part") == "text" or bool(variant and not variant.html)
        # Each reader got those alone that concern what they got before.
        column = "text" if as_text else "html"
        corrections = digest.corrections.values_list(column, flat=True)
        return letter_in_frame(words, as_text=as_text, corrections="".join(corrections))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Where a digest stands, and what can be done with it; it changes nothing."""
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        digest = get_object_or_404(Digest, pk=int(object_id))
        counts = digest.counts()
        return self.page(
            request,
            "digest",
            title=digest.subject,
            digest=digest,
            outcome=in_words(counts),
            counts=[(state, counts.get(state, 0)) for state in Delivery.State],
            progress=progress_of(digest, counts, now=timezone.now()),
            variants=_variants(digest, request),
            verbs=verbs_for(digest, counts) if request.user.has_perm(SEND) else [],
            renews=digest.state == State.SENDING,
        )

    def steer_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """POST does it; what cannot be undone is asked for once more first."""
        if not request.user.has_perm(SEND):
            raise PermissionDenied
        digest = get_object_or_404(Digest, pk=pk)
        verb = VERBS.get(name)
        if verb is None:
            raise Http404
        if request.method != "POST":
            return to_digest(digest)
        if verb.question and "sure" not in request.POST:
            return self._ask(request, digest, verb)
        self._do(request, digest, verb)
        return to_digest(digest)

    def _ask(self, request: HttpRequest, digest: Digest, verb: Verb) -> HttpResponse:
        counts = digest.counts()
        return self.page(
            request,
            "sure",
            title=verb.label,
            digest=digest,
            verb=verb,
            queued=counts.get(Delivery.State.QUEUED, 0),
            failed=counts.get(Delivery.State.FAILED, 0),
            unknown=counts.get(Delivery.State.UNKNOWN, 0),
        )

    def _do(self, request: HttpRequest, digest: Digest, verb: Verb) -> None:
        done = verb.act(digest, request)
        if done:
            self.log_change(request, digest, done)
            self.message_user(request, done, messages.SUCCESS)
            digest.refresh_from_db()
            if digest.state == State.SENDING:
                enqueue(deliver, digest.pk)
        else:
            digest.refresh_from_db()
            state = digest.get_state_display().lower()
            text = f"Nothing was changed: the digest is {state} now. {verb.too_late}".strip()
            self.message_user(request, text, messages.WARNING)


def in_words(counts: dict[str, int]) -> str:
    """Such as "sent 4,998, unknown 2"."""
    labels = [(str(state.label).lower(), counts.get(state, 0)) for state in Delivery.State]
    return ", ".join(f"{label} {count:,}" for label, count in labels if count) or "no readers"


def to_digest(digest: Digest) -> HttpResponseRedirect:
    """To the page of a digest."""
    return HttpResponseRedirect(reverse("admin:newsletter_digest_change", args=[digest.pk]))


VARIANTS_SHOWN = 50


def _variants(digest: Digest, request: HttpRequest) -> dict[str, Any]:
    """The variants with the most readers, and the one that is looked at."""
    shown = list(digest.variants.prefetch_related("items__article")[:VARIANTS_SHOWN])
    wanted = request.GET.get("variant", "")
    chosen = next((one for one in shown if str(one.pk) == wanted), shown[0] if shown else None)
    return {
        "shown": shown,
        "chosen": chosen,
        "part": "text" if request.GET.get("part") == "text" else "html",
        "more": digest.variants.count() - len(shown),
    }
