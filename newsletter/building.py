"""Building a digest: what is new to each reader, frozen with its readers in one transaction.

Each research summary gets a number when a digest first meets it (`News`). A reader was served
all numbers up to `served_news`; a letter holds later ones alone. So an article reaches a person
at most once, whatever changes in between: topics, rhythm, pauses, the article's date.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha1
from itertools import groupby
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, Min, QuerySet, Value

from articles.models import Article
from newsletter.archive import archive_url
from newsletter.correcting import correct
from newsletter.depths import parts_of
from newsletter.letters import (
    CORRECTIONS_SLOT,
    LEAVE_SLOT,
    PREFERENCES_SLOT,
    Words,
    render_letter,
)
from newsletter.models import (
    Cadence,
    Depth,
    Digest,
    DigestItem,
    News,
    Pin,
    Rhythm,
    Subscriber,
    SubscriberTopic,
    Variant,
    last_news,
)
from newsletter.sending.batches import cut, last_copy

# Mail programs cut off HTML of more than 100 kB, and the link to unsubscribe with it (R11).
MAX_ARTICLES = 20
# The columns of a copy, as `queue` selects them.
COLUMNS = (
    "digest_id, subscriber_id, variant_id, served_before, state, reason, provider_id, attempts,"
    " not_before_at"
)
# What readers have in common if they get the same letter at the same time.
ALIKE = ("depth", "text_only", "max_items", "topics_key", "served_news", "zone", "hour")


@dataclass(frozen=True)
class Content:
    """What one letter holds: the articles in their order, how deep, how many more there were."""

    articles: tuple[Article, ...]
    depth: Depth
    text_only: bool
    more: int
    # False for who gave to the open drive already.
    with_drive: bool = True

    @property
    def signature(self) -> str:
        """The same for equal letters."""
        keys = [article.pk for article in self.articles]
        said = repr((keys, str(self.depth), self.text_only, self.more, self.with_drive))
        return sha1(said.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Group:
    """Readers who are alike in all that decides their letter and its time."""

    readers: QuerySet[Subscriber]
    zone: str
    hour: int | None
    content: Content


def new_summaries(*, now: datetime) -> list[Article]:
    """Public research summaries that no digest has met yet, newest first, at most MAX_ARTICLES.

    What is over stays new, and comes into the next digest. So does what an editor left out.
    """
    new = (
        Article.objects.published(now)
        .for_cards()
        .filter(
            kind=Article.Kind.RESEARCH_SUMMARY, published_at__gt=_look_back(now), news__isnull=True
        )
        .exclude(pin__left_out=True)
    )
    return list(new[:MAX_ARTICLES])


def _look_back(now: datetime) -> datetime:
    """Where the last digest with room to spare began: what is older is an archive, no news.

    Full ones may have left some over. And where it began rather than where it ended: an article
    dated back a day still gets its turn.
    """
    standing = Digest.objects.exclude(state=Digest.State.CANCELLED)
    built = standing.filter(kind=Digest.Kind.DIGEST).order_by("covers_to_at")
    with_room = built.exclude(items__position=MAX_ARTICLES - 1)
    start = with_room.values_list("covers_from_at", flat=True).last()
    first = built.values_list("covers_from_at", flat=True).first()
    return start or first or now - _rhythm_period(Rhythm.objects.first())


def _rhythm_period(rhythm: Rhythm | None) -> timedelta:
    cadence = Cadence(rhythm.cadence) if rhythm else Cadence.WEEKLY
    return max(cadence, Cadence.WEEKLY, key=lambda one: one.weeks).period


def due_cadences(rhythm: Rhythm | None) -> list[Cadence]:
    """Whose turn it is with the digest that comes next: never more often than the site's own."""
    if rhythm is None:
        return list(Cadence)
    site = max(1, Cadence(rhythm.cadence).weeks)
    return [one for one in Cadence if rhythm.number % max(1, one.weeks // site) == 0]


def build_digest(*, now: datetime, hold: timedelta | None = timedelta()) -> Digest | None:
    """Freeze the digest that comes next, for all whose turn it is; None if nothing is new to them.

    It is held for `hold`, so that an editor can undo it; None: until one approves. Two calls at
    once build one digest: the second waits for the first, then finds nothing new.
    """
    with transaction.atomic():
        rhythm = _lock()
        return _build(Digest.Kind.DIGEST, due_cadences(rhythm), rhythm, now=now, hold=hold)


def build_each(*, now: datetime, hold: timedelta | None = timedelta()) -> Digest | None:
    """Freeze letters about each new article for those who want them at once; None if there are
    none, or if the site sends no more often than a digest."""
    with transaction.atomic():
        rhythm = _lock()
        if rhythm is None or rhythm.cadence != Cadence.EACH:
            return None
        return _build(Digest.Kind.EACH, [Cadence.EACH], rhythm, now=now, hold=hold)


def _lock() -> Rhythm | None:
    """The rhythm; until the transaction ends nobody else builds, and no news is numbered."""
    return Rhythm.objects.select_for_update().first()


def _build(
    kind: Digest.Kind,
    cadences: list[Cadence],
    rhythm: Rhythm | None,
    *,
    now: datetime,
    hold: timedelta | None,
) -> Digest | None:
    if not Subscriber.objects.reachable(now).filter(cadence__in=cadences).exists():
        return None
    upto = _number_news(now)
    groups = list(_groups(cadences, upto, now=now))
    digest = _freeze(kind, groups, rhythm, upto, now=now, hold=hold) if groups else None
    readers = Subscriber.objects.reachable(now).filter(cadence__in=cadences, served_news__lt=upto)
    readers.update(served_news=upto)
    return digest


def _number_news(now: datetime) -> int:
    """Give what is new the next numbers, the oldest first; the highest number there is."""
    last = last_news()
    new = reversed(new_summaries(now=now))
    rows = [News(article=article, number=last + n) for n, article in enumerate(new, start=1)]
    News.objects.bulk_create(rows)
    return last + len(rows)


def _groups(cadences: Iterable[Cadence], upto: int, *, now: datetime) -> Iterator[Group]:
    """The readers whose turn it is and to whom something is new, those alike together."""
    readers = (
        Subscriber.objects.reachable(now)
        .filter(cadence__in=cadences, served_news__lt=upto)
        .order_by()
    )
    rows = list(readers.values(*ALIKE).annotate(one=Min("pk")))
    spared = readers.spared()
    gave = set(spared.values_list(*ALIKE).distinct())
    news = _News(min((row["served_news"] for row in rows), default=upto), upto, now=now)
    for row in rows:
        content = news.content_for(row, topics=_topics_of(row))
        if content.articles:
            alike = {name: row[name] for name in ALIKE}
            zone, hour = row["zone"], row["hour"]
            if tuple(alike.values()) in gave:
                # Before the others, among whom they are: nobody is queued twice.
                silent = replace(content, with_drive=False)
                yield Group(spared.filter(**alike), zone, hour, silent)
            yield Group(readers.filter(**alike), zone, hour, content)


def _topics_of(row: dict[str, Any]) -> frozenset[int] | None:
    """The topics that one of these readers chose; None for all."""
    if not row["topics_key"]:
        return None
    chosen = SubscriberTopic.objects.filter(subscriber=row["one"])
    return frozenset(chosen.values_list("topic_id", flat=True))


class _News:
    """The numbered news that some reader has not been served, each with its topics, in order."""

    def __init__(self, after: int, upto: int, *, now: datetime) -> None:
        public = (
            Article.objects.published(now)
            .for_page()
            .filter(news__number__gt=after, news__number__lte=upto)
            .exclude(pin__left_out=True)
            .select_related("author", "news", "pin")
        )
        self._articles = sorted(public, key=place)
        self._topics = {a.pk: {tag.pk for tag in a.tags.all()} for a in self._articles}

    def content_for(self, row: dict[str, Any], *, topics: frozenset[int] | None) -> Content:
        """What is new to these readers about their topics, at most as much as they want."""
        new = [a for a in self._articles if a.news.number > row["served_news"]]
        if topics is not None:
            new = [article for article in new if topics & self._topics[article.pk]]
        most = min(row["max_items"] or MAX_ARTICLES, MAX_ARTICLES)
        return Content(
            tuple(new[:most]), Depth(row["depth"]), row["text_only"], max(0, len(new) - most)
        )


def place(article: Article) -> tuple[int, float]:
    """Pinned ones first, in the editor's order; then the newest."""
    pin = getattr(article, "pin", None)
    at = article.published_at.timestamp() if article.published_at else 0.0
    return (pin.position if pin else 1_000_000, -at)


def _freeze(
    kind: Digest.Kind,
    groups: Sequence[Group],
    rhythm: Rhythm | None,
    upto: int,
    *,
    now: datetime,
    hold: timedelta | None,
) -> Digest:
    digest = _new_digest(kind, rhythm, upto, now=now, hold=hold)
    digest.save()
    timed = [(first_hour(now, group.zone, group.hour), group) for group in groups]
    # Copies that may go at the same time lie side by side, so that they share batches.
    for at, alike in groupby(sorted(timed, key=itemgetter(0)), key=itemgetter(0)):
        last = last_copy()
        for _, group in alike:
            variant = _variant(digest, group.content)
            queued = queue(digest, variant, group.readers, at=at)
            variant.audience += queued
            variant.save(update_fields=["audience"])
            digest.audience += queued
        cut(digest, after=last, due_at=at)
    if not digest.subject:
        fullest = max(groups, key=lambda group: len(group.content.articles))
        digest.subject = _variant(digest, fullest.content).subject
    digest.save(update_fields=["audience", "subject"])
    if not all(group.content.with_drive for group in groups):
        # Where all who are alike gave, the letter that names the drive is nobody's.
        digest.variants.filter(audience=0).delete()
    correct(digest, now=now)
    if kind == Digest.Kind.DIGEST:
        _use_up_wishes(rhythm)
    return digest


def _new_digest(
    kind: Digest.Kind,
    rhythm: Rhythm | None,
    upto: int,
    *,
    now: datetime,
    hold: timedelta | None,
) -> Digest:
    standing = Digest.objects.filter(kind=kind).exclude(state=Digest.State.CANCELLED)
    last = standing.order_by("covers_to_at").last()
    waits = hold is None or hold > timedelta()
    digest = Digest(
        kind=kind,
        covers_from_at=last.covers_to_at if last else now - _rhythm_period(rhythm),
        covers_to_at=now,
        news_to=upto,
        state=Digest.State.HELD if waits else Digest.State.SENDING,
        hold_until_at=now + hold if hold else None,
    )
    if rhythm and kind == Digest.Kind.DIGEST:
        digest.subject = rhythm.subject
        digest.preview_line, digest.intro = rhythm.preview_line, rhythm.intro
    return digest


def _use_up_wishes(rhythm: Rhythm | None) -> None:
    Pin.objects.filter(left_out=False).delete()
    if rhythm:
        rhythm.subject = rhythm.preview_line = rhythm.intro = ""
        rhythm.save(update_fields=["subject", "preview_line", "intro"])


def write(digest: Digest, content: Content) -> Words:
    """The words of one variant, with slots for what differs from reader to reader."""
    context = {
        "articles": parts_of(content.articles, content.depth),
        # Who chose the gist alone chose little to read: it holds nothing else.
        "with_drive": content.with_drive and content.depth != Depth.GIST,
        "archive_url": archive_url(digest),
        "subject": digest.subject,
        "more": content.more,
        "intro": digest.intro,
        "preview_line": digest.preview_line,
        "corrections": CORRECTIONS_SLOT,
        "leave_url": LEAVE_SLOT,
        "preferences_url": PREFERENCES_SLOT,
    }
    words = render_letter("digest", context)
    subject = (digest.subject or words.subject)[:200]
    return Words(subject, words.text, "" if content.text_only else words.html)


def _variant(digest: Digest, content: Content) -> Variant:
    """The variant with this content: rendered once, however many groups share it."""
    known = Variant.objects.filter(digest=digest, signature=content.signature).first()
    if known:
        return known
    words = write(digest, content)
    variant = Variant.objects.create(
        digest=digest,
        signature=content.signature,
        subject=words.subject,
        html=words.html,
        text=words.text,
    )
    DigestItem.objects.bulk_create(
        DigestItem(digest=digest, variant=variant, article=article, position=position)
        for position, article in enumerate(content.articles)
    )
    return variant


def queue(digest: Digest, variant: Variant, readers: QuerySet[Subscriber], *, at: datetime) -> int:
    """One queued copy of a variant for each of these readers, not before `at`; how many.

    Who has a copy of this digest gets no second one (mail rule R60). The caller cuts batches.
    """
    copies = readers.annotate(
        digest=Value(digest.pk),
        variant=Value(variant.pk),
        state_of_copy=Value("queued"),
        nothing=Value(""),
        attempts=Value(0),
        not_before=Value(at, output_field=DateTimeField()),
    ).values_list(
        "digest",
        "pk",
        "variant",
        "served_news",
        "state_of_copy",
        "nothing",
        "nothing",
        "attempts",
        "not_before",
    )
    sql, values = copies.query.sql_with_params()
    # One statement, however long the list: rows never pass through Python.
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO newsletter_delivery ({COLUMNS}) {sql} ON CONFLICT DO NOTHING", values
        )
        return cursor.rowcount


def first_hour(now: datetime, zone: str, hour: int | None) -> datetime:
    """The first moment from `now` on at which it is this hour where the reader lives.

    `zone` "" is the site's, `hour` None is now.
    """
    if hour is None:
        return now
    local = now.astimezone(ZoneInfo(zone or settings.TIME_ZONE))
    if local.hour == hour:
        return now
    naive = local.replace(hour=hour, minute=0, second=0, microsecond=0, tzinfo=None)
    if naive <= local.replace(tzinfo=None):
        naive += timedelta(days=1)
    return naive.replace(tzinfo=local.tzinfo).astimezone(now.tzinfo)
