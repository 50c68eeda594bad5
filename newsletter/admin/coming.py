"""The coming digest at the desk: what it would hold, for whom, how it looks; and "send now"."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_sameorigin

from fibrosite.lib.queueing import enqueue
from newsletter import building, coming
from newsletter.admin.frames import letter_in_frame
from newsletter.letters import Words
from newsletter.models import Depth, Digest, Rhythm, Subscriber
from newsletter.tasks import deliver
from newsletter.trying import send_test

SEND = "newsletter.send_digest"
NOBODY = "No subscriber has this address."

Place = tuple[str, Callable[..., HttpResponse], str]


class WishesForm(forms.ModelForm):
    """The editor's words for the coming digest, and whether it waits for a word."""

    class Meta:
        model = Rhythm
        fields = ["subject", "preview_line", "intro", "mode"]
        widgets = {
            "subject": AdminTextInputWidget(),
            "preview_line": AdminTextInputWidget(),
            "intro": AdminTextareaWidget(attrs={"rows": 4}),
        }

    def keep(self) -> None:
        """Store these fields and no other: a tick may move the rhythm on meanwhile."""
        Rhythm.objects.filter(pk=self.instance.pk).update(**self.cleaned_data)


class LookForm(forms.Form):
    """How to look at a letter."""

    depth = forms.ChoiceField(choices=Depth, initial=Depth.STANDARD, label="Depth")
    part = forms.ChoiceField(
        choices=[("html", "HTML"), ("text", "Text")], initial="html", label="Part"
    )
    colours = forms.ChoiceField(
        choices=[("light", "Light"), ("dark", "Dark")], initial="light", label="Colours"
    )
    width = forms.ChoiceField(
        choices=[("full", "Full"), ("360", "Phone (360 px)")], initial="full", label="Width"
    )
    reader = forms.EmailField(
        required=False, label="As this subscriber", help_text="Their address; their own depth."
    )

    def choices_made(self) -> dict[str, str]:
        """What was chosen, or else what the form begins with."""
        good = self.cleaned_data if self.is_bound and self.is_valid() else {}
        return {name: good.get(name) or field.initial or "" for name, field in self.fields.items()}


def places(desk: Any) -> list[Place]:
    """The views of this page, as the admin of digests mounts them."""
    page = ComingPage(desk)
    return [
        ("coming/", page.coming, "coming"),
        ("coming/test/", page.test, "test"),
        ("coming/<int:article>/<slug:wish>/", page.wish, "wish"),
        ("upcoming/", xframe_options_sameorigin(page.upcoming), "upcoming"),
        ("send-now/", page.send_now, "send_now"),
    ]


