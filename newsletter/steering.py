"""What an editor does with a digest that is built: approve, undo, pause, resume, cancel, send on.

Each verb is one conditional update or one short transaction: pressed twice, or in two browsers at
once, it acts once. Workers look at the digest's state while they send.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.template.loader import render_to_string
from django.utils import timezone

from articles.models import Article
from newsletter.models import Batch, Delivery, Digest, News, Pin, Rhythm, Subscriber
from newsletter.sending.batches import recount
from newsletter.undoing import CANCELLED, take_back

# An editor's browser does not wait longer for a long list: the ticks do the rest.
ENOUGH = 2.0

Copy = Delivery.State
State = Digest.State


def approve(digest: Digest, *, by: str, hold: timedelta, now: datetime) -> bool:
    """Let a digest that waits for approval go, after `hold`, so that this can be undone, too.

    False if it does not wait for one (any more).
    """
    waits = Digest.objects.filter(pk=digest.pk, state=State.HELD, hold_until_at__isnull=True)
    state = State.HELD if hold > timedelta() else State.SENDING
    reason = f"Approved by {by}."[:300]
    return bool(waits.update(state=state, hold_until_at=now + hold, reason=reason))


def release(digest: Digest, *, by: str) -> bool:
    """Send a held digest at once, without the rest of its hold. False if it is not held."""
    held = Digest.objects.filter(pk=digest.pk, state=State.HELD)
    return bool(held.update(state=State.SENDING, reason=f"Let go by {by} before its hold."[:300]))


def pause(digest: Digest, *, by: str) -> bool:
    """Stop a digest on its way. False if it is not on its way.

    A worker in the middle of it goes on for a second at most, until it looks at the state.
    """
    on_its_way = Digest.objects.filter(pk=digest.pk, state=State.SENDING)
    return bool(on_its_way.update(state=State.PAUSED, reason=f"Paused by {by}."[:300]))


def resume(digest: Digest) -> bool:
    """Let a paused digest go on where it stopped. False if it is not paused."""
    paused = Digest.objects.filter(pk=digest.pk, state=State.PAUSED)
    return bool(paused.update(state=State.SENDING, reason=""))


@transaction.atomic
def undo(digest: Digest, *, by: str) -> bool:
    """Take back a digest that is still held: no copy has left. False if it is not held.

    The next digest has its articles again, and the editor's words for it. Letters about each
    article would be built again at once: their articles are left out until an editor lets them in.
    """
    rhythm = _lock()
    held = Digest.objects.filter(pk=digest.pk, state=State.HELD)
    if not held.update(state=State.CANCELLED, reason=f"Undone by {by}."[:300]):
        return False
    while _skip_a_batch(digest, now=timezone.now()):
        pass
    _forget_numbers(digest)
    if digest.kind == Digest.Kind.EACH:
        _leave_out(digest.items.values_list("article", flat=True).distinct())
    elif digest.kind == Digest.Kind.DIGEST and rhythm:
        _give_back_wishes(digest, rhythm)
    finish_cancelled(now=timezone.now())
    return True


def cancel(digest: Digest, *, by: str) -> bool:
    """End a digest on its way, or paused: copies that wait are skipped and their readers get these
    articles with the next digest. False if it is neither.

    What workers hold at this moment may still arrive, and is settled as what becomes of it.
    """
    open_digest = Digest.objects.filter(pk=digest.pk, state__in=[State.SENDING, State.PAUSED])
    if not open_digest.update(state=State.CANCELLED, reason=f"Cancelled by {by}."[:300]):
        return False
    finish_cancelled(now=timezone.now())
    return True


@transaction.atomic
def send_to_the_rest(digest: Digest, *, with_unknown: bool, now: datetime) -> int:
    """Queue again the failed copies of a digest that is done; the number of them.

    With `with_unknown` also those that may have arrived: only a person decides that.
    """
    Digest.objects.select_for_update().get(pk=digest.pk)
    done = Digest.objects.filter(pk=digest.pk, state=State.DONE)
    states = [Copy.FAILED, *([Copy.UNKNOWN] if with_unknown else [])]
    # Where nobody is any more, or nobody may be written to, there is no rest.
    readers = Subscriber.objects.active()
    rest = digest.deliveries.filter(state__in=states, subscriber__in=readers)
    if not done.exists():
        return 0
    again = {"state": Copy.QUEUED, "reason": "", "attempts": 0, "not_before_at": now}
    number = rest.update(settled_at=None, **again)
    if number:
        held_no_more = digest.batches.select_for_update()
        for batch in held_no_more.filter(Q(failed__gt=0) | Q(unknown__gt=0)):
            recount(batch)
        done.update(state=State.SENDING, finished_at=None, reason="")
    return number


def finish_cancelled(*, now: datetime) -> None:
    """Skip what still waits of cancelled digests, batch by batch, and close those whose sums agree.

    For each tick: what workers gave back meanwhile is skipped, too. Of a very long list a part is
    left to the next call.
    """
    until = time.monotonic() + ENOUGH
    for digest in Digest.objects.filter(state=State.CANCELLED, finished_at__isnull=True):
        while _skip_a_batch(digest, now=now):
            if time.monotonic() > until:
                return
        whole = sum(digest.counts().values()) == digest.audience
        if whole and not digest.batches.open().exists():
            Digest.objects.filter(pk=digest.pk).update(finished_at=now)


def _lock() -> Rhythm | None:
    """Nobody builds a digest meanwhile: what readers were served changes under one hand."""
    return Rhythm.objects.select_for_update().first()


@transaction.atomic
def _skip_a_batch(digest: Digest, *, now: datetime) -> bool:
    """Skip what waits in one batch that no worker holds, and take back those skipped; False if
    there is none. Those skipped before may have been served since."""
    _lock()
    waiting = Batch.objects.select_for_update().filter(digest=digest, state=Batch.State.WAITING)
    batch = waiting.first()
    if batch is None:
        return False
    queued = batch.copies().filter(state=Copy.QUEUED)
    take_back(queued, digest)
    queued.update(state=Copy.SKIPPED, reason=CANCELLED, settled_at=now)
    recount(batch)
    return True


def _forget_numbers(digest: Digest) -> None:
    """Make what nobody got or may get new again, as if the undone digest had not been built.

    Without its number an article may be left out, and comes to readers who join meanwhile.
    """
    standing = Digest.objects.exclude(state=State.CANCELLED).exclude(pk=digest.pk)
    last = standing.aggregate(last=Max("news_to"))["last"] or 0
    # The digests first: a copy is found by its digest, not by what it holds.
    holding = Digest.objects.filter(items__article__news__number__gt=last).order_by()
    copies = Delivery.objects.filter(
        digest__in=holding.values("pk"), variant__items__article__news__number__gt=last
    )
    # A failed copy may be sent yet, with the rest.
    got = copies.exclude(state=Copy.SKIPPED).order_by()
    last = max(last, got.aggregate(last=Max("variant__items__article__news__number"))["last"] or 0)
    News.objects.filter(number__gt=last).delete()
    Subscriber.objects.filter(served_news__gt=last).update(served_news=last)


def _leave_out(articles: Iterable[int]) -> None:
    for article in articles:
        Pin.objects.update_or_create(article_id=article, defaults={"left_out": True})


def _give_back_wishes(digest: Digest, rhythm: Rhythm) -> None:
    """What the editor wrote for this digest, and its order, unless there is something newer."""
    rhythm.intro = rhythm.intro or digest.intro
    rhythm.preview_line = rhythm.preview_line or digest.preview_line
    rhythm.subject = rhythm.subject or _typed_subject(digest)
    rhythm.save(update_fields=["intro", "preview_line", "subject"])
    order = _typed_order(digest)
    if not Pin.objects.filter(left_out=False, article__in=order).exists():
        for position, article in enumerate(order):
            Pin.objects.get_or_create(article_id=article, defaults={"position": position})


def _typed_subject(digest: Digest) -> str:
    """The subject if an editor wrote it; "" if it was made of the titles."""
    variants = digest.variants.prefetch_related("items__article")
    made = {_made_subject([i.article for i in variant.items.all()]) for variant in variants}
    return "" if digest.subject in made else digest.subject[:150]


def _made_subject(articles: Sequence[Article]) -> str:
    """The subject of a digest of these articles, if no editor writes one."""
    words = {"articles": [{"article": article} for article in articles]}
    made = render_to_string("newsletter/letters/digest.subject.txt", words)
    return " ".join(made.split())[:200]


def _typed_order(digest: Digest) -> list[int]:
    """The articles of what most readers got, if an editor ordered them; else nothing."""
    variant = digest.variants.first()
    if variant is None:
        return []
    articles = [item.article for item in variant.items.select_related("article")]
    by_date = sorted(articles, key=lambda a: a.published_at or digest.covers_to_at, reverse=True)
    return [article.pk for article in articles] if articles != by_date else []
