"""Readers hear what became of a study behind an article they got: they, once, and nobody else."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.models import Article, Reference
from newsletter import building, correcting, delivering, subscribing
from newsletter.letters import CORRECTIONS_SLOT
from newsletter.models import Citation, Correction, Delivery, Digest, Subscriber
from research import watching
from research.models import Notice, Study
from research.records import Signal
from tests.factories import NOON, ArticleFactory, StudyFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer, refusal
from tests.newsletter.scenes import recounted

pytestmark = pytest.mark.django_db

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
TOLD = "a study behind an article we sent you"


@pytest.fixture
def study() -> Study:
    return StudyFactory.create(title="Forty <b>people</b> & rest", authors="Gentile, E\nRicci, K")


def digest_at(now: datetime, **article: Any) -> Digest:
    """A digest of one new article, built at `now`, its copies still queued."""
    ArticleFactory.create(published_at=now - DAY, **article)
    digest = building.build_digest(now=now)
    assert digest is not None
    return digest


def sent_at(now: datetime, **article: Any) -> Digest:
    """The same, sent to all."""
    digest = digest_at(now, **article)
    digest.deliveries.update(state="sent", settled_at=now)
    return digest


def found_out(
    study: Study, now: datetime, kind: str = "retraction", doi: str = "10.5555/n"
) -> None:
    watching.take_in(study, [Signal(kind, doi, dated_on=date(2026, 3, 1))], now=now)


def told(digest: Digest) -> set[str]:
    """The addresses whose copies of the digest carry a correction."""
    copies = digest.deliveries.filter(corrections__isnull=False)
    return set(copies.values_list("subscriber__email", flat=True))


def letter_of(digest: Digest, reader: Subscriber) -> EmailMultiAlternatives:
    """The reader's copy as it goes out."""
    mail.outbox.clear()
    delivering.deliver_round(digest.pk)
    (letter,) = [one for one in mail.outbox if one.to == [reader.email]]
    assert isinstance(letter, EmailMultiAlternatives)
    return letter


def html_of(letter: EmailMultiAlternatives) -> str:
    return str(letter.alternatives[0].content)  # type: ignore[attr-defined]


def test_those_who_got_the_article_are_told_with_the_next_digest_once(
    bea: Subscriber, study: Study
) -> None:
    first = sent_at(NOON, studies=[study])
    late = SubscriberFactory.create()
    found_out(study, NOON + DAY)
    second, third = sent_at(NOON + WEEK), sent_at(NOON + 2 * WEEK)
    assert [told(digest) for digest in (first, second, third)] == [set(), {bea.email}, set()]
    assert second.deliveries.filter(subscriber=late).exists()


def test_a_reader_of_another_article_is_not_told(bea: Subscriber, study: Study) -> None:
    ArticleFactory.create(kind="explainer", studies=[study])
    sent_at(NOON)
    found_out(study, NOON + DAY)
    assert told(sent_at(NOON + WEEK)) == set()


@pytest.mark.parametrize(
    ("state", "is_told"),
    [("sent", True), ("unknown", True), ("skipped", False), ("failed", False), ("queued", False)],
)
def test_only_who_may_have_got_the_article_is_told(
    bea: Subscriber, study: Study, state: str, is_told: bool
) -> None:
    digest_at(NOON, studies=[study]).deliveries.update(state=state)
    found_out(study, NOON + DAY)
    assert told(sent_at(NOON + WEEK)) == ({bea.email} if is_told else set())


@pytest.mark.parametrize(
    ("state", "again"),
    [("sent", False), ("unknown", False), ("skipped", True), ("failed", True), ("queued", False)],
)
def test_who_may_have_been_told_is_not_told_again(
    bea: Subscriber, study: Study, state: str, again: bool
) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    second = digest_at(NOON + WEEK)
    assert told(second) == {bea.email}
    second.deliveries.update(state=state)
    assert told(sent_at(NOON + 2 * WEEK)) == ({bea.email} if again else set())


def test_who_pauses_is_told_with_the_first_letter_after_it(bea: Subscriber, study: Study) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    Subscriber.objects.update(paused_until_at=NOON + WEEK + DAY)
    other = SubscriberFactory.create()
    second = sent_at(NOON + WEEK)
    assert [copy.subscriber for copy in second.deliveries.all()] == [other]
    assert told(second) == set()
    assert not second.corrections.exists()
    assert told(sent_at(NOON + 2 * WEEK)) == {bea.email}


