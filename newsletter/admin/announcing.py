"""One-off letters at the desk: write, look, try, send."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django_prose_editor.fields import ProseEditorFormField
from js_asset import Media

from articles.models import Tag
from newsletter import announcing
from newsletter.admin.coming import Place, began, own_address, say_of_test
from newsletter.announcing import Announcement
from newsletter.letters import fill_slots
from newsletter.trying import send_test

SEND = "newsletter.send_digest"


class LetterForm(forms.Form):
    """A letter as typed."""

    subject = forms.CharField(max_length=150, widget=AdminTextInputWidget())
    text = ProseEditorFormField(
        extensions=announcing.EXTENSIONS,
        sanitize=True,
        help_text="Paragraphs, lists, links, bold.",
    )
    topics = forms.ModelMultipleChoiceField(
        queryset=Tag.objects.order_by("name"),
        required=False,
        label="To readers of these topics",
        help_text="None: to all. Who chose no topic gets all of them.",
    )

    def clean_subject(self) -> str:
        """One line, as mail servers demand."""
        return " ".join(str(self.cleaned_data["subject"]).split())

    def clean_text(self) -> str:
        """A reader has to see something."""
        html = str(self.cleaned_data["text"])
        if not strip_tags(html).replace("&nbsp;", "").strip():
            raise forms.ValidationError("Write what readers should know.")
        return html

    def letter(self) -> Announcement:
        """What was typed."""
        topics = frozenset(topic.pk for topic in self.cleaned_data["topics"])
        return Announcement(self.cleaned_data["subject"], self.cleaned_data["text"], topics)


def places(desk: Any) -> list[Place]:
    """The view, as the admin of digests mounts it."""

    def announce(request: HttpRequest) -> HttpResponse:
        """GET asks for a letter; POST shows it, tries it or sends it."""
        if not request.user.has_perm(SEND):
            raise PermissionDenied
        form = LetterForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return _page(desk, request, form, None)
        letter = form.letter()
        if "send" in request.POST:
            return _send(desk, request, letter)
        if "test" in request.POST:
            say_of_test(desk, request, send_test(announcing.write(letter), to=own_address(request)))
        return _page(desk, request, form, letter)

    return [("announce/", announce, "announce")]


def _page(
    desk: Any, request: HttpRequest, form: LetterForm, letter: Announcement | None
) -> HttpResponse:
    shown = {}
    if letter:
        words = announcing.write(letter)
        shown = {
            "html": fill_slots(words.html, leave="#", preferences="#"),
            "text": fill_slots(words.text, leave="#", preferences="#"),
            "readers": announcing.readers_of(letter, now=timezone.now()).count(),
        }
    return desk.page(
        request,
        "announce",
        title="Write a letter",
        form=form,
        # The editor's import map is an inline script: it runs only with this request's nonce.
        media=Media.from_media(desk.media + form.media, nonce=request.csp_nonce),  # type: ignore[attr-defined]
        hold=settings.DIGEST_HOLD,
        minutes=settings.DIGEST_HOLD // timedelta(minutes=1),
        **shown,
    )


def _send(desk: Any, request: HttpRequest, letter: Announcement) -> HttpResponse:
    hold = timedelta() if "at_once" in request.POST else settings.DIGEST_HOLD
    digest, is_new = announcing.announce(letter, now=timezone.now(), hold=hold)
    if is_new:
        desk.log_addition(request, digest, "Wrote and sent this letter.")
        return began(desk, request, digest)
    text = "Nothing was sent again: this very letter is here already."
    desk.message_user(request, text, messages.WARNING)
    return HttpResponseRedirect(reverse("admin:newsletter_digest_change", args=[digest.pk]))
