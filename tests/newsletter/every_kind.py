"""One letter of each kind as it arrives by SMTP."""

from datetime import timedelta

from django.core.mail import get_connection
from django.utils import timezone

from articles.models import ArticleBox
from newsletter import announcing, building, delivering, singles
from newsletter.models import AddressChange, Depth, Letter, Rhythm, Subscriber
from research.models import Notice, Study
from tests.articles.bodies import full_article
from tests.factories import (
    ArticleFactory,
    DriveFactory,
    StudyFactory,
    SubscriberFactory,
    add_block,
    gift,
)
from tests.newsletter.conftest import Post

# By the name in the address to which each goes.
DIGESTS = ("gist", "standard", "full", "text-only", "correction", "announcement")
SINGLES = tuple(Letter.Kind.values)


def letters_of_every_kind(post: Post) -> dict[str, bytes]:
    """The raw bytes of each, by its name."""
    gift(DriveFactory.create(), 42_000)
    _send_digests()
    _send_announcement()
    _send_singles()
    names = [address.partition("@")[0] for address in post.recipients]
    return dict(zip(names, post.letters, strict=True))


def _send_digests() -> None:
    study = StudyFactory.create(
        design="rct",
        patients=120,
        criteria="ACR 2016",
        funding="public",
        plain_sentence="It hints.",
    )
    reader = SubscriberFactory.create(email="correction@readers.example")
    _digest_about("Rest, paced by heart rate", study)
    Notice.objects.create(study=study, kind="retraction", dated_on=timezone.localdate())
    Study.objects.filter(pk=study.pk).update(status="retracted")
    for depth in Depth:
        SubscriberFactory.create(email=f"{depth}@readers.example", depth=depth)
    SubscriberFactory.create(email="text-only@readers.example", text_only=True)
    Rhythm.objects.update(
        intro="A long article this week: take it in parts.", preview_line="Two trials, and a doubt"
    )
    whole = full_article(
        title="What slow tapping shows about tiredness",
        standfirst="A small study looked at movement, and found it slower.",
        gist=["It was small.", "Movement was slower.", "It hints at a cause, no more."],
    )
    add_block(
        whole, ArticleBox, kind="warning", title="Stop early", html="<p>Rest <em>before</em>.</p>"
    )
    _digest_about("Naltrexone in low doses", study, StudyFactory.create(), StudyFactory.create())
    assert reader.deliveries.count() == 2


def _digest_about(title: str, *studies: Study) -> None:
    ArticleFactory.create(title=title, studies=studies, tags=["sleep"])
    digest = building.build_digest(now=timezone.now())
    assert digest is not None
    while delivering.deliver_round(digest.pk):
        pass


def _send_announcement() -> None:
    Subscriber.objects.all().delete()
    SubscriberFactory.create(email="announcement@readers.example")
    html = (
        '<p>We move on Friday. <a href="/articles/">All articles</a> stay.</p><ul><li>One</li></ul>'
    )
    letter = announcing.Announcement("The site moves on Friday", html)
    digest, _ = announcing.announce(letter, now=timezone.now(), hold=timedelta())
    while delivering.deliver_round(digest.pk):
        pass


def _send_singles() -> None:
    now = timezone.now()
    bea = SubscriberFactory.create(email="bea@readers.example")
    change = AddressChange.objects.create(
        subscriber=bea, email="change@readers.example", asked_at=now
    )
    keys = {Letter.Kind.CHANGE: change.key}
    with get_connection() as mailer:
        for kind in Letter.Kind:
            letter = Letter(
                kind=kind,
                email=f"{kind}@readers.example",
                key=keys.get(kind, bea.key),
                asked_at=now,
                due_at=now + timedelta(minutes=1),
            )
            message = singles.message_of(letter)
            assert message is not None, kind
            mailer.send_messages([message])
