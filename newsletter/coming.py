"""The coming digest: what it would hold now, for whom, and what an editor wishes of it.

Looking changes nothing: what building will do is worked out here from the same rules.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.db.models import Case, Count, Min, Q, QuerySet, Value, When

from articles.models import Article
from newsletter import building
from newsletter.building import MAX_ARTICLES, Content
from newsletter.letters import Words
from newsletter.models import Cadence, Depth, Digest, Pin, Rhythm, Subscriber, SubscriberTopic


class Why(models.TextChoices):
    """Why a subscriber gets the coming digest, or does not; each counts under one of them."""

    GETS = "gets", "get it"
    NOTHING_NEW = "nothing-new", "nothing is new on their topics"
    OTHER_RHYTHM = "other-rhythm", "their turn comes later"
    PAUSED = "paused", "paused"
    LEFT = "left", "left"
    BLOCKED = "blocked", "never mailed"


@dataclass(frozen=True)
class Coming:
    """What would go out at one moment."""

    # Each article with the number of readers whose letter holds it, in the order of letters.
    articles: list[tuple[Article, int]]
    left_out: list[Article]
    audience: dict[Why, int]
    # How many of its readers get it without the drive, to which they gave.
    spared: int
    pause_ends_at: datetime | None
    # What most of its readers would get.
    sample: tuple[Article, ...]

    @property
    def readers(self) -> int:
        """How many get it."""
        return self.audience[Why.GETS]

    @property
    def total(self) -> int:
        """All subscribers there are, or were."""
        return sum(self.audience.values())


def why(state: str, *, is_paused: bool, is_due: bool, has_news: bool) -> Why:
    """Why subscribers who are alike in all of this get the coming digest, or do not."""
    if state == Subscriber.State.BLOCKED:
        return Why.BLOCKED
    if state == Subscriber.State.LEFT:
        return Why.LEFT
    if is_paused:
        return Why.PAUSED
    if not is_due:
        return Why.OTHER_RHYTHM
    return Why.GETS if has_news else Why.NOTHING_NEW


def look_ahead(*, now: datetime) -> Coming:
    """What would go out now, and to whom. Saves nothing."""
    due = building.due_cadences(Rhythm.objects.first())
    rows = _alike(Subscriber.objects.all(), due, now=now)
    spared = _alike(Subscriber.objects.spared(), due, now=now)
    pending = _Pending((row for row in rows if _may_get(row)), now=now)
    audience = dict.fromkeys(Why, 0)
    readers: Counter[int] = Counter()
    contents: Counter[tuple[Article, ...]] = Counter()
    for row in rows:
        held = pending.held_by(row) if _may_get(row) else ()
        audience[_why(row, held)] += row["number"]
        readers.update({article.pk: row["number"] for article in held})
        contents[held] += row["number"] if held else 0
    most = max(contents, key=lambda held: contents[held], default=())
    return Coming(
        articles=[(a, readers[a.pk]) for a in pending.articles],
        left_out=_left_out(now),
        audience=audience,
        spared=sum(row["number"] for row in spared if _may_get(row) and pending.held_by(row)),
        pause_ends_at=min((r["ends_at"] for r in rows if _rests(r)), default=None),
        sample=most or tuple(pending.articles[:MAX_ARTICLES]),
    )


def _alike(
    readers: QuerySet[Subscriber], due: list[Cadence], *, now: datetime
) -> list[dict[str, Any]]:
    """Subscribers in groups that the coming digest treats alike; each with its `number`."""
    paused = Case(When(paused_until_at__gt=now, then=Value(True)), default=Value(False))
    rows = readers.order_by().values(
        "state", "cadence", "topics_key", "served_news", "max_items", is_paused=paused
    )
    counted = rows.annotate(number=Count("pk"), one=Min("pk"), ends_at=Min("paused_until_at"))
    return [{**row, "is_due": row["cadence"] in due} for row in counted]


def _may_get(row: Mapping[str, Any]) -> bool:
    return bool(row["state"] == Subscriber.State.ACTIVE and row["is_due"] and not row["is_paused"])


def _rests(row: Mapping[str, Any]) -> bool:
    return bool(row["state"] == Subscriber.State.ACTIVE and row["is_paused"])


def _why(row: Mapping[str, Any], held: tuple[Article, ...]) -> Why:
    return why(
        row["state"],
        is_paused=row["is_paused"],
        is_due=row["is_due"],
        has_news=bool(held),
    )


class _Pending:
    """Articles that some of these readers have not been served, in the order of letters."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], *, now: datetime) -> None:
        after = min((row["served_news"] for row in rows), default=None)
        new = [article.pk for article in building.new_summaries(now=now)]
        numbered = Q(pk__in=new) if after is None else Q(pk__in=new) | Q(news__number__gt=after)
        public = (
            Article.objects.published(now)
            .for_page()
            .filter(numbered)
            .exclude(pin__left_out=True)
            .select_related("author", "news", "pin")
        )
        self.articles = sorted(public, key=building.place)
        self._topics = {a.pk: {tag.pk for tag in a.tags.all()} for a in self.articles}
        self._chosen: dict[str, set[int]] = {}

    def held_by(self, row: Mapping[str, Any]) -> tuple[Article, ...]:
        """What the letter of readers like these would hold."""
        return self.content_for(row, Depth.STANDARD, text_only=False).articles

    def content_for(self, row: Mapping[str, Any], depth: Depth, *, text_only: bool) -> Content:
        """Their letter: what is new to them on their topics, at most as much as they want."""
        new = [a for a in self.articles if _number(a) is None or _number(a) > row["served_news"]]
        if row["topics_key"]:
            topics = self._chosen_by(row)
            new = [article for article in new if topics & self._topics[article.pk]]
        most = min(row["max_items"] or MAX_ARTICLES, MAX_ARTICLES)
        return Content(tuple(new[:most]), depth, text_only, max(0, len(new) - most))

    def _chosen_by(self, row: Mapping[str, Any]) -> set[int]:
        """The topics of these readers: asked once for each choice, however many made it."""
        key = row["topics_key"]
        if key not in self._chosen:
            chosen = SubscriberTopic.objects.filter(subscriber=row["one"])
            self._chosen[key] = set(chosen.values_list("topic_id", flat=True))
        return self._chosen[key]


