"""The newsroom's page that imports a file: first a look at what it holds, then a button."""

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import pluralize
from django.urls import URLPattern, path, reverse

from research.forms import FileForm
from research.importing import Plan, UnreadableFileError, carry_out, decode, plan
from research.models import Study

SALT = "research.import"
# What Django takes in a form beside files, with room for the rest of it.
PAYLOAD_AT_MOST = 2_400_000


class ImportViews(admin.ModelAdmin):
    """Importing the file of a reference manager."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("import/", view(self.import_view), name="research_study_import"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a file; a POST with it shows what it holds; another makes the studies."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, FileForm())
        if "payload" in request.POST:
            return self._make(request)
        form = FileForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._page(request, form)
        try:
            text = decode(form.cleaned_data["file"].read())
            planned = plan(text)
            payload = _sealed(text)
        except UnreadableFileError as error:
            form.add_error("file", str(error))
            return self._page(request, form)
        name = form.cleaned_data["file"].name
        return self._page(request, FileForm(), planned=planned, payload=payload, name=name)

    def _make(self, request: HttpRequest) -> HttpResponse:
        # Looked through again: the library may have grown since.
        try:
            planned = plan(signing.loads(request.POST["payload"], salt=SALT))
            made = carry_out(planned)
        except signing.BadSignature:
            return self._refuse(request, "The preview arrived damaged. Choose the file again.")
        except (UnreadableFileError, ValidationError, IntegrityError):
            text = "The library has changed meanwhile, so nothing was imported. Choose it again."
            return self._refuse(request, text)
        for study in made:
            self.log_addition(request, study, [{"added": {}}])
        if made:
            text = f"{len(made)} stud{pluralize(len(made), 'y,ies')} imported."
            self.message_user(request, text, messages.SUCCESS)
        else:
            text = "Nothing was imported: all of it is in the library already."
            self.message_user(request, text, messages.INFO)
        return HttpResponseRedirect(reverse("admin:research_study_changelist"))

    def _refuse(self, request: HttpRequest, text: str) -> HttpResponse:
        self.message_user(request, text, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:research_study_import"))

    def _page(
        self,
        request: HttpRequest,
        form: FileForm,
        *,
        planned: Plan | None = None,
        payload: str = "",
        name: str = "",
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Import a file",
            "opts": Study._meta,
            "form": form,
            "plan": planned,
            "payload": payload,
            "name": name,
        }
        return render(request, "admin/research/study/import.html", context)


def _sealed(text: str) -> str:
    """The text for the hidden field of the button, so that exactly what was shown is imported."""
    payload = signing.dumps(text, salt=SALT, compress=True)
    if len(payload) > PAYLOAD_AT_MOST:
        raise UnreadableFileError("This file is too large. Export fewer entries at a time.")
    return payload