class ComingPage:
    """Views about the digest that comes next."""

    def __init__(self, desk: ModelAdmin) -> None:
        self.desk: Any = desk

    def coming(self, request: HttpRequest) -> HttpResponse:
        """GET shows the coming digest; POST keeps the editor's words for it."""
        self._see(request)
        rhythm = Rhythm.objects.first()
        form = WishesForm(request.POST or None, instance=rhythm)
        if request.method == "POST":
            _may_send(request)
            if rhythm and form.is_valid():
                form.keep()
                self.desk.message_user(request, "Saved.", messages.SUCCESS)
                return _back()
        return self._page(request, form)

    def _page(self, request: HttpRequest, form: WishesForm) -> HttpResponse:
        now = timezone.now()
        look = LookForm(_given(request, LookForm))
        made = look.choices_made()
        reader, unknown = _reader(request, made)
        ahead = coming.look_ahead(now=now)
        return self.desk.page(
            request,
            "coming",
            title="The coming digest",
            form=form,
            rhythm=Rhythm.objects.first(),
            turns=coming.whose_turn(),
            ahead=ahead,
            audience=[(one, ahead.audience[one]) for one in coming.Why],
            look=look,
            made=made,
            reader=reader,
            unknown=unknown,
            nothing=reader is not None and coming.letter_for(reader, now=now) is None,
            may_send=request.user.has_perm(SEND),
            may_see_readers=_may_see_readers(request),
        )

    def upcoming(self, request: HttpRequest) -> HttpResponse:
        """The letter that would go out now, for a frame."""
        self._see(request)
        made = LookForm(_given(request, LookForm)).choices_made()
        words = _letter(request, made)
        if words is None:
            raise Http404
        return letter_in_frame(
            words, as_text=made["part"] == "text", dark=made["colours"] == "dark"
        )

    def wish(self, request: HttpRequest, article: int, wish: str) -> HttpResponse:
        """POST moves an article, leaves it out, or lets it in."""
        _may_send(request)
        now = timezone.now()
        wishes: dict[str, Callable[[], bool]] = {
            "up": lambda: coming.move(article, by=-1, now=now),
            "down": lambda: coming.move(article, by=1, now=now),
            "leave-out": lambda: coming.leave_out(article, now=now),
            "let-in": lambda: coming.let_in(article),
        }
        if wish not in wishes:
            raise Http404
        if request.method == "POST" and not wishes[wish]():
            text = "Nothing was changed: the coming digest is another by now."
            self.desk.message_user(request, text, messages.WARNING)
        return _back("#articles")

    def test(self, request: HttpRequest) -> HttpResponse:
        """POST sends the letter as it stands to the editor's own address."""
        _may_send(request)
        if request.method != "POST":
            return _back()
        made = LookForm(request.POST).choices_made()
        words = _letter(request, made)
        if words is None:
            problem = "There is nothing to send: no article is new."
        else:
            problem = send_test(words, to=own_address(request))
        say_of_test(self.desk, request, problem)
        return _back("#letter")

    def send_now(self, request: HttpRequest) -> HttpResponse:
        """GET shows what would go out and to how many; POST builds the digest and sends it."""
        _may_send(request)
        if request.method == "POST":
            return self._send(request)
        return self.desk.page(
            request,
            "send_now",
            title="Send a digest now",
            ahead=coming.look_ahead(now=timezone.now()),
            rhythm=Rhythm.objects.first(),
            last=Digest.objects.filter(kind=Digest.Kind.DIGEST).first(),
            hold=settings.DIGEST_HOLD,
            minutes=settings.DIGEST_HOLD // timedelta(minutes=1),
        )

    def _send(self, request: HttpRequest) -> HttpResponse:
        hold = timedelta() if "at_once" in request.POST else settings.DIGEST_HOLD
        digest = building.build_digest(now=timezone.now(), hold=hold)
        if digest is None:
            text = "Nothing was sent: no research summary is new since the last digest."
            self.desk.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:newsletter_digest_changelist"))
        self.desk.log_addition(request, digest, "Sent by hand.")
        return began(self.desk, request, digest)

    def _see(self, request: HttpRequest) -> None:
        if not self.desk.has_view_permission(request):
            raise PermissionDenied


def began(desk: Any, request: HttpRequest, digest: Digest) -> HttpResponse:
    """Say that a new digest or letter goes out, hand it to a worker, and show it."""
    readers = f"{digest.audience:,} reader{pluralize(digest.audience)}"
    if digest.state == Digest.State.HELD and digest.hold_until_at:
        at = timezone.localtime(digest.hold_until_at)
        text = f"“{digest.subject}” goes to {readers} at {at:%H:%M}. Until then you can undo it."
    else:
        enqueue(deliver, digest.pk)
        text = f"“{digest.subject}” is on its way to {readers}."
    desk.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:newsletter_digest_change", args=[digest.pk]))


def say_of_test(desk: Any, request: HttpRequest, problem: str) -> None:
    """Whether the test went out."""
    if problem:
        desk.message_user(request, problem, messages.ERROR)
    else:
        text = format_html("A test is on its way to {}.", own_address(request))
        desk.message_user(request, text, messages.SUCCESS)


def own_address(request: HttpRequest) -> str:
    """The editor's own address; "" if the account has none."""
    editor: Any = request.user
    return str(editor.email)


def _may_send(request: HttpRequest) -> None:
    if not request.user.has_perm(SEND):
        raise PermissionDenied


def _may_see_readers(request: HttpRequest) -> bool:
    return request.user.has_perm("newsletter.view_subscriber")


def _back(place: str = "") -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:newsletter_digest_coming") + place)


def _given(request: HttpRequest, form: type[LookForm]) -> dict[str, str]:
    """What the address says of this form, over what it begins with."""
    fields = form.base_fields
    return {name: request.GET.get(name, field.initial or "") for name, field in fields.items()}


def _reader(request: HttpRequest, made: dict[str, str]) -> tuple[Subscriber | None, str]:
    """The subscriber to look as, and why there is none although one was asked for."""
    if not made["reader"]:
        return None, ""
    if not _may_see_readers(request):
        raise PermissionDenied
    found = Subscriber.objects.with_address(made["reader"]).first()
    return found, "" if found else NOBODY


def _letter(request: HttpRequest, made: dict[str, str]) -> Words | None:
    now = timezone.now()
    reader, unknown = _reader(request, made)
    if unknown:
        return None
    if reader:
        return coming.letter_for(reader, now=now)
    return coming.sample_letter(
        now=now, depth=Depth(made["depth"]), text_only=made["part"] == "text"
    )
