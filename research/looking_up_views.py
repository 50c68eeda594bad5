"""The newsroom's pages and answers that look studies up by DOI or PMID."""

from contextlib import suppress
from functools import reduce
from operator import and_
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst, get_text_list

from research import looking_up
from research.forms import IdentifierForm
from research.identifiers import identify
from research.models import Study
from research.sources.fetching import LookUpFailedError, NotKnownError, UnreachableError

PICKED_AT_MOST = 10
WORDS_AT_MOST = 10
# A shorter number is rather a year than a PMID.
DIGITS_OF_A_PMID = 6
FETCH_AGAIN = "_fetch_again"


class LookUpViews(admin.ModelAdmin):
    """Adding by identifier, fetching again, and what the text editor asks for."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("look-up/", view(self.look_up_view), name="research_study_look_up"),
            path("pick/", view(self.pick_view), name="research_study_pick"),
            path("fetch/", view(self.fetch_view), name="research_study_fetch"),
            *super().get_urls(),
        ]

    def look_up_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a DOI or PMID; POST looks it up and leads to the study."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = IdentifierForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                return self._lead_to(request, looking_up.add(form.cleaned_data["identifier"]))
            except UnreachableError as error:
                form.add_error("identifier", f"{error} What you typed is kept. Try again later.")
            except LookUpFailedError as error:
                form.add_error("identifier", str(error))
        context = {
            **self.admin_site.each_context(request),
            "title": "Add by DOI or PMID",
            "opts": Study._meta,
            "form": form,
            "by_hand": _by_hand(request.POST.get("identifier", "")),
        }
        return render(request, "admin/research/study/look_up.html", context)

    def _lead_to(self, request: HttpRequest, added: looking_up.Added) -> HttpResponse:
        title = f"“{added.study.title}”"
        if added.is_new:
            text = (
                f"{title} is in the library. Please look the citation through, then record what "
                "the study can carry."
            )
            self.log_addition(request, added.study, [{"added": {}}])
        else:
            text = f"{title} was in the library already" + (
                "; it got its PMID." if added.got_pmid else "."
            )
        self.message_user(request, text, messages.SUCCESS if added.is_new else messages.INFO)
        self._warn(request, added.study)
        return HttpResponseRedirect(_change_url(added.study))

    def _warn(self, request: HttpRequest, study: Study) -> None:
        if study.is_noticed:
            word = study.get_status_display().lower()
            text = f"A notice stands against this study: {word}. Readers see it on its page."
            self.message_user(request, text, messages.WARNING)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Django's; the button "Save and fetch again" asks the source once the form is saved."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        # Out of the form's transaction: nothing else waits while the source is asked.
        was_saved = request.method == "POST" and isinstance(response, HttpResponseRedirect)
        if was_saved and object_id and FETCH_AGAIN in request.POST:
            study = self.get_object(request, object_id)
            if study is not None:
                self._fetch_again(request, study)
                return HttpResponseRedirect(_change_url(study))
        return response

    def _fetch_again(self, request: HttpRequest, study: Study) -> None:
        if not (study.doi or study.pmid):
            text = "There is nothing to fetch: the study has neither a DOI nor a PMID."
            self.message_user(request, text, messages.WARNING)
            return
        try:
            renewal = looking_up.renew(study)
        except LookUpFailedError as error:
            text = f"{error} Your changes are saved; nothing else was changed."
            self.message_user(request, text, messages.WARNING)
            return
        self.message_user(request, _renewed(renewal), messages.SUCCESS)
        for difference in renewal.differing:
            self.message_user(request, _differs(renewal.source, difference), messages.WARNING)
        study.refresh_from_db()
        self._warn(request, study)

    def pick_view(self, request: HttpRequest) -> JsonResponse:
        """The studies that fit the words in ?q=, and the identifier in it that we could fetch."""
        if not self.has_view_permission(request):
            return JsonResponse({"error": "You may not see studies."}, status=403)
        if request.method not in {"GET", "HEAD"}:
            return JsonResponse({"error": "Ask with GET."}, status=405)
        text = request.GET.get("q", "").strip()[:500]
        studies = _fitting(text)[:PICKED_AT_MOST]
        fetchable = _fetchable(text) if self.has_add_permission(request) else ""
        return JsonResponse(
            {"studies": [_as_json(study) for study in studies], "fetchable": fetchable}
        )

    def fetch_view(self, request: HttpRequest) -> JsonResponse:
        """POST identifier=…: the study, fetched if we lack it; else a sentence under "error"."""
        if not self.has_add_permission(request):
            return JsonResponse({"error": "You may not add studies."}, status=403)
        if request.method != "POST":
            return JsonResponse({"error": "Ask with POST."}, status=405)
        try:
            added = looking_up.add(request.POST.get("identifier", "")[:500])
        except ValueError as error:
            return JsonResponse({"error": str(error)}, status=400)
        except NotKnownError as error:
            return JsonResponse({"error": str(error)}, status=404)
        except UnreachableError as error:
            return JsonResponse({"error": f"{error} Try again later."}, status=503)
        except LookUpFailedError as error:
            return JsonResponse({"error": str(error)}, status=422)
        if added.is_new:
            self.log_addition(request, added.study, [{"added": {}}])
        return JsonResponse(_as_json(added.study))


def _by_hand(text: str) -> str:
    """The address of the ordinary form, filled with the identifier as far as it is one."""
    address = reverse("admin:research_study_add")
    try:
        return f"{address}?{urlencode([identify(text)])}"
    except ValueError:
        return address


def _change_url(study: Study) -> str:
    return reverse("admin:research_study_change", args=[study.pk])


def _renewed(renewal: looking_up.Renewal) -> str:
    if not renewal.renewed:
        return f"{renewal.source} was asked; nothing had to be renewed."
    return f"Renewed from {renewal.source}: {get_text_list(renewal.renewed, 'and')}."


def _differs(source: str, difference: looking_up.Difference) -> str:
    says = f"{source} says {difference.label} “{difference.source_says}”"
    if not difference.source_says:
        return f"{source} does not say {difference.label} “{difference.editor_wrote}”; it stays."
    if not difference.editor_wrote:
        return f"{says}; you left it empty."
    return f"{says}; you wrote “{difference.editor_wrote}”."


def _fitting(text: str) -> Any:
    """Studies that hold all words in title, authors or identifiers, or are what the text names."""
    words = text.split()[:WORDS_AT_MOST]
    each = (
        Q(title__icontains=word)
        | Q(authors__icontains=word)
        | Q(doi__icontains=word)
        | Q(pmid__startswith=word)
        for word in words
    )
    fits = reduce(and_, each, Q())
    with suppress(ValueError):
        fits |= Q(**dict([identify(text)]))
    return Study.objects.filter(fits).newest_first()


def _fetchable(text: str) -> str:
    try:
        kind, value = identify(text)
    except ValueError:
        return ""
    if text.isdigit() and len(text) < DIGITS_OF_A_PMID:
        return ""
    return "" if looking_up.find(kind, value) else value


def _as_json(study: Study) -> dict[str, str]:
    return {"key": study.slug, "title": study.title, "citation": capfirst(study.short_citation)}
