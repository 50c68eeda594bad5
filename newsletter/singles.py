"""Letters to one person as messages. None holds a word that a visitor typed, none is bulk mail."""

from collections.abc import Callable, Mapping
from email.utils import make_msgid

from django.core.mail import EmailMultiAlternatives
from django.urls import reverse

from newsletter import suppressing, tokens
from newsletter.letters import (
    Words,
    absolute,
    leave_url,
    mail_domain,
    preferences_url,
    render_letter,
)
from newsletter.models import AddressChange, Letter, Subscriber
from newsletter.posting import Kind

Context = Mapping[str, object]


def message_of(letter: Letter) -> EmailMultiAlternatives | None:
    """The letter as it goes out; None if it is of no use any more, as its person is gone."""
    context = _CONTEXTS[Kind(letter.kind)](letter)
    if context is None:
        return None
    words = render_letter(letter.kind, {"subscribe_url": _url("subscribe"), **context})
    return _plain(words, letter.email)


def _url(door: str, token: str = "") -> str:
    return absolute(reverse(f"newsletter:{door}", args=[token] if token else []))


def _confirm(letter: Letter) -> Context:
    return {"confirm_url": _url("confirm", tokens.confirm_token(letter.key))}


def _reader(letter: Letter) -> Context | None:
    """Of use while its reader is on the list."""
    reader = Subscriber.objects.active().filter(key=letter.key).first()
    if reader is None:
        return None
    return {"leave_url": leave_url(reader), "preferences_url": preferences_url(reader)}


def _nothing(letter: Letter) -> Context:
    return {}


def _change(letter: Letter) -> Context | None:
    change = AddressChange.objects.filter(key=letter.key, confirmed_at=None).first()
    if change is None:
        return None
    return {
        "change_url": _url("change", tokens.change_token(letter.key)),
        "taken": Subscriber.objects.with_address(letter.email).exists(),
        "suppressed": suppressing.is_suppressed(letter.email),
    }


def _data(letter: Letter) -> Context:
    return {"data_url": _url("own_data", tokens.data_token(letter.key))}


def _erase(letter: Letter) -> Context:
    return {"erase_url": _url("erase", tokens.erase_token(letter.key))}


_CONTEXTS: dict[Kind, Callable[[Letter], Context | None]] = {
    Kind.CONFIRM: _confirm,
    Kind.REMIND: _confirm,
    Kind.ALREADY: _reader,
    Kind.WELCOME: _reader,
    Kind.GOODBYE: _nothing,
    Kind.CHANGE: _change,
    Kind.CHANGED: _nothing,
    Kind.DATA: _data,
    Kind.ERASE: _erase,
}


def _plain(words: Words, to: str) -> EmailMultiAlternatives:
    # Without it the library would make one up that names the machine.
    headers = {"Message-ID": make_msgid(domain=mail_domain())}
    message = EmailMultiAlternatives(
        subject=words.subject, body=words.text, to=[to], headers=headers
    )
    message.attach_alternative(words.html, "text/html")
    return message
