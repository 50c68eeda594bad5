"""One newcomer's walk through a site that really runs: processes, SMTP, a broker."""

import re
from datetime import UTC, datetime

import pytest
import requests

from benchmarks.running import RunningSite
from tests.site.walking import letter_about, link, log_in, next_letter, press, words

pytestmark = pytest.mark.site

NEWCOMER = "newcomer@example.org"


def _sign_up_and_confirm(site: RunningSite, address: str) -> None:
    assert requests.post(f"{site.url}/subscribe/", {"email": address}).status_code == 200
    url = link(next_letter(site, address), "confirm")
    assert "Press the button" in requests.get(url).text
    assert "You are on the list" in requests.post(url).text


def _publish_the_draft(site: RunningSite) -> str:
    session = log_in(site)
    found = session.get(f"{site.url}/admin/articles/article/?state__exact=draft").text
    pk = re.findall(r"/admin/articles/article/(\d+)/change/", found)[0]
    press(
        session,
        f"{site.url}/admin/articles/article/",
        action="publish_now",
        _selected_action=pk,
    )
    answer = press(session, f"{site.url}/admin/newsletter/digest/send-now/")
    assert "is on its way" in answer.text
    return pk


def test_the_first_digest_goes_out_by_itself(site: RunningSite) -> None:
    letter = next_letter(site, "bea@readers.example")
    assert "gist" in words(letter)


def test_a_newcomer_signs_up_confirms_and_gets_the_next_digest(site: RunningSite) -> None:
    next_letter(site, "bea@readers.example")
    _sign_up_and_confirm(site, NEWCOMER)
    _publish_the_draft(site)

    assert letter_about(site, NEWCOMER, "Welcome")["List-Unsubscribe"] is None
    digest = letter_about(site, NEWCOMER, "Stress, cortisol")
    assert digest["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "raised of" in words(digest)

    one_click = str(digest["List-Unsubscribe"]).strip().strip("<>")
    left = requests.post(one_click, {"List-Unsubscribe": "One-Click"}, allow_redirects=False)
    assert left.status_code == 200
    assert "Set-Cookie" not in left.headers


def test_the_bar_moves_after_a_gift(site: RunningSite) -> None:
    before = re.search(r"<strong>(\S+)</strong> raised", requests.get(site.url).text)
    session = log_in(site)
    page = session.get(f"{site.url}/admin/donations/donation/add/").text
    drive = re.search(r'<option value="(\d+)"[^>]*>Keep it readable', page)
    assert before
    assert drive
    press(
        session,
        f"{site.url}/admin/donations/donation/add/",
        drive=drive[1],
        amount="150.40",
        method="cheque",
        given_on=datetime.now(UTC).date().isoformat(),
        donor_name="",
        note="",
    )
    after = re.search(r"<strong>(\S+)</strong> raised", requests.get(site.url).text)
    assert after
    assert (before[1], after[1]) == ("$1,349.60", "$1,500")


def test_the_mailbox_shows_what_was_sent(site: RunningSite) -> None:
    next_letter(site, "bea@readers.example")
    page = requests.get(f"{site.url}/mailbox/?to=bea@readers.example").text
    raw = re.search(r"/mailbox/(\w+)/", page)
    assert raw
    letter = requests.get(f"{site.url}/mailbox/{raw[1]}.eml")
    assert letter.headers["Content-Type"] == "message/rfc822"
    assert b"bea@readers.example" in letter.content


def test_the_site_reports_that_all_is_well(site: RunningSite) -> None:
    next_letter(site, "bea@readers.example")
    health = requests.get(f"{site.url}/healthz").json()
    assert health == {"status": "ok", "database": "ok", "scheduler": "ok"}