def _number(article: Article) -> Any:
    """The article's number; None if no digest has met it yet."""
    news = getattr(article, "news", None)
    return news.number if news else None


def _left_out(now: datetime) -> list[Article]:
    public = Article.objects.published(now).filter(pin__left_out=True)
    return list(public.order_by("-published_at"))


def sample_letter(
    *, now: datetime, depth: Depth = Depth.STANDARD, text_only: bool = False
) -> Words | None:
    """The letter that most readers would get; None if nothing would go out."""
    sample = look_ahead(now=now).sample
    if not sample:
        return None
    return building.write(_unsaved(now), Content(sample, depth, text_only, more=0))


def letter_for(subscriber: Subscriber, *, now: datetime) -> Words | None:
    """The letter that this subscriber would get, were it their turn; None if nothing is new.

    It names the drive even if they gave to it: editors do not see who gave.
    """
    row = {
        "served_news": subscriber.served_news,
        "topics_key": subscriber.topics_key,
        "max_items": subscriber.max_items,
        "one": subscriber.pk,
    }
    content = _Pending([row], now=now).content_for(
        row, Depth(subscriber.depth), text_only=subscriber.text_only
    )
    return building.write(_unsaved(now), content) if content.articles else None


def _unsaved(now: datetime) -> Digest:
    """The coming digest with the editor's words."""
    digest = Digest(kind=Digest.Kind.DIGEST, covers_from_at=now, covers_to_at=now)
    rhythm = Rhythm.objects.first()
    if rhythm:
        digest.subject, digest.intro = rhythm.subject, rhythm.intro
        digest.preview_line = rhythm.preview_line
    return digest


def whose_turn() -> list[Cadence]:
    """The rhythms whose readers the coming digest is for."""
    return building.due_cadences(Rhythm.objects.first())


# What an editor wishes


@transaction.atomic
def move(article: int, *, by: int, now: datetime) -> bool:
    """Pin an article one place up (`by` -1) or down (1). False if it cannot go there.

    What stands before it is pinned with it: a newer article comes after what was ordered.
    """
    _lock()
    order = [one.pk for one, _ in look_ahead(now=now).articles]
    if article not in order or not 0 <= order.index(article) + by < len(order):
        return False
    at = order.index(article)
    order.insert(at + by, order.pop(at))
    pinned = Pin.objects.filter(left_out=False, article__in=order)
    places = [order.index(pk) for pk in pinned.values_list("article", flat=True)]
    for position, pk in enumerate(order[: max([at, at + by, *places]) + 1]):
        Pin.objects.update_or_create(article_id=pk, defaults={"position": position})
    return True


@transaction.atomic
def leave_out(article: int, *, now: datetime) -> bool:
    """Keep an article out of coming digests. False if it is not in the coming one."""
    _lock()
    if article not in {one.pk for one, _ in look_ahead(now=now).articles}:
        return False
    Pin.objects.update_or_create(article_id=article, defaults={"left_out": True, "position": 0})
    return True


def let_in(article: int) -> bool:
    """Let an article that was left out into the coming digest again. False if it was not."""
    return bool(Pin.objects.filter(article=article, left_out=True).delete()[0])


def _lock() -> None:
    """Nobody builds, or wishes, meanwhile."""
    Rhythm.objects.select_for_update().first()
