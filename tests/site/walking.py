"""A visitor without script: requests as a plain browser sends them."""

import email
import email.policy
import re
from email.message import EmailMessage
from typing import cast

import requests

from benchmarks.running import RunningSite, wait_for


def read(raw: bytes) -> EmailMessage:
    """A raw letter, parsed."""
    return email.message_from_bytes(raw, policy=email.policy.default)


def words(letter: EmailMessage, part: str = "plain") -> str:
    """The text ("plain") or HTML ("html") part of a letter."""
    body = letter.get_body((part,))
    assert body is not None
    return cast(EmailMessage, body).get_content()


def next_letter(site: RunningSite, address: str, *, after: int = 0) -> EmailMessage:
    """The newest letter to an address, once more than `after` have come."""
    wait_for(
        lambda: len(site.letters_to(address)) > after,
        seconds=60,
        hint=f"letter {after + 1} to {address}",
    )
    return read(site.letters_to(address)[-1])


def letter_about(site: RunningSite, address: str, subject: str) -> EmailMessage:
    """The newest letter to an address whose subject holds these words, once it has come."""

    def found() -> list[EmailMessage]:
        letters = [read(raw) for raw in site.letters_to(address)]
        return [letter for letter in letters if subject in str(letter["Subject"])]

    wait_for(lambda: bool(found()), seconds=60, hint=f"a letter about {subject} to {address}")
    return found()[-1]


def link(letter: EmailMessage, page: str) -> str:
    """The address in the text part that leads to a page, such as "confirm"."""
    found = re.search(rf"https?://\S+/{page}/\S+", words(letter))
    assert found, words(letter)
    return found[0]


def log_in(site: RunningSite) -> requests.Session:
    """The demo's editor, logged in to the newsroom."""
    session = requests.Session()
    login = f"{site.url}/admin/login/"
    session.get(login)
    answer = session.post(
        login,
        {
            "username": "editor",
            "password": "calm-demo-editor",
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
            "next": "/admin/",
        },
        headers={"Referer": login},
    )
    assert "What waits" in answer.text
    return session


def press(session: requests.Session, url: str, **fields: str) -> requests.Response:
    """Post a form of the newsroom."""
    fields["csrfmiddlewaretoken"] = str(session.cookies["csrftoken"])
    return session.post(url, fields, headers={"Referer": url})
