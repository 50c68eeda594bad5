"""R45, R46: who opted out, here or there, stays out; topics only with consent that covers them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from articles.models import Tag
from newsletter import suppressing
from newsletter.models import ConsentEvent, Subscriber, Suppression
from newsletter.moving import importing
from newsletter.moving.formats import WORDS, Standing
from newsletter.suppressing import is_suppressed
from tests.factories import SubscriberFactory
from tests.newsletter.moving.lists import bring, bring_file, carry_out, check

pytestmark = pytest.mark.django_db

Reason = Suppression.Reason


@pytest.mark.parametrize("reason", Reason)
def test_r45_a_list_revives_nobody_who_is_suppressed_here(reason: str):
    suppressing.suppress("Bea@readers.example", reason=reason, source="test", now=timezone.now())
    assert carry_out(bring("email\nbea@READERS.example\n")) == {"BARRED": 1}
    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().reason == reason


@pytest.mark.parametrize("state", ["left", "blocked"])
def test_r45_a_list_revives_nobody_who_left_here(bea: Subscriber, state: str):
    Subscriber.objects.update(state=state, left_at=timezone.now())
    assert carry_out(bring("email\nBEA@readers.example\n")) == {"BARRED": 1}
    bea.refresh_from_db()
    assert bea.state == state
    assert not bea.consent.exists()


def test_r45_who_opted_out_in_the_file_leaves_here_too(bea: Subscriber):
    run = bring("email,status\nBea@Readers.example,unsubscribed\n", "old.csv")
    assert carry_out(run) == {"OUT": 1}
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.LEFT
    event = bea.consent.get()
    assert (event.kind, event.method) == (ConsentEvent.Kind.LEFT, ConsentEvent.Method.IMPORTED)
    assert event.detail == "old.csv, row 2: status: unsubscribed"
    assert is_suppressed("bea@readers.example")


def test_a_complaint_in_the_file_blocks_the_subscriber(bea: Subscriber):
    carry_out(bring("email,status\nbea@readers.example,complained\n"))
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.BLOCKED


def test_who_left_there_long_ago_and_confirmed_here_since_stays(bea: Subscriber):
    now = timezone.now()
    ConsentEvent.objects.create(
        subscriber=bea, kind="confirmed", method="page", happened_at=now - timedelta(days=9)
    )
    old = f"email,unsubscribed\nbea@readers.example,{now - timedelta(days=99):%Y-%m-%d}\n"
    assert carry_out(bring(old)) == {"HERE": 1}
    recent = f"email,unsubscribed\nbea@readers.example,{now - timedelta(days=1):%Y-%m-%d}\n"
    assert carry_out(bring(recent)) == {"OUT": 1}


ROWS = ["A@example.com,unsubscribed", "a@example.com,subscribed", "a@EXAMPLE.com,active"]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_an_opt_out_wins_over_other_rows_of_the_address_in_any_order(order: tuple[int, ...]):
    text = "\n".join(["email,status", *(ROWS[place] for place in order)])
    assert carry_out(bring(text)) == {"OUT": 1, "TWICE": 2}
    assert not Subscriber.objects.exists()
    assert is_suppressed("a@example.com")


def test_of_two_opt_outs_the_graver_one_counts():
    carry_out(bring("email,status\na@example.com,unsubscribed\na@example.com,spam\n"))
    assert Suppression.objects.get().reason == Reason.COMPLAINT


def test_a_status_that_nobody_understands_is_not_taken_for_a_yes():
    text = "email,status\na@example.com,subscribed\na@example.com,frozen\nb@example.com,\n"
    assert carry_out(bring(text)) == {"TWICE": 1, "UNKNOWN": 2}
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize(("word", "verdict"), [
    ("Subscribed", "NEW"), ("Abonné", "NEW"), ("opt-out", "OUT"), ("désinscrit", "OUT"),
    ("hard bounced", "OUT"), ("pending", "UNCONFIRMED"), ("Not confirmed", "UNCONFIRMED"),
    ("paused", "RESTING"), ("inactive", "RESTING"),
])  # fmt: skip
def test_words_for_a_status_are_understood(word: str, verdict: str):
    assert check(bring(f"email,status\na@example.com,{word}\n")) == {verdict: 1}


def test_no_word_means_two_things():
    assert all(word.isalnum() and word == word.lower() for word in WORDS)
    assert WORDS["inactive"] == Standing.RESTING


@pytest.mark.parametrize(("said", "verdict"), [
    ("", "NEW"), ("no", "NEW"), ("0", "NEW"), ("yes", "OUT"), ("x", "OUT"), ("2021-03-04", "OUT"),
    ("perhaps", "UNKNOWN"),
])  # fmt: skip
def test_a_column_of_leavers_says_yes_no_or_when(said: str, verdict: str):
    assert check(bring(f"email,unsubscribed\na@example.com,{said}\n")) == {verdict: 1}


def test_both_columns_are_heard():
    text = "email,status,unsubscribed\na@example.com,active,yes\nb@example.com,unsubscribed,no\n"
    assert check(bring(text)) == {"OUT": 2}


def test_nobody_here_is_changed_by_being_in_the_file(bea: Subscriber):
    Subscriber.objects.update(cadence="monthly", depth="gist")
    before = Subscriber.objects.values().get()
    assert carry_out(bring("email\nBEA@readers.example\n")) == {"HERE": 1}
    assert Subscriber.objects.values().get() == before
    assert not bea.consent.exists()


def test_what_went_out_before_is_not_sent_to_who_comes_with_a_list(monkeypatch):
    monkeypatch.setattr("newsletter.moving.storing.last_news", lambda: 41)
    carry_out(bring("email\na@example.com\n"))
    assert Subscriber.objects.get().served_news == 41


def test_r45_without_whence_and_basis_nothing_is_imported():
    run = bring("email\na@example.com\n")
    importing.name_columns(run, {"address": 0}, day_first=False)
    check(run)
    with pytest.raises(ValueError, match="how their owners agreed"):
        importing.attest(run, "  \n ")
    importing.go_on(run.pk)
    assert not Subscriber.objects.exists()


# Topics


def chosen() -> dict[str, list[str]]:
    return {
        one.email: sorted(one.chosen.values_list("topic__name", flat=True))
        for one in Subscriber.objects.order_by("email")
    }


TAGS = 'email,tags\na@example.com,"Sleep, Gossip"\nb@example.com,gossip\nc@example.com,\n'


def test_r46_tags_are_no_topics_unless_the_consent_covers_them():
    Tag.objects.create(name="sleep")
    carry_out(bring(TAGS))
    assert chosen() == {"a@example.com": [], "b@example.com": [], "c@example.com": []}
    assert set(Subscriber.objects.values_list("topics_key", flat=True)) == {""}


def test_r46_with_it_tags_that_are_topics_here_are_chosen_and_no_topic_is_made():
    Tag.objects.create(name="sleep")
    carry_out(bring(TAGS), with_topics=True)
    assert chosen() == {"a@example.com": ["sleep"], "b@example.com": [], "c@example.com": []}
    assert Subscriber.objects.get(email="a@example.com").topics_key
    assert Tag.objects.count() == 1


@pytest.mark.parametrize(("name", "tag"), [
    ("mailchimp-subscribed.csv", "lorem editors"), ("listmonk-export.constructed.csv", "fibro"),
    ("ghost-members-current.constructed.csv", "newsletter"),
    ("buttondown.constructed.csv", "news"),
])  # fmt: skip
def test_tags_are_read_as_each_program_writes_them(name: str, tag: str):
    Tag.objects.create(name=tag)
    carry_out(bring_file(name), with_topics=True)
    assert any(names == [tag] for names in chosen().values())


def test_dates_in_the_future_are_no_consent():
    carry_out(bring("email,date\na@example.com,2099-01-01\n"))
    subscriber = Subscriber.objects.get()
    assert subscriber.joined_at <= timezone.now()
    assert subscriber.consent.get().asked_at is None


def test_two_rows_here_and_there_are_one_whatever_the_domains_letters():
    SubscriberFactory.create(email="a@xn--bcher-kva.example")
    assert carry_out(bring("email\na@Bücher.example\n")) == {"HERE": 1}


def test_the_day_comes_first_where_it_can_only_be_so():
    carry_out(bring("email,date\na@example.com,31/12/2019\n"))
    assert Subscriber.objects.get().joined_at == datetime(2019, 12, 31, tzinfo=UTC)
