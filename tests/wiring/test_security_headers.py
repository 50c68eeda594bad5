"""What each answer tells the browser to refuse."""

import pytest
from django.conf import settings
from django.test import Client

from tests.factories import ArticleFactory

STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

pytestmark = pytest.mark.django_db


def policy(client: Client, path: str) -> dict[str, str]:
    header = client.get(path).headers["Content-Security-Policy"]
    return {part.split()[0]: " ".join(part.split()[1:]) for part in header.split(";")}


@pytest.mark.parametrize(
    "path", ["/", "/articles/", "/subscribe/", "/missing/", "/feed/", "/administrate/"]
)
def test_readers_get_the_strict_policy(cleo: Client, path: str):
    assert policy(cleo, path) == STRICT


def test_the_form_to_give_may_lead_to_the_payment_pages_and_nowhere_else(cleo: Client):
    pages = " ".join(["'self'", *settings.PAYMENT_PAGES])
    assert policy(cleo, "/donate/") == {**STRICT, "form-action": pages}


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/missing/", "/healthz"])
def test_every_answer_refuses_frames_sniffing_and_telling_others_where_from(
    cleo: Client, path: str
):
    headers = cleo.get(path).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_newsroom_runs_no_script_but_its_own_and_the_one_with_the_nonce(ada_browses: Client):
    first = policy(ada_browses, "/admin/articles/article/add/")
    second = policy(ada_browses, "/admin/articles/article/add/")
    source, nonce = first["script-src"].split()
    assert source == "'self'"
    assert nonce.startswith("'nonce-")
    assert len(nonce) > 20
    assert first["script-src"] != second["script-src"]
    assert "unsafe" not in first["script-src"]
    for name in ("default-src", "frame-ancestors", "base-uri", "form-action"):
        assert first[name] == STRICT[name]


def test_no_page_of_the_newsroom_is_kept_by_a_cache(ada_browses: Client):
    article = ArticleFactory.create(state="draft")
    for path in ("/admin/", f"/admin/articles/article/{article.pk}/change/"):
        assert "no-store" in ada_browses.get(path).headers["Cache-Control"]


def test_the_cookies_of_the_newsroom_are_out_of_reach_of_scripts_and_other_sites(ada, cleo: Client):
    cleo.get("/admin/login/")
    response = cleo.post("/admin/login/", {"username": "ada", "password": "open sesame"})
    session = response.cookies["sessionid"]
    assert session["httponly"]
    assert session["samesite"] == "Lax"


def test_the_newsroom_refuses_a_post_from_another_site(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post("/admin/articles/article/add/", {}).status_code == 403


def test_a_host_that_is_not_ours_is_refused(cleo: Client, caplog):
    assert cleo.get("/", headers={"host": "elsewhere.example"}).status_code == 400
