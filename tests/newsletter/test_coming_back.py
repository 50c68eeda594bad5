"""Taking leaving back, and coming back for good (R33, R51)."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from newsletter import answering, building, subscribing, suppressing
from newsletter.models import Subscriber, Suppression, last_news
from newsletter.tokens import preferences_token
from tests.factories import ArticleFactory
from tests.newsletter.scenes import built_digest, confirm_path, everything, leave_path, letters_to

pytestmark = pytest.mark.django_db

BEA = "bea@readers.example"
GOODBYE = "You have left the Fibrosite digest"


def undo_path(reader: Subscriber) -> str:
    return f"{leave_path(reader)}undo/"


def subjects() -> list[str]:
    answering.answer_waiting(now=timezone.now())
    return [str(letter.subject) for letter in letters_to(BEA)]


def complain(reader: Subscriber) -> None:
    reason = Suppression.Reason.COMPLAINT
    suppressing.suppress(reader.email, reason=reason, source="ses", now=timezone.now())


def test_r33_the_page_after_leaving_has_a_button_that_takes_it_back(
    bea: Subscriber, cleo: Client
) -> None:
    page = cleo.post(leave_path(bea), {"from": "page"})
    assert f'action="{undo_path(bea)}"' in page.text
    assert cleo.post(undo_path(bea)).status_code == 200
    bea.refresh_from_db()
    assert (bea.state, bea.left_at) == ("active", None)
    assert [event.kind for event in bea.consent.all()] == ["left", "confirmed"]
    assert subjects() == []


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_r33_nothing_but_a_post_takes_it_back(bea: Subscriber, cleo: Client, method: str) -> None:
    cleo.post(leave_path(bea))
    before = everything()
    assert getattr(cleo, method)(undo_path(bea)).status_code == 200
    assert everything() == before


def test_taking_it_back_twice_is_harmless(bea: Subscriber, cleo: Client) -> None:
    cleo.post(leave_path(bea))
    cleo.post(undo_path(bea))
    before = everything()
    assert cleo.post(undo_path(bea)).status_code == 200
    assert everything() == before


def test_after_a_week_it_needs_a_new_sign_up(bea: Subscriber, cleo: Client) -> None:
    cleo.post(leave_path(bea))
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        answer = cleo.post(undo_path(bea))
    assert (answer.status_code, "/subscribe/" in answer.text) == (400, True)
    assert not Subscriber.objects.active().exists()


def test_r33_after_a_complaint_the_button_does_nothing(bea: Subscriber, cleo: Client) -> None:
    cleo.post(leave_path(bea))
    complain(bea)
    before = everything()
    assert cleo.post(undo_path(bea)).status_code == 400
    assert everything() == before


def test_forged_and_erased_are_refused_alike(bea: Subscriber, cleo: Client) -> None:
    path = undo_path(bea)
    bea.delete()
    assert cleo.post(path).status_code == 400
    assert cleo.post("/unsubscribe/x.y/undo/").status_code == 400
    other = f"/unsubscribe/{preferences_token(bea.key)}/undo/"
    assert cleo.post(other).status_code == 400


def test_r33_r51_a_fresh_double_opt_in_restores_even_after_a_complaint(
    bea: Subscriber, cleo: Client
) -> None:
    complain(bea)
    path = confirm_path(cleo, BEA)
    bea.refresh_from_db()
    assert bea.state == "blocked"
    assert suppressing.is_suppressed(BEA)
    cleo.post(path)
    bea.refresh_from_db()
    assert (bea.state, bea.left_at) == ("active", None)
    assert not suppressing.is_suppressed(BEA)
    assert not suppressing.is_suppressed(BEA.upper())


def test_who_comes_back_gets_nothing_twice_and_nothing_old(bea: Subscriber, cleo: Client) -> None:
    built_digest()
    cleo.post(leave_path(bea))
    ArticleFactory.create()
    Subscriber.objects.create(email="other@readers.example", joined_at=timezone.now())
    assert building.build_digest(now=timezone.now() + timedelta(weeks=1))
    cleo.post(confirm_path(cleo, BEA))
    bea.refresh_from_db()
    assert bea.served_news == last_news() == 2
    later = timezone.now() + timedelta(weeks=2)
    ArticleFactory.create(published_at=later)
    digest = building.build_digest(now=later)
    assert digest
    variant = digest.deliveries.get(subscriber=bea).variant
    assert variant
    assert variant.items.count() == 1


def test_who_takes_leaving_back_misses_nothing(bea: Subscriber, cleo: Client) -> None:
    bea.refresh_from_db()
    served = bea.served_news
    cleo.post(leave_path(bea))
    ArticleFactory.create()
    cleo.post(undo_path(bea))
    bea.refresh_from_db()
    assert bea.served_news == served


def test_a_second_confirmation_of_somebody_on_the_list_skips_no_news(cleo: Client) -> None:
    path = confirm_path(cleo, BEA)
    joined = timezone.now() - timedelta(days=9)
    bea = Subscriber.objects.create(email=BEA, joined_at=joined, source="import")
    built_digest()
    Subscriber.objects.update(served_news=0)
    cleo.post(path)
    bea.refresh_from_db()
    assert (bea.served_news, bea.joined_at) == (0, joined)


def test_a_goodbye_after_our_button(bea: Subscriber, cleo: Client) -> None:
    cleo.post(leave_path(bea), {"from": "page"})
    assert subjects() == [GOODBYE]


def test_none_after_the_mail_programs_one_click(bea: Subscriber, cleo: Client) -> None:
    cleo.post(leave_path(bea), {"List-Unsubscribe": "One-Click"})
    assert subjects() == []


def test_none_after_a_complaint(bea: Subscriber, cleo: Client) -> None:
    complain(bea)
    cleo.post(leave_path(bea), {"from": "page"})
    assert subjects() == []


def test_a_welcome_once(cleo: Client) -> None:
    path = confirm_path(cleo, BEA)
    for _ in range(2):
        cleo.post(path)
    assert subjects()[1:] == ["Welcome to the Fibrosite digest"]


def test_who_leaves_at_once_gets_no_welcome(cleo: Client) -> None:
    cleo.post(confirm_path(cleo, BEA))
    subscribing.leave(Subscriber.objects.get(), method="page", now=timezone.now())
    assert subjects()[1:] == [GOODBYE]
