"""What a server's answer says: the mailbox is gone, full, or it is us that it does not want."""

import pytest

from newsletter.events.refusals import judge, status_in
from newsletter.models import MailEvent

HARD, SOFT = MailEvent.Kind.HARD_BOUNCE, MailEvent.Kind.SOFT_BOUNCE
OURS = MailEvent.Kind.REJECTED


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("550 5.1.1 <bea@readers.example>... User unknown", HARD),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", HARD),
        ("550 5.2.1 The email account that you tried to reach is disabled", HARD),
        ("550 no such user here", HARD),
        ("550 Requested action not taken: mailbox unavailable", HARD),
        ("5.4.4 (unable to route: host not found)", HARD),
        ("555 5.7.1 User unknown 'bea@readers.example'.", HARD),
        ("552 5.2.2 Mailbox full", SOFT),
        ("550 5.1.1 user is over quota", SOFT),
        ("552 5.3.1 Insufficient system storage", SOFT),
        ("4.4.7 delivery time expired", SOFT),
        ("451 4.7.1 Greylisted, try again later", SOFT),
        ("421 try again later", SOFT),
        ("554 transaction failed", SOFT),
        ("", SOFT),
        ("550 5.7.1 Message rejected due to spam content", OURS),
        ("553 5.1.8 Domain of sender address digest@site.example does not exist", OURS),
        ("550 5.7.26 DMARC policy of fibrosite.example", OURS),
        ("554 Your IP is on a block list", OURS),
        ("550 Sender address rejected: domain not found", OURS),
        ("552 5.3.4 message too big", OURS),
    ],
)
def test_an_answer_is_judged_by_status_and_words(words, kind):
    assert judge(words) == kind


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("smtp; 550 5.1.1 gone", "5.1.1"),
        ("5.0.0 5.1.0 '5.2.2 full'", "5.2.2"),
        ("host 192.0.2.22 and version 4.2.1.7 said no", ""),
        ("(#5.5.0)", "5.5.0"),
        ("ends with 5.1.1.", "5.1.1"),
        ("3.1.1", ""),
    ],
)
def test_the_most_telling_status_is_found(words, status):
    assert status_in(words) == status
