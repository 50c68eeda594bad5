"""One-off letters, such as breaking news. They go the way of digests, with hold and undo."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from articles.plain_text import plain_text
from newsletter import building
from newsletter.letters import LEAVE_SLOT, PREFERENCES_SLOT, Words, render_letter
from newsletter.models import Digest, Rhythm, Subscriber, SubscriberTopic, Variant
from newsletter.sending.batches import cut, last_copy

EXTENSIONS = {
    "Bold": True,
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto"]},
    "HardBreak": True,
    "History": True,
}
_OUR_PATH = re.compile(r'href="/(?!/)')


@dataclass(frozen=True)
class Announcement:
    """What an editor writes once. `html` is sanitised; no topics means all readers."""

    subject: str
    html: str
    topics: frozenset[int] = frozenset()

    def signature(self, *, text_only: bool) -> str:
        """The same for the same letter to the same readers."""
        said = repr((self.subject, self.html, sorted(self.topics), text_only))
        return sha1(said.encode(), usedforsecurity=False).hexdigest()


def readers_of(letter: Announcement, *, now: datetime) -> QuerySet[Subscriber]:
    """Who gets it: all on the list who do not pause; with topics, those who get one of them."""
    readers = Subscriber.objects.reachable(now)
    if not letter.topics:
        return readers
    chose = SubscriberTopic.objects.filter(topic__in=letter.topics)
    # Who chose no topic gets all of them.
    return readers.filter(Q(topics_key="") | Q(pk__in=chose.values("subscriber")))


def write(letter: Announcement) -> Words:
    """Its words, with slots for each reader's own links."""
    html = _OUR_PATH.sub(f'href="{settings.SITE_URL}/', letter.html)
    context = {
        "subject": letter.subject,
        "html": html,
        "text": plain_text(html),
        "leave_url": LEAVE_SLOT,
        "preferences_url": PREFERENCES_SLOT,
    }
    return render_letter("announcement", context)


@transaction.atomic
def announce(letter: Announcement, *, now: datetime, hold: timedelta) -> tuple[Digest, bool]:
    """Freeze the letter with its readers; it goes out after `hold`.

    Returns it and True, or the digest that says the very same already and False: a button pressed
    twice sends one letter. One that was cancelled may be sent again.
    """
    # Nobody else builds meanwhile.
    Rhythm.objects.select_for_update().first()
    known = _known(letter)
    if known:
        return known, False
    digest = Digest.objects.create(
        kind=Digest.Kind.LETTER,
        subject=letter.subject,
        covers_from_at=now - timedelta(seconds=1),
        covers_to_at=now,
        state=Digest.State.HELD if hold > timedelta() else Digest.State.SENDING,
        hold_until_at=now + hold if hold > timedelta() else None,
    )
    words = write(letter)
    last = last_copy()
    for text_only in (False, True):
        digest.audience += _queue(digest, letter, words, text_only=text_only, now=now)
    cut(digest, after=last, due_at=now)
    digest.save(update_fields=["audience"])
    return digest, True


def _known(letter: Announcement) -> Digest | None:
    signatures = [letter.signature(text_only=one) for one in (False, True)]
    same = Digest.objects.filter(kind=Digest.Kind.LETTER, variants__signature__in=signatures)
    return same.exclude(state=Digest.State.CANCELLED).first()


def _queue(
    digest: Digest, letter: Announcement, words: Words, *, text_only: bool, now: datetime
) -> int:
    readers = readers_of(letter, now=now).filter(text_only=text_only)
    if not readers.exists():
        return 0
    variant = Variant.objects.create(
        digest=digest,
        signature=letter.signature(text_only=text_only),
        html="" if text_only else words.html,
        text=words.text,
    )
    variant.audience = building.queue(digest, variant, readers.order_by(), at=now)
    variant.save(update_fields=["audience"])
    return variant.audience
