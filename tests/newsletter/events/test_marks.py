"""Each copy carries its mark; with a BOUNCE_ADDRESS it comes back to an address with the mark."""

import smtplib

import pytest
from django.core.mail import EmailMultiAlternatives

from newsletter.events.copies import HEADER, copy_token, find_copy, mark, return_path


def letter() -> EmailMultiAlternatives:
    sender = "Ada <digest@fibrosite.example>"
    return EmailMultiAlternatives("News", "Hello", sender, ["bea@readers.example"])


@pytest.fixture
def returns(settings):
    settings.BOUNCE_ADDRESS = "bounces@mail.fibrosite.example"


def test_each_copy_has_a_mark_of_its_own_that_stays_the_same():
    assert copy_token(1) == copy_token(1)
    assert len({copy_token(number) for number in range(200)}) == 200


@pytest.mark.parametrize("number", [1, 17, 10**17])
def test_a_mark_leads_back_to_its_copy(number):
    assert find_copy(f"x {copy_token(number)}, y") == number


def test_the_first_genuine_mark_counts():
    text = f"17-aaaaaaaaaaaaaaaa {copy_token(3)} {copy_token(4)}"
    assert find_copy(text) == 3


def test_without_a_bounce_address_only_a_header_is_added(settings):
    settings.BOUNCE_ADDRESS = ""
    message = letter()
    mark(message, 17)
    assert message.message()[HEADER] == copy_token(17)
    assert message.from_email == message.message()["From"] == "Ada <digest@fibrosite.example>"
    assert return_path(17) is None


def test_with_one_the_reader_sees_the_same_sender(returns):
    message = letter()
    mark(message, 17)
    assert message.from_email == f"bounces+{copy_token(17)}@mail.fibrosite.example"
    assert message.message()["From"] == "Ada <digest@fibrosite.example>"


def test_the_longest_return_path_is_an_address(returns):
    local, _, _ = (return_path(10**18 - 1) or "").partition("@")
    assert len(local) <= 64


def test_the_mail_server_gets_the_return_path(returns, post, monkeypatch):
    senders = []
    sendmail = smtplib.SMTP.sendmail

    def noting(self, sender, *args, **kwargs):
        senders.append(sender)
        return sendmail(self, sender, *args, **kwargs)

    monkeypatch.setattr(smtplib.SMTP, "sendmail", noting)
    message = letter()
    mark(message, 17)
    message.send()
    [arrived] = post.parsed()
    assert arrived[HEADER] == copy_token(17)
    assert arrived["From"] == "Ada <digest@fibrosite.example>"
    assert senders == [f"bounces+{copy_token(17)}@mail.fibrosite.example"]
