"""Taking back what was queued: its readers count as not served, so that nothing is lost to them."""

from django.db.models import OuterRef, QuerySet, Subquery

from newsletter.models import Delivery, Digest, Subscriber

CANCELLED = "cancelled by an editor"


def take_back(copies: QuerySet[Delivery], digest: Digest) -> int:
    """The next digest considers again, for the readers of these copies, what the copies held.

    Not for readers whom a later digest has served since: to them it might come twice. Returns
    the number of readers.
    """
    before = Delivery.objects.filter(digest=digest, subscriber=OuterRef("pk"))
    readers = Subscriber.objects.filter(
        pk__in=copies.order_by().values("subscriber"), served_news=digest.news_to
    )
    return readers.update(served_news=Subquery(before.values("served_before")[:1]))
