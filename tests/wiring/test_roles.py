"""Editors can do what the newsroom needs, and nothing to people, logs or what was recorded."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from fibrosite import roles

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "permission",
    [
        "articles.add_article",
        "articles.change_article",
        "articles.delete_article",
        "articles.publish_article",
        "articles.add_gistpoint",
        "articles.delete_reference",
        "articles.change_tag",
        "articles.add_author",
        "research.add_study",
        "research.change_notice",
        "donations.add_drive",
        "donations.change_calloutcopy",
        "donations.change_message",
        "newsletter.send_digest",
        "newsletter.view_delivery",
        "newsletter.change_rhythm",
    ],
)
def test_ada_may(ada: User, permission: str):
    assert ada.has_perm(permission)


@pytest.mark.parametrize(
    "permission",
    [
        "auth.add_user",
        "auth.change_user",
        "auth.view_user",
        "auth.change_group",
        "admin.change_logentry",
        "admin.delete_logentry",
        "sessions.change_session",
        "research.add_notice",
        "research.delete_notice",
        "donations.view_donation",
        "donations.view_donor",
        "donations.view_ledgerentry",
        "donations.view_pledge",
        "donations.add_donation",
        "donations.delete_donation",
        "donations.change_ledgerentry",
        "donations.delete_ledgerentry",
        "newsletter.add_subscriber",
        "newsletter.delete_subscriber",
        "newsletter.change_consentevent",
        "newsletter.delete_consentevent",
        "newsletter.change_delivery",
        "newsletter.delete_delivery",
        "newsletter.change_digest",
        "newsletter.delete_digest",
        "newsletter.add_rhythm",
    ],
)
def test_ada_may_not(ada: User, permission: str):
    # A name that does not exist would pass unseen.
    app, codename = permission.split(".")
    assert Permission.objects.filter(content_type__app_label=app, codename=codename).exists()
    assert not ada.has_perm(permission)


@pytest.mark.parametrize("path", ["auth/user/", "auth/group/", "auth/user/add/"])
def test_users_and_groups_are_closed_to_ada(ada_browses: Client, path: str):
    assert ada_browses.get(f"/admin/{path}").status_code in (403, 404)


def test_every_page_of_the_newsroom_that_ada_sees_opens(ada_browses: Client):
    index = ada_browses.get("/admin/")
    models = [model for app in index.context["app_list"] for model in app["models"]]
    assert len(models) >= 10
    for model in models:
        for path in (model["admin_url"], model["add_url"]):
            if path:
                assert ada_browses.get(path, follow=True).status_code == 200, path


def test_every_permission_of_a_role_exists():
    known = {
        f"{p.content_type.app_label}.{p.codename}"
        for p in Permission.objects.select_related("content_type")
    }
    assert {name for names in roles.ROLES.values() for name in names} <= known


def test_every_migrate_gives_a_role_exactly_its_permissions():
    group = Group.objects.get(name=roles.EDITOR)
    group.permissions.set(Permission.objects.filter(codename="add_user"))
    roles.keep()
    names = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.all()}
    assert names == set(roles.ROLES[roles.EDITOR])


def test_what_a_login_without_a_role_sees_is_nothing():
    client = Client()
    client.force_login(User.objects.create_user("eli", is_staff=True))
    assert client.get("/admin/").context["app_list"] == []
    assert [model for model in admin.site._registry if not model._meta.managed] == []
