"""What writing an article and writing a page have in common."""

import json
from typing import Any

from content_editor.admin import ContentEditor
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from js_asset import Media

from articles import bodies, preflight
from articles.bodies import Document
from articles.preflight import Finding

SHOWN = 6


class DocumentAdmin(ContentEditor):
    """Blocks, preview and preflight."""

    change_form_template = "admin/articles/change_form.html"
    save_on_top = True

    def render_change_form(self, request: HttpRequest, context: Any, **kwargs: Any) -> HttpResponse:
        """The form, with what preflight finds in what is saved."""
        document = context.get("original")
        context["findings"] = preflight.check(document) if document else []
        context["cited"] = json.dumps(_cited(document) if document else {})
        response = super().render_change_form(request, context, **kwargs)
        # The editor's import map is an inline script: it runs only with this request's nonce.
        media = Media.from_media(response.context_data["media"], nonce=request.csp_nonce)  # type: ignore[attr-defined]
        response.context_data["media"] = media
        return response

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the blocks, then look at the whole as readers would get it."""
        super().save_related(request, form, formsets, change)
        document = form.instance
        bodies.settle(document)
        findings = preflight.check(document)
        stops = [finding for finding in findings if finding.stops]
        if stops and self.holds(document, form):
            self._say(request, messages.ERROR, "Saved, but not shown to readers.", stops)
        elif findings:
            self._say(request, messages.WARNING, "Saved. Preflight noticed:", findings)
        self.after_saving(request, document, form)

    def holds(self, document: Any, form: Any) -> bool:
        """Keep from readers what they do not see yet; whether there was something to keep."""
        raise NotImplementedError

    def after_saving(self, request: HttpRequest, document: Any, form: Any) -> None:
        """Say what readers see now."""

    def _say(self, request: HttpRequest, level: int, text: str, found: list[Finding]) -> None:
        more = len(found) - SHOWN
        rest = f" And {more} more, listed on the form." if more > 0 else ""
        words = " ".join(str(finding) for finding in found[:SHOWN])
        self.message_user(request, f"{text} {words}{rest}", level)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("<int:pk>/preview/", view, name=self._preview_name()), *super().get_urls()]

    def _preview_name(self) -> str:
        return f"articles_{self.opts.model_name}_preview"

    def view_on_site(self, obj: Any) -> str:
        """The public page, or the preview while there is none."""
        if obj.is_public():
            return str(obj.get_absolute_url())
        return reverse(f"admin:{self._preview_name()}", args=[obj.pk])

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document as readers will see it, for whoever may see it in the newsroom."""
        document = get_object_or_404(self.model.objects.for_page(), pk=pk)
        if not self.has_view_permission(request, document):
            return render(request, "403.html", status=403)
        if document.is_public():
            return redirect(document)
        template, context = self.shown(document)
        response = render(request, template, {**context, "is_preview": True})
        response["X-Robots-Tag"] = "noindex"
        return response

    def shown(self, document: Any) -> tuple[str, dict[str, Any]]:
        """The template of the public page and what it shows."""
        raise NotImplementedError


def _cited(document: Document) -> dict[str, str]:
    """What the marks of a document stand for, by key, for the text editor."""
    references = document.references.select_related("study")
    return {one.key: one.study.short_citation if one.study else one.source for one in references}
