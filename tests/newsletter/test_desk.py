"""The pages of the digest desk, as an editor uses them."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter import building, tasks
from newsletter.models import Delivery, Digest, Pin, Rhythm, SignUp, Subscriber
from tests.factories import ArticleFactory, SubscriberFactory
from tests.newsletter.conftest import Mailer, refusal
from tests.newsletter.scenes import digest_to, everything, recounted, states

pytestmark = pytest.mark.django_db

DIGESTS = "/admin/newsletter/digest/"
COMING = f"{DIGESTS}coming/"
UPCOMING = f"{DIGESTS}upcoming/"
SEND_NOW = f"{DIGESTS}send-now/"
HOLD = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The digests that were handed to a worker."""
    ids: list[int] = []
    monkeypatch.setattr(tasks.deliver, "delay", ids.append)
    return ids


@pytest.fixture
def dara_browses(db: None) -> Client:
    """A volunteer who may log in, and nothing more."""
    client = Client()
    client.force_login(User.objects.create_user("dara", is_staff=True))
    return client


@pytest.fixture
def emil_browses(db: None) -> Client:
    """Somebody who may look at digests, and not send them."""
    client = Client()
    user = User.objects.create_user("emil", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_digest"))
    client.force_login(user)
    return client


def do(client: Client, digest: Digest, verb: str, **data: str) -> Any:
    return client.post(f"{DIGESTS}{digest.pk}/do/{verb}/", data, follow=True)


def state_of(digest: Digest) -> str:
    return Digest.objects.get(pk=digest.pk).state


def held_digest() -> Digest:
    ArticleFactory.create(title="What rest does")
    digest = building.build_digest(now=timezone.now(), hold=HOLD)
    assert digest
    return digest


# The coming digest


def test_looking_at_the_coming_digest_changes_nothing(
    ada_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    ArticleFactory.create(title="What rest does")
    before = everything()
    page = ada_browses.get(COMING).text
    assert "What rest does" in page
    assert "Every week" in page or "every week" in page
    assert everything() == before


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "path", [COMING, UPCOMING, f"{COMING}test/", f"{COMING}1/up/", f"{DIGESTS}figures/"]
)
def test_the_desk_is_for_editors(
    cleo: Client, dara_browses: Client, path: str, method: str
) -> None:
    assert getattr(cleo, method)(path).status_code == 302
    assert getattr(dara_browses, method)(path).status_code == 403


def test_who_may_only_look_changes_nothing(
    emil_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    article = ArticleFactory.create()
    page = emil_browses.get(COMING).text
    assert "Leave out" not in page
    assert "Send a test" not in page
    assert "As this subscriber" not in page
    assert emil_browses.get(f"{COMING}?reader={bea.email}").status_code == 403
    assert emil_browses.get(f"{UPCOMING}?reader={bea.email}").status_code == 403
    before = everything()
    for path in (COMING, f"{COMING}test/", f"{COMING}{article.pk}/leave-out/"):
        assert emil_browses.post(path, {"mode": "approve"}).status_code == 403
    assert everything() == before


def test_articles_are_ordered_left_out_and_let_in_by_buttons(
    ada_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    old = ArticleFactory.create(title="Old one", published_at=timezone.now() - timedelta(days=2))
    ArticleFactory.create(title="New one")
    ada_browses.get(f"{COMING}{old.pk}/up/")
    assert not Pin.objects.exists()
    page = ada_browses.post(f"{COMING}{old.pk}/up/", follow=True).text
    assert page.index("Old one") < page.index("New one")
    page = ada_browses.post(f"{COMING}{old.pk}/leave-out/", follow=True).text
    assert "Let in" in page
    assert "Let in" not in ada_browses.post(f"{COMING}{old.pk}/let-in/", follow=True).text
    again = ada_browses.post(f"{COMING}{old.pk}/let-in/", follow=True).text
    assert "Nothing was changed" in again
    assert ada_browses.post(f"{COMING}{old.pk}/burn/").status_code == 404


def test_the_editors_words_are_kept_and_stand_in_the_letter(
    ada_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    ArticleFactory.create()
    Rhythm.objects.update(number=7)
    words = {"subject": "Rest", "preview_line": "Why", "intro": "Dear all", "mode": "approve"}
    assert "Saved." in ada_browses.post(COMING, words, follow=True).text
    assert Rhythm.objects.values(*words).get() == words
    assert Rhythm.objects.get().number == 7
    digest = building.build_digest(now=timezone.now())
    assert digest
    assert (digest.subject, digest.preview_line, digest.intro) == ("Rest", "Why", "Dear all")


def test_words_that_are_too_long_are_shown_again(
    ada_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    data = {"subject": "long " * 60, "intro": "Dear all", "mode": "automatic"}
    page = ada_browses.post(COMING, data)
    assert "at most 150 characters" in page.text
    assert "Dear all" in page.text
    assert Rhythm.objects.get().intro == ""


@pytest.mark.parametrize("depth", ["gist", "standard", "full"])
@pytest.mark.parametrize("part", ["html", "text"])
def test_the_letter_is_shown_in_each_depth_and_part(
    ada_browses: Client, bea: Subscriber, depth: str, part: str
) -> None:
    ArticleFactory.create(title="What rest does")
    response = ada_browses.get(f"{UPCOMING}?depth={depth}&part={part}")
    assert "what rest does" in response.text.lower()
    assert "\ue000" not in response.text
    assert ("<pre" in response.text) == (part == "text")


def test_the_letter_is_shown_as_dark_programs_do(ada_browses: Client, bea: Subscriber) -> None:
    ArticleFactory.create()
    plain = ada_browses.get(f"{UPCOMING}?colours=light").text
    dark = ada_browses.get(f"{UPCOMING}?colours=dark").text
    assert "prefers-color-scheme: dark" not in dark + plain
    assert "(min-width: 0)" in dark
    assert "(max-width: 0)" in plain


def test_odd_choices_show_the_usual_letter(ada_browses: Client, bea: Subscriber) -> None:
    ArticleFactory.create()
    odd = "?depth=abyss&part=%00&colours=&width=9&reader=nobody"
    assert ada_browses.get(f"{UPCOMING}{odd}").status_code == 200
    assert ada_browses.get(f"{COMING}{odd}").status_code == 200


def test_ada_sees_the_letter_as_bea_would_get_it(ada_browses: Client, rhythm: Rhythm) -> None:
    ArticleFactory.create(title="What rest does")
    SubscriberFactory.create(email="bea@readers.example", text_only=True)
    page = ada_browses.get(f"{COMING}?reader=BEA@readers.example").text
    assert "text only" in page
    letter = ada_browses.get(f"{UPCOMING}?reader=BEA@readers.example").text
    assert "<pre" in letter
    assert "/unsubscribe/" not in letter


def test_an_unknown_address_is_said(ada_browses: Client, bea: Subscriber) -> None:
    ArticleFactory.create()
    page = ada_browses.get(f"{COMING}?reader=cleo@readers.example").text
    assert "No subscriber has this address." in page
    assert ada_browses.get(f"{UPCOMING}?reader=cleo@readers.example").status_code == 404


def test_nothing_new_to_a_reader_is_said(ada_browses: Client, bea: Subscriber) -> None:
    assert "Nothing is new to bea" in ada_browses.get(f"{COMING}?reader={bea.email}").text


# A test to the editor


def test_a_test_goes_to_the_editor_alone_with_links_that_do_nothing(
    ada: User, ada_browses: Client, bea: Subscriber, cleo: Client
) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@newsroom.example")
    ArticleFactory.create(title="What rest does")
    before = {name: rows for name, rows in everything().items() if "newsletter" in name}
    assert "A test is on its way" in ada_browses.post(f"{COMING}test/", follow=True).text
    [letter] = mail.outbox
    assert letter.to == ["ada@newsroom.example"]
    assert letter.subject == "[Test] What rest does"
    assert "\ue000" not in str(letter.body)
    door = letter.extra_headers["List-Unsubscribe"].strip("<>")
    cleo.post(door.removeprefix("https://fibrosite.example"))
    assert {n: rows for n, rows in everything().items() if "newsletter" in n} == before


def test_an_editor_without_an_address_is_told(ada_browses: Client, bea: Subscriber) -> None:
    ArticleFactory.create()
    page = ada_browses.post(f"{COMING}test/", follow=True).text
    assert "Your account has no e-mail address" in page
    assert mail.outbox == []


def test_what_the_mail_server_says_to_a_test_is_shown(
    ada: User, ada_browses: Client, bea: Subscriber, mailer: Mailer
) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@newsroom.example")
    ArticleFactory.create()
    mailer.answers = [refusal(550, "go away")]
    assert "go away" in ada_browses.post(f"{COMING}test/", follow=True).text
    mailer.is_silent = True
    assert "cannot be reached" in ada_browses.post(f"{COMING}test/", follow=True).text


def test_a_test_of_nothing_is_refused(ada_browses: Client) -> None:
    assert "no article is new" in ada_browses.post(f"{COMING}test/", follow=True).text
    assert ada_browses.get(f"{COMING}test/").status_code == 302


# Send now


def test_send_now_holds_the_digest_and_offers_undo(
    ada_browses: Client, bea: Subscriber, settings: Settings, queued: list[int]
) -> None:
    settings.DIGEST_HOLD = HOLD
    ArticleFactory.create()
    assert "held for 10 minutes" in ada_browses.get(SEND_NOW).text
    page = ada_browses.post(SEND_NOW, follow=True).text
    digest = Digest.objects.get()
    assert "Until then you can undo it" in page
    assert "Undo" in page
    assert (digest.state, queued) == ("held", [])


def test_send_now_may_skip_the_hold(
    ada_browses: Client, bea: Subscriber, settings: Settings
) -> None:
    settings.DIGEST_HOLD = HOLD
    ArticleFactory.create()
    page = ada_browses.post(SEND_NOW, {"at_once": "on"}, follow=True).text
    assert "is on its way to 1 reader" in page
    assert Digest.objects.get().state == "sending"


# A digest that was built


def test_undo_by_one_press(ada_browses: Client, bea: Subscriber, rhythm: Rhythm) -> None:
    digest = held_digest()
    page = do(ada_browses, digest, "undo").text
    assert "no copy has left" in page
    assert (state_of(digest), states(digest)) == ("cancelled", ["skipped"])
    assert "Nothing was changed" in do(ada_browses, digest, "undo").text


def test_looking_at_a_digest_changes_nothing(ada_browses: Client, bea: Subscriber) -> None:
    digest = held_digest()
    before = everything()
    for path in (f"{digest.pk}/change/", f"{digest.pk}/do/undo/", f"{digest.pk}/history/"):
        assert ada_browses.get(f"{DIGESTS}{path}").status_code in (200, 302)
    assert everything() == before


@pytest.mark.parametrize("verb", ["release", "cancel", "rest"])
def test_what_cannot_be_undone_is_asked_for_once_more(
    ada_browses: Client, bea: Subscriber, verb: str
) -> None:
    state = {"release": "held", "cancel": "sending", "rest": "done"}[verb]
    digest = digest_to(bea, state=state)
    if verb == "rest":
        digest.deliveries.update(state="failed")
    before = states(digest)
    page = do(ada_browses, digest, verb).text
    assert 'name="sure"' in page
    assert (state_of(digest), states(digest)) == (state, before)
    do(ada_browses, digest, verb, sure="yes")
    assert state_of(digest) != state


def test_a_digest_is_paused_and_goes_on(
    ada_browses: Client,
    bea: Subscriber,
    queued: list[int],
    django_capture_on_commit_callbacks: Any,
) -> None:
    digest = digest_to(bea, state="sending")
    page = do(ada_browses, digest, "pause").text
    assert "Paused by ada." in page
    with django_capture_on_commit_callbacks(execute=True):
        do(ada_browses, digest, "resume")
    assert (state_of(digest), queued) == ("sending", [digest.pk])


def test_approving_lets_it_go(ada_browses: Client, bea: Subscriber) -> None:
    digest = digest_to(bea, state="held")
    assert "until an editor approves" in ada_browses.get(f"{DIGESTS}{digest.pk}/change/").text
    do(ada_browses, digest, "approve")
    assert state_of(digest) == "sending"


def test_unknown_copies_go_again_only_if_ticked(ada_browses: Client) -> None:
    digest = digest_to(*SubscriberFactory.create_batch(2), state="done")
    first, second = digest.deliveries.all()
    Delivery.objects.filter(pk=first.pk).update(state="failed")
    Delivery.objects.filter(pk=second.pk).update(state="unknown")
    recounted(digest)
    assert "may have arrived" in do(ada_browses, digest, "rest").text
    do(ada_browses, digest, "rest", sure="yes")
    assert states(digest) == ["queued", "unknown"]
    digest.deliveries.filter(pk=first.pk).update(state="failed")
    recounted(digest)
    Digest.objects.update(state="done")
    do(ada_browses, digest, "rest", sure="yes", unknown="on")
    assert states(digest) == ["queued", "queued"]


@pytest.mark.parametrize("verb", ["undo", "approve", "release", "pause", "resume", "cancel"])
def test_the_verbs_are_for_those_who_may_send(
    emil_browses: Client, dara_browses: Client, cleo: Client, bea: Subscriber, verb: str
) -> None:
    digest = held_digest()
    path = f"{DIGESTS}{digest.pk}/do/{verb}/"
    before = everything()
    assert cleo.post(path, {"sure": "yes"}).status_code == 302
    assert dara_browses.post(path, {"sure": "yes"}).status_code == 403
    assert emil_browses.post(path, {"sure": "yes"}).status_code == 403
    assert "/do/" not in emil_browses.get(f"{DIGESTS}{digest.pk}/change/").text
    assert everything() == before


def test_odd_verbs_and_digests_are_not_found(ada_browses: Client, bea: Subscriber) -> None:
    digest = digest_to(bea)
    assert ada_browses.post(f"{DIGESTS}{digest.pk}/do/burn/").status_code == 404
    assert ada_browses.post(f"{DIGESTS}999999/do/undo/").status_code == 404
    assert ada_browses.get(f"{DIGESTS}999999/change/").status_code == 404
    assert ada_browses.get(f"{DIGESTS}nonsense/change/").status_code == 404


def test_the_page_of_a_digest_renews_itself_while_it_is_sent(
    ada_browses: Client, bea: Subscriber
) -> None:
    digest = digest_to(bea, state="sending")
    path = f"{DIGESTS}{digest.pk}/change/"
    assert "data-renews" in ada_browses.get(path).text
    Digest.objects.update(state="done")
    page = ada_browses.get(path).text
    assert "data-renews" not in page
    assert f"delivery/?digest__id__exact={digest.pk}" in page


def test_the_ledger_can_be_read_for_one_digest_and_one_reader(
    ada_browses: Client, bea: Subscriber
) -> None:
    digest_to(bea)
    digest = digest_to(SubscriberFactory.create(email="emil@readers.example"))
    ledger = "/admin/newsletter/delivery/"
    page = ada_browses.get(f"{ledger}?digest__id__exact={digest.pk}").text
    assert "emil@readers.example" in page
    assert "1 delivery" in page
    assert "1 delivery" in ada_browses.get(f"{ledger}?subscriber__id__exact={bea.pk}").text


def test_a_subscribers_page_tells_what_became_of_their_copies(
    ada_browses: Client, bea: Subscriber
) -> None:
    digest = digest_to(bea, subject="What rest does")
    digest.deliveries.update(state="failed", reason="550 no such box")
    page = ada_browses.get(f"/admin/newsletter/subscriber/{bea.pk}/change/").text
    assert "What rest does" in page
    assert "550 no such box" in page


def test_each_variant_can_be_looked_at(ada_browses: Client, bea: Subscriber) -> None:
    SubscriberFactory.create(text_only=True)
    digest = held_digest()
    path = f"{DIGESTS}{digest.pk}/copy/"
    for variant in digest.variants.all():
        page = ada_browses.get(f"{path}?variant={variant.pk}").text
        assert ("<pre" in page) == (not variant.html)
    assert "<pre" in ada_browses.get(f"{path}?part=text").text
    assert ada_browses.get(f"{path}?variant=nonsense").status_code == 200


# The newsroom's first page


def test_the_first_page_shows_what_is_held_with_undo(
    ada_browses: Client, emil_browses: Client, bea: Subscriber, rhythm: Rhythm
) -> None:
    digest = held_digest()
    undo = f"{DIGESTS}{digest.pk}/do/undo/"
    page = ada_browses.get("/admin/").text
    assert undo in page
    assert "goes to 1 reader on" in page
    assert COMING in page
    assert undo not in emil_browses.get("/admin/").text
    ada_browses.post(undo)
    assert undo not in ada_browses.get("/admin/").text


def test_the_first_page_says_what_waits_for_a_person(ada_browses: Client, bea: Subscriber) -> None:
    digest_to(bea, state="held", reason="It was built more than six hours late.")
    digest_to(bea, state="paused", reason="Stopped by itself: 3 readers complained.")
    page = ada_browses.get("/admin/").text
    assert "waits: It was built more than six hours late." in page
    assert "is paused. Stopped by itself: 3 readers complained." in page


def test_the_first_page_tells_of_a_flood_of_sign_ups(ada_browses: Client) -> None:
    now = timezone.now()
    SignUp.objects.bulk_create(
        SignUp(email=f"r{n}@readers.example", form="foot", text_version="1", asked_at=now)
        for n in range(60)
    )
    assert "60 addresses were signed up" in ada_browses.get("/admin/").text
