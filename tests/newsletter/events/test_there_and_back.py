"""A real copy goes out, a server returns it, and its reader is taken off."""

import mailbox

import pytest
from django.utils import timezone

from newsletter.events import mailbox as our_mailbox
from newsletter.events.mailbox import read_mailbox
from newsletter.letters import digest_letter
from newsletter.models import Subscriber, Variant
from newsletter.suppressing import suppression_of
from tests.newsletter.events.scenes import copy_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def arrived(bea, post, settings):
    """One copy as the reader's server got it."""
    settings.BOUNCE_ADDRESS = "bounces@fibrosite.example"
    copy = copy_to(bea)
    variant = Variant.objects.create(
        digest=copy.digest, signature="all", html="<p>Hello</p>", text="Hello\n"
    )
    digest_letter(copy.digest, variant, copy, bea).send()
    return post.letters[0]


REPORT = """\
From: MAILER-DAEMON@readers.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_part"

--=_part
Content-Type: text/plain

Your message could not be delivered.

--=_part
Content-Type: message/delivery-status

Reporting-MTA: dns; readers.example

Final-Recipient: rfc822; bea@readers.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 unknown user

--=_part
Content-Type: {kind}

{original}
--=_part--
"""


def report_on(original: bytes, *, headers_only: bool, to: str) -> bytes:
    """What a server writes that does not know the reader."""
    text = original.decode()
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    returned = text.partition("\r\n\r\n")[0] if headers_only else text
    return REPORT.format(to=to, kind=kind, original=returned).encode()


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_copy_that_is_returned_takes_its_reader_off(
    arrived, bea, tmp_path, settings, monkeypatch, headers_only
):
    monkeypatch.setattr(our_mailbox, "enqueue", lambda task, *args: task(*args))
    box = mailbox.Maildir(str(tmp_path / "bounces"), create=True)
    settings.BOUNCE_MAILBOX = f"maildir:{tmp_path / 'bounces'}"
    # To an address without the mark, as where a relay writes a return path of its own.
    box.add(report_on(arrived, headers_only=headers_only, to="bounces@fibrosite.example"))
    read_mailbox(now=timezone.now())
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.BLOCKED
    assert suppression_of(bea.email).reason == "hard-bounce"