def test_who_left_is_told_nothing(bea: Subscriber, study: Study, mailer: Mailer) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    digest = digest_at(NOON + WEEK)
    subscribing.leave(bea, method="one-click", now=NOON + WEEK)
    delivering.deliver_round(digest.pk)
    assert mailer.letters == []
    SubscriberFactory.create()
    assert told(sent_at(NOON + 2 * WEEK)) == set()


def test_a_correction_alone_makes_no_letter_and_waits(bea: Subscriber, study: Study) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    assert building.build_digest(now=NOON + WEEK) is None
    assert not Correction.objects.exists()
    assert told(sent_at(NOON + 2 * WEEK)) == {bea.email}


def test_who_got_it_is_told_although_an_editor_took_the_study_out(
    bea: Subscriber, study: Study
) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    Reference.objects.all().delete()
    assert told(sent_at(NOON + WEEK)) == {bea.email}


def test_a_study_that_came_into_the_article_later_counts_too(bea: Subscriber, study: Study) -> None:
    sent_at(NOON)
    Reference.objects.create(article=Article.objects.get(), study=study)
    found_out(study, NOON + DAY)
    assert told(sent_at(NOON + WEEK)) == {bea.email}


@pytest.mark.parametrize(
    ("kind", "is_told"), [("retraction", True), ("concern", True), ("correction", False)]
)
def test_what_was_known_before_is_told_if_it_is_grave(
    bea: Subscriber, study: Study, kind: str, is_told: bool
) -> None:
    found_out(study, NOON - DAY, kind)
    sent_at(NOON, studies=[study])
    assert told(sent_at(NOON + WEEK)) == ({bea.email} if is_told else set())


def test_what_an_editor_set_aside_is_not_told(bea: Subscriber, study: Study) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    Notice.objects.update(stands=False)
    assert told(sent_at(NOON + WEEK)) == set()


def test_what_is_a_year_old_is_no_news(bea: Subscriber, study: Study) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    assert told(sent_at(NOON + DAY + timedelta(days=365))) == set()


def test_one_letter_tells_the_gravest_and_the_next_one_the_rest(
    bea: Subscriber, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correcting, "MAX_CORRECTIONS", 2)
    sent_at(NOON, studies=[study])
    for kind in ("correction", "concern", "retraction"):
        found_out(study, NOON + DAY, kind)
    digests = [sent_at(NOON + weeks * WEEK) for weeks in (1, 2, 3)]
    kinds = dict(Notice.objects.values_list("pk", "kind"))
    lines = [[kinds[line.notice_key] for line in digest.corrections.all()] for digest in digests]
    assert lines == [["retraction", "concern"], ["correction"], []]


@pytest.mark.parametrize(
    ("kind", "heading", "words"),
    [
        ("retraction", "Retracted: ", "was retracted on 1 March 2026. Do not rely on its results."),
        ("concern", "Doubts about ", ": its journal expressed concern on 1 March 2026. Read"),
        ("correction", "Corrected: ", "was corrected on 1 March 2026. Something in it was changed"),
    ],
)
def test_both_parts_say_what_happened_above_the_new_articles(
    bea: Subscriber, study: Study, kind: str, heading: str, words: str
) -> None:
    sent_at(NOON, studies=[study], title="Rest & “effort” <1>", slug="rest")
    found_out(study, NOON + DAY, kind)
    letter = letter_of(digest_at(NOON + WEEK, title="What is new"), bea)
    text, html = str(letter.body), html_of(letter)
    assert (heading + TOLD).upper() in text
    assert heading + TOLD in html
    for part in (text, html):
        assert words in part
        assert "Gentile et al 2019" in part
        assert "https://doi.org/10.5555/n" in part
        assert f"https://fibrosite.example{study.get_absolute_url()}" in part
        assert "https://fibrosite.example/articles/rest/" in part
        assert CORRECTIONS_SLOT not in part
    assert text.index("“Forty <b>people</b> & rest”") < text.index("WHAT IS NEW")
    assert html.index("Forty &lt;b&gt;people&lt;/b&gt; &amp; rest") < html.index("What is new</a>")
    assert "- Rest & “effort” <1>" in text
    assert "Rest &amp; “effort” &lt;1&gt;</a>." in html


