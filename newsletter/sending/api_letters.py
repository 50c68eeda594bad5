"""A digest's copies as messages for a provider's API: one for many readers where it can merge.

What a provider's slots look like, and how many readers it takes in a call, stands in one table.
The other providers, and variants whose words a provider might take for a slot, go one by one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anymail.backends import (
    brevo,
    mailersend,
    mailgun,
    mailjet,
    mandrill,
    postmark,
    sendgrid,
    sparkpost,
)
from anymail.backends.base import AnymailBaseBackend
from anymail.message import AnymailMessage
from django.conf import settings

from newsletter.events import copies
from newsletter.letters import digest_headers, fill_slots, reader_address
from newsletter.models import Variant
from newsletter.sending.load import Copy, Load
from newsletter.tokens import ReaderTokens


@dataclass(frozen=True)
class Reader:
    """A copy that is ready to go, with its address as it is written on the wire."""

    copy: Copy
    address: str

    def is_like(self, other: "Reader") -> bool:
        """Whether one message with slots can be for both."""
        mine, others = self.copy, other.copy
        return (mine.variant, mine.corrections) == (others.variant, others.corrections)


@dataclass(frozen=True)
class Merging:
    """How one provider merges readers' values into a message for many of them.

    `most` readers a call; `slot` with the value's name in the place of {}. `syntax`: what it would
    take for a slot in anybody's words, and `literal` how to write such words, if there is a way.
    `readers`: the addresses for which it merges. `extra`: what its API must be told.
    """

    most: int
    slot: str
    syntax: re.Pattern[str]
    literal: Mapping[str, str] = field(default_factory=dict)
    readers: re.Pattern[str] = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9.-]+", re.ASCII | re.I)
    extra: Mapping[str, Any] = field(default_factory=dict)


# From the providers' references and Anymail's sources. Not here: Mailtrap, MailerSend, Mandrill,
# Postmark, Resend, Amazon SES, Postal, Scaleway and Unisender Go, which merge no values, or not
# those of headers, without a template that is stored with them.
MERGING: dict[type[AnymailBaseBackend], Merging] = {
    brevo.EmailBackend: Merging(1000, "{{{{params.{}}}}}", re.compile(r"{{|{%")),
    mailgun.EmailBackend: Merging(
        1000,
        "%recipient.{}%",
        re.compile(r"%(recipient|(mailing_list_|tag_)?unsubscribe)"),
        # A plus sign in the local part keeps it from merging (mailgun/mailgun.js#413).
        readers=re.compile(r"[\w.-]+@[a-z0-9.-]+", re.ASCII | re.I),
    ),
    mailjet.EmailBackend: Merging(
        50,
        "{{{{var:{}}}}}",
        re.compile(r"{{|{%|\[\["),
        extra={"Globals": {"TemplateLanguage": True}},
    ),
    sendgrid.EmailBackend: Merging(
        1000,
        "[%digest_{}%]",
        re.compile(r"\[%digest_|<%"),
        extra={"merge_field_format": "[%digest_{}%]"},
    ),
    sparkpost.EmailBackend: Merging(
        1000,
        "{{{{{}}}}}",
        re.compile(r"{{"),
        literal={"{{": "{{opening_double_curly()}}", "}}": "{{closing_double_curly()}}"},
    ),
}
# Headers that a provider writes itself: Mailjet refuses a message that has them, and what Mailgun
# would make of a slot in its own Message-ID is not documented.
NOT_OURS: dict[type[AnymailBaseBackend], frozenset[str]] = {
    mailgun.EmailBackend: frozenset({"Message-ID"}),
    mailjet.EmailBackend: frozenset({"Message-ID", "List-ID"}),
}
# Those that can be told with each call to count no clicks and no opens, whatever the account says.
TOLD_NOT_TO_TRACK = (
    mailersend.EmailBackend,
    mailgun.EmailBackend,
    mailjet.EmailBackend,
    mandrill.EmailBackend,
    postmark.EmailBackend,
    sendgrid.EmailBackend,
    sparkpost.EmailBackend,
)


class ApiLetters:
    """Writes the messages of one load for one backend, or one that inherits from it.

    None of them names an envelope sender: providers report what came back in their own way.
    """

    def __init__(self, load: Load, mailer: AnymailBaseBackend) -> None:
        self._load = load
        self.merging: Merging | None = _of(MERGING, mailer)
        self._can_be_told = isinstance(mailer, TOLD_NOT_TO_TRACK)
        self._not_ours: frozenset[str] = _of(NOT_OURS, mailer) or frozenset()
        self._tokens = ReaderTokens()
        self._marks = copies.Marks()
        self._mergeable: dict[int, bool] = {}

    def can_merge(self, reader: Reader) -> bool:
        """Whether this copy may go with others, in one call."""
        merging = self.merging
        if merging is None or not merging.readers.fullmatch(reader.address):
            return False
        variant = reader.copy.variant
        if variant not in self._mergeable:
            is_plain = not any(map(merging.syntax.search, self._words_of(variant)))
            self._mergeable[variant] = is_plain or bool(merging.literal)
        return self._mergeable[variant]

    def _words_of(self, pk: int) -> list[str]:
        variant = self._load.variants[pk]
        lines = self._load.corrections.values()
        said = [words for line in lines for words in (line.text, line.html)]
        return [self._subject(variant), variant.text, variant.html, *said]

    def to_one(self, reader: Reader) -> AnymailMessage:
        """The message to one reader, with nothing to merge."""
        leave, preferences = self._tokens_of(reader)
        letter = self._written(reader.copy, leave=leave, preferences=preferences)
        letter.to = [reader.address]
        letter.extra_headers.update(self._headers_of(reader))
        return letter

    def to_many(self, readers: Sequence[Reader], merging: Merging) -> AnymailMessage:
        """One message to readers who are alike; each sees nobody else's address (rule R8)."""
        slot = merging.slot.format
        first = readers[0].copy
        letter = self._written(first, leave=slot("leave"), preferences=slot("preferences"))
        letter.to = [reader.address for reader in readers]
        letter.merge_data = {reader.address: self._values_of(reader) for reader in readers}
        letter.merge_headers = {reader.address: self._headers_of(reader) for reader in readers}
        # Reports of what becomes of it name our Message-ID, whichever id the provider gives it.
        letter.merge_metadata = {
            reader.address: {"message_id": self.message_id(reader)} for reader in readers
        }
        letter.esp_extra = {key: _copied(value) for key, value in merging.extra.items()}
        return letter

    def message_id(self, reader: Reader) -> str:
        """Our Message-ID of this copy, without its brackets: the same for each attempt."""
        headers = digest_headers(self._load.digest, reader.copy.pk, leave="")
        return headers["Message-ID"].strip("<>")

    def _written(self, copy: Copy, *, leave: str, preferences: str) -> AnymailMessage:
        """The message to all readers like this one's, with these for the tokens of its links."""
        variant = self._load.variants[copy.variant]
        lines = [self._load.corrections[pk] for pk in sorted(copy.corrections)]
        leave = reader_address("newsletter:leave", leave)
        preferences = reader_address("newsletter:preferences", preferences)

        def filled(words: str, corrections: str) -> str:
            return fill_slots(
                self._literal(words),
                leave=leave,
                preferences=preferences,
                corrections=self._literal(corrections),
            )

        letter = AnymailMessage(
            subject=self._literal(self._subject(variant)),
            body=filled(variant.text, "".join(line.text for line in lines)),
            from_email=settings.DIGEST_FROM,
        )
        if self._can_be_told:
            letter.track_clicks = letter.track_opens = False
        if variant.html:
            html = filled(variant.html, "".join(line.html for line in lines))
            letter.attach_alternative(html, "text/html")
        return letter

    def _subject(self, variant: Variant) -> str:
        return variant.subject or self._load.digest.subject

    def _literal(self, words: str) -> str:
        """Words as the provider must get them so that it takes nothing in them for a slot."""
        merging = self.merging
        if merging is None or not merging.literal or not merging.syntax.search(words):
            return words
        literal = merging.literal
        marks = "|".join(map(re.escape, literal))
        return re.sub(marks, lambda found: literal[found[0]], words)

    def _headers_of(self, reader: Reader) -> dict[str, str]:
        """All headers: with some providers a reader's own take the place of those for all."""
        leave, _ = self._tokens_of(reader)
        address = reader_address("newsletter:leave", leave)
        headers = digest_headers(self._load.digest, reader.copy.pk, leave=address)
        headers[copies.HEADER] = self._marks.of(reader.copy.pk).decode()
        return {name: value for name, value in headers.items() if name not in self._not_ours}

    def _values_of(self, reader: Reader) -> dict[str, str]:
        leave, preferences = self._tokens_of(reader)
        return {"leave": leave, "preferences": preferences}

    def _tokens_of(self, reader: Reader) -> tuple[str, str]:
        leave, preferences = self._tokens.both(reader.copy.key)
        return leave.decode(), preferences.decode()


def _of(table: Mapping[type[AnymailBaseBackend], Any], mailer: AnymailBaseBackend) -> Any:
    """What a table says of a backend, or of the one that it inherits from; None if nothing."""
    found = (table[kind] for kind in type(mailer).__mro__ if kind in table)
    return next(found, None)


def _copied(value: Any) -> Any:
    # Anymail takes apart what it is given.
    return dict(value) if isinstance(value, dict) else value
