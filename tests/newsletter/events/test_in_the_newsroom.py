"""Ada looks at what providers told us; she cannot change it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from newsletter.models import MailEvent, Suppression
from tests.newsletter.events.scenes import copy_to, report, told


@pytest.fixture
def operator(db):
    """The technician, who may see all."""
    client = Client()
    client.force_login(User.objects.create_superuser("tom"))
    return client


def test_events_and_suppressions_are_listed(operator, bea):
    words = {"words": "550 5.1.1 unknown user"}
    told(report("hard-bounce", copy_to(bea), detail=words))
    page = operator.get("/admin/newsletter/mailevent/").content.decode()
    assert "Came back for good" in page
    assert "bea@readers.example" in page
    assert "550 5.1.1 unknown user" in page
    page = operator.get("/admin/newsletter/suppression/").content.decode()
    assert "The mailbox does not exist" in page
    assert "bea@readers.example" not in page


def test_a_list_of_many_events_is_a_few_queries(operator, bea, django_assert_max_num_queries):
    for _ in range(12):
        told(report("delivered", copy_to(bea)))
    with django_assert_max_num_queries(11):
        operator.get("/admin/newsletter/mailevent/")


@pytest.mark.parametrize("model", ["mailevent", "suppression"])
def test_nobody_adds_changes_or_deletes(operator, bea, model):
    told(report("hard-bounce", copy_to(bea)))
    row = {"mailevent": MailEvent, "suppression": Suppression}[model].objects.get()
    assert operator.get(f"/admin/newsletter/{model}/{row.pk}/change/").status_code == 200
    assert operator.post(f"/admin/newsletter/{model}/{row.pk}/change/", {}).status_code == 403
    assert operator.get(f"/admin/newsletter/{model}/{row.pk}/delete/").status_code == 403
    assert operator.get(f"/admin/newsletter/{model}/add/").status_code == 403


def test_an_event_of_nobody_on_the_list_is_shown(operator):
    told(report("complaint", recipient="somebody@readers.example"))
    page = operator.get("/admin/newsletter/mailevent/").content.decode()
    assert "somebody@" not in page
    assert "Complaint" in page


@pytest.mark.parametrize("model", ["mailevent", "suppression"])
def test_an_address_is_found_by_typing_it_whole(operator, bea, model):
    told(report("hard-bounce", copy_to(bea)))
    told(report("complaint", recipient="somebody@readers.example"))
    for typed, number in (("Bea@readers.example ", 1), ("bea@", 0), ("", 2)):
        page = operator.get(f"/admin/newsletter/{model}/", {"q": typed}).content.decode()
        assert page.count('<th class="field-') == number


def test_an_editor_may_look(ada_browses, bea):
    told(report("hard-bounce", copy_to(bea)))
    for model in ("mailevent", "suppression"):
        assert ada_browses.get(f"/admin/newsletter/{model}/").status_code == 200


def test_a_stranger_may_not(cleo, db):
    for model in ("mailevent", "suppression"):
        assert cleo.get(f"/admin/newsletter/{model}/").status_code == 302