def test_a_letter_without_corrections_has_no_trace_of_them(bea: Subscriber) -> None:
    letter = letter_of(digest_at(NOON), bea)
    assert "\ue000" not in f"{letter.body}{html_of(letter)}"
    assert TOLD not in f"{letter.body}{html_of(letter)}".lower()


def test_an_article_that_is_withdrawn_is_not_named(bea: Subscriber, study: Study) -> None:
    sent_at(NOON, studies=[study], title="Taken back")
    found_out(study, NOON + DAY)
    Article.objects.update(state="withdrawn")
    letter = letter_of(digest_at(NOON + WEEK), bea)
    for part in (str(letter.body), html_of(letter)):
        assert "Taken back" not in part
        assert "no longer on the site" in part


def test_another_try_sends_the_same_words(bea: Subscriber, study: Study, mailer: Mailer) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    digest = digest_at(NOON + WEEK)
    handed: list[Any] = []
    real = mailer.send_messages

    def keeps(letters: list[Any]) -> int:
        handed.extend(letters)
        return real(letters)

    mailer.send_messages = keeps  # type: ignore[method-assign]
    mailer.answers = [refusal(451)]
    delivering.deliver_round(digest.pk)
    Study.objects.update(title="Another title", status="none")
    Notice.objects.all().delete()
    Article.objects.update(title="Another")
    digest.deliveries.update(not_before_at=NOON)
    recounted(digest)
    delivering.deliver_round(digest.pk)
    first, second = handed
    assert first.body == second.body
    assert html_of(first) == html_of(second)
    assert TOLD.upper() in first.body
    assert digest.deliveries.get().state == "sent"


def test_sending_asks_as_often_for_two_readers_as_for_forty(study: Study, mailer: Mailer) -> None:
    SubscriberFactory.create_batch(40)
    sent_at(NOON, studies=[study])
    for number in range(5):
        found_out(study, NOON + DAY, doi=f"10.5555/{number}")
    digest = digest_at(NOON + WEEK)

    def questions(readers: int) -> int:
        chosen = list(digest.deliveries.values_list("pk", flat=True)[:readers])
        Delivery.objects.exclude(pk__in=chosen).update(state="sent")
        digest.deliveries.filter(pk__in=chosen).update(state="queued", not_before_at=NOON)
        recounted(digest)
        Digest.objects.filter(pk=digest.pk).update(state="sending")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            delivering.deliver_round(digest.pk)
        return sum("newsletter_correction" in query["sql"] for query in asked)

    assert questions(2) == questions(40) <= 2
    assert len(mailer.letters) == 42


def test_building_asks_as_often_for_one_reader_as_for_forty(study: Study) -> None:
    def questions(now: datetime) -> int:
        ArticleFactory.create(published_at=now - DAY)
        with CaptureQueriesContext(connection) as asked:
            assert told(building.build_digest(now=now) or Digest())
        Delivery.objects.update(state="sent")
        return len(asked)

    SubscriberFactory.create()
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    alone = questions(NOON + WEEK)
    SubscriberFactory.create_batch(39)
    sent_at(NOON + 2 * WEEK, studies=[study])
    found_out(study, NOON + 2 * WEEK + DAY, doi="10.5555/again")
    assert questions(NOON + 3 * WEEK) == alone


def test_what_was_sent_before_this_was_noted_is_noted_with_the_next_digest(
    bea: Subscriber, study: Study
) -> None:
    sent_at(NOON, studies=[study])
    Citation.objects.all().delete()
    found_out(study, NOON + DAY)
    assert told(sent_at(NOON + WEEK)) == {bea.email}


def test_an_erased_reader_does_not_hinder_the_others(bea: Subscriber, study: Study) -> None:
    gone = SubscriberFactory.create()
    sent_at(NOON, studies=[study])
    gone.delete()
    found_out(study, NOON + DAY)
    assert told(sent_at(NOON + WEEK)) == {bea.email}


def test_editors_see_the_corrections_in_the_copy_as_sent(
    ada_browses: Client, bea: Subscriber, study: Study
) -> None:
    sent_at(NOON, studies=[study])
    found_out(study, NOON + DAY)
    digest = sent_at(NOON + WEEK)
    html = ada_browses.get(f"/admin/newsletter/digest/{digest.pk}/copy/").content.decode()
    assert TOLD in html
    assert "\ue000" not in html
