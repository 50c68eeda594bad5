"""What a reader wants: how often, about what, how much, and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1

from django.db import transaction

from newsletter.models import Cadence, ConsentEvent, Depth, Subscriber, SubscriberTopic


@dataclass(frozen=True)
class Preferences:
    """All that a reader chooses at once. No topics means all; `hour` None means the site's."""

    cadence: Cadence = Cadence.WEEKLY
    depth: Depth = Depth.STANDARD
    max_items: int | None = None
    text_only: bool = False
    zone: str = ""
    hour: int | None = None
    topics: frozenset[int] = frozenset()


def topics_key(topics: Iterable[int]) -> str:
    """One value for a set of topics, by their primary keys; "" for none, which means all."""
    keys = sorted(set(topics))
    # No secret: it only makes a long list short.
    return sha1(repr(keys).encode(), usedforsecurity=False).hexdigest() if keys else ""


def preferences_of(subscriber: Subscriber) -> Preferences:
    """What this reader chose."""
    return Preferences(
        cadence=Cadence(subscriber.cadence),
        depth=Depth(subscriber.depth),
        max_items=subscriber.max_items,
        text_only=subscriber.text_only,
        zone=subscriber.zone,
        hour=subscriber.hour,
        topics=frozenset(subscriber.chosen.values_list("topic_id", flat=True)),
    )


@transaction.atomic
def choose(
    subscriber: Subscriber, wanted: Preferences, *, method: str, text_version: str, now: datetime
) -> bool:
    """Keep what a reader chose, with a ConsentEvent. False, and no change, if nothing differs."""
    Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    if preferences_of(subscriber) == wanted:
        return False
    subscriber.cadence, subscriber.depth = wanted.cadence, wanted.depth
    subscriber.max_items, subscriber.text_only = wanted.max_items, wanted.text_only
    subscriber.zone, subscriber.hour = wanted.zone, wanted.hour
    set_topics(subscriber, wanted.topics)
    fields = ["cadence", "depth", "max_items", "text_only", "zone", "hour"]
    subscriber.save(update_fields=fields)
    ConsentEvent.objects.create(
        subscriber=subscriber,
        kind=ConsentEvent.Kind.CHOSE,
        method=method,
        text_version=text_version,
        detail=_in_words(wanted),
        happened_at=now,
    )
    return True


def set_topics(subscriber: Subscriber, topics: Iterable[int]) -> None:
    """Keep the chosen topics and their key together: nothing else writes either."""
    wanted = set(topics)
    subscriber.chosen.exclude(topic_id__in=wanted).delete()
    known = set(subscriber.chosen.values_list("topic_id", flat=True))
    SubscriberTopic.objects.bulk_create(
        SubscriberTopic(subscriber=subscriber, topic_id=topic) for topic in sorted(wanted - known)
    )
    subscriber.topics_key = topics_key(wanted)
    subscriber.save(update_fields=["topics_key"])


def _in_words(wanted: Preferences) -> str:
    # Which topics reveals an illness, so that stays in the choice itself and leaves with it.
    topics = f"{len(wanted.topics)} topics" if wanted.topics else "all topics"
    return f"{wanted.cadence}, {wanted.depth}, {topics}"
