"""What an editor can do with a digest, as buttons."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import pluralize
from django.utils import timezone

from newsletter import steering
from newsletter.models import Delivery, Digest

State = Digest.State


@dataclass(frozen=True)
class Verb:
    """A button: when it is there, what it asks first, what it does."""

    name: str
    label: str
    # Does it; the sentence that tells what was done, "" if nothing was.
    act: Callable[[Digest, HttpRequest], str]
    states: tuple[str, ...]
    # Asked before what cannot be undone; "" if it can.
    question: str = ""
    too_late: str = ""


def _by(request: HttpRequest) -> str:
    return request.user.get_username()


def _approve(digest: Digest, request: HttpRequest) -> str:
    hold = settings.DIGEST_HOLD
    if not steering.approve(digest, by=_by(request), hold=hold, now=timezone.now()):
        return ""
    return "Approved: it goes out after its hold." if hold else "Approved: it is on its way."


def _undo(digest: Digest, request: HttpRequest) -> str:
    if not steering.undo(digest, by=_by(request)):
        return ""
    if digest.kind == Digest.Kind.LETTER:
        return "Undone: nobody gets this letter."
    return "Undone: no copy has left. The next digest has these articles again."


def _release(digest: Digest, request: HttpRequest) -> str:
    return "It is on its way." if steering.release(digest, by=_by(request)) else ""


def _pause(digest: Digest, request: HttpRequest) -> str:
    return "Paused." if steering.pause(digest, by=_by(request)) else ""


def _resume(digest: Digest, request: HttpRequest) -> str:
    return "It goes on where it stopped." if steering.resume(digest) else ""


def _cancel(digest: Digest, request: HttpRequest) -> str:
    if not steering.cancel(digest, by=_by(request)):
        return ""
    return "Cancelled: the copies that waited are skipped."


def _rest(digest: Digest, request: HttpRequest) -> str:
    with_unknown = "unknown" in request.POST
    number = steering.send_to_the_rest(digest, with_unknown=with_unknown, now=timezone.now())
    return f"{number:,} cop{pluralize(number, 'y,ies')} queued again." if number else ""


VERBS = {
    verb.name: verb
    for verb in (
        Verb("approve", "Approve", _approve, (State.HELD,)),
        Verb(
            "undo",
            "Undo",
            _undo,
            (State.HELD,),
            too_late="Pause or cancel it instead, if it is on its way.",
        ),
        Verb(
            "release",
            "Send at once",
            _release,
            (State.HELD,),
            question="It leaves at once and cannot be called back.",
        ),
        Verb("pause", "Pause", _pause, (State.SENDING,)),
        Verb("resume", "Go on", _resume, (State.PAUSED,)),
        Verb(
            "cancel",
            "Cancel the rest",
            _cancel,
            (State.SENDING, State.PAUSED),
            question="The copies that wait are skipped for good; what has left cannot be called "
            "back. Readers who did not get it get these articles with the next digest.",
        ),
        Verb(
            "rest",
            "Send to the rest",
            _rest,
            (State.DONE,),
            question="The copies that failed are sent again, with the words of then.",
            too_late="Nobody is left to send it to.",
        ),
    )
}


def verbs_for(digest: Digest, counts: dict[str, int]) -> list[Verb]:
    """The buttons that make sense now."""
    verbs = [verb for verb in VERBS.values() if digest.state in verb.states]
    if digest.hold_until_at is not None:
        verbs = [verb for verb in verbs if verb.name != "approve"]
    if not (counts.get(Delivery.State.FAILED) or counts.get(Delivery.State.UNKNOWN)):
        verbs = [verb for verb in verbs if verb.name != "rest"]
    return verbs
