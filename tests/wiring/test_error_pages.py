"""What went wrong is said in the site's own words, with a way on."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_form_without_its_token_says_to_reload() -> None:
    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "ada"})
    assert answer.status_code == 403
    assert "This form was too old" in answer.content.decode()


def test_what_cannot_be_read_is_not_understood(cleo: Client) -> None:
    answer = cleo.generic("POST", "/subscribe/", b"x", content_type="multipart/form-data")
    assert answer.status_code == 400
    assert "We did not understand that" in answer.content.decode()


@pytest.mark.parametrize("path", ["/feed/", "/sitemap.xml", "/", "/articles/", "/healthz"])
def test_what_is_only_read_refuses_to_be_written(cleo: Client, path: str) -> None:
    assert cleo.post(path).status_code == 405
    assert cleo.delete(path).status_code == 405


def test_robots_are_told_what_to_leave(cleo: Client) -> None:
    text = cleo.get("/robots.txt").content.decode()
    assert "Disallow: /unsubscribe/" in text
    assert "Sitemap: https://fibrosite.example/sitemap.xml" in text
