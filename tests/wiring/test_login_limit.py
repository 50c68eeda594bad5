"""Passwords cannot be tried without end, and Ada is not locked out by a stranger."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import NOON

pytestmark = pytest.mark.django_db


def log_in(client: Client, password: str, address: str = "192.0.2.7") -> str:
    """Try a password; "in", or the words of the page."""
    response = client.post(
        "/admin/login/?next=/admin/",
        {"username": "ada", "password": password},
        REMOTE_ADDR=address,
    )
    return "in" if response.status_code == 302 else response.content.decode()


def test_ada_logs_in(ada: User, cleo: Client):
    assert log_in(cleo, "open sesame") == "in"


def test_after_ten_attempts_even_the_right_password_has_to_wait(ada: User, cleo: Client):
    with time_machine.travel(NOON, tick=False):
        for _ in range(10):
            assert "Please enter the correct username" in log_in(cleo, "guess")
        assert "Too many attempts to log in" in log_in(cleo, "open sesame")


def test_a_quarter_of_an_hour_later_the_right_password_works(ada: User, cleo: Client):
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(11):
            log_in(cleo, "guess")
        clock.shift(timedelta(minutes=15))
        assert log_in(cleo, "open sesame") == "in"


def test_ada_logs_in_from_her_own_network_while_a_stranger_guesses(ada: User, cleo: Client):
    with time_machine.travel(NOON, tick=False):
        for _ in range(20):
            log_in(cleo, "guess", address="203.0.113.9")
        assert log_in(Client(), "open sesame") == "in"


def test_a_neighbouring_address_of_the_same_network_is_the_same_stranger(ada: User, cleo: Client):
    with time_machine.travel(NOON, tick=False):
        for number in range(10):
            log_in(cleo, "guess", address=f"2001:db8:1:2::{number + 1}")
        assert "Too many attempts" in log_in(cleo, "guess", address="2001:db8:1:2:ffff::1")


def test_a_reader_with_a_login_but_no_desk_does_not_get_in(cleo: Client):
    User.objects.create_user("bea", password="open sesame")
    response = cleo.post("/admin/login/", {"username": "bea", "password": "open sesame"})
    assert response.status_code == 200
    assert "staff account" in response.content.decode()
