"""Each recorded mail of a bounce mailbox is told for what it is, marked as ours or not."""

import base64
from email import message_from_bytes
from pathlib import Path

import pytest

from newsletter.events.bounces import Returned, read
from newsletter.events.copies import HEADER, copy_token
from newsletter.models import MailEvent

Kind = MailEvent.Kind
FOLDER = Path(__file__).parents[2] / "data" / "bounces"

# name, what it is, the status it rests on, the addresses it names
VERDICTS = [
    ("amazonses-mailboxfull", Kind.SOFT_BOUNCE, "5.2.2", ["kijitora@example.jp"]),
    ("arf-feedback-report", Kind.COMPLAINT, "", []),
    (
        "exim-userunknown-two-recipients",
        Kind.HARD_BOUNCE,
        "5.1.1",
        ["kijitora@example.jp", "sabatora@example.jp"],
    ),
    ("gmail-userunknown", Kind.HARD_BOUNCE, "5.1.1", ["userunknown@example.jp"]),
    ("not-a-bounce", None, "", []),
    ("office365-userunknown", Kind.HARD_BOUNCE, "5.1.10", None),
    (
        "orange-fr-userunknown",
        Kind.HARD_BOUNCE,
        "5.1.1",
        ["pseudo-local-part-kijitora-nyaaan@orange.fr"],
    ),
    # Our own domain was refused, which says nothing of the reader.
    ("postfix-rejected", Kind.REJECTED, "5.1.8", ["kijitora@example.jp", "noraneko@example.jp"]),
    ("qmail-userunknown", Kind.HARD_BOUNCE, "5.5.0", None),
    ("vacation-autoreply", Kind.AUTO_REPLY, "", []),
]


def recorded(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def came_to(name: str, address: str) -> bytes:
    """The recorded mail as if it had come to another address."""
    return f"Delivered-To: {address}\r\n".encode() + recorded(name)


def test_every_recorded_mail_has_a_verdict():
    assert {path.stem for path in FOLDER.glob("*.eml")} == {name for name, *_ in VERDICTS}


@pytest.mark.parametrize(("name", "kind", "status", "recipients"), VERDICTS)
def test_a_recorded_mail_is_what_it_is(name, kind, status, recipients):
    told = read(recorded(name))
    assert (told.kind, told.status) == (kind, status)
    if recipients is not None:
        assert list(told.recipients) == recipients
    assert told.delivery_id is None


@pytest.mark.parametrize("name", [name for name, kind, *_ in VERDICTS if kind])
def test_a_mail_to_the_return_path_of_a_copy_is_about_that_copy(name):
    told = read(came_to(name, f"bounces+{copy_token(17)}@fibrosite.example"))
    assert told.delivery_id == 17


@pytest.mark.parametrize(
    "name", ["orange-fr-userunknown", "qmail-userunknown", "arf-feedback-report"]
)
def test_the_mark_in_the_returned_original_will_do(name):
    raw = recorded(name)
    head, between, original = raw.rpartition(b"MIME-Version: 1.0\n")
    raw = head + between + f"{HEADER}: {copy_token(17)}\n".encode() + original
    if name == "orange-fr-userunknown":
        raw = recorded(name).replace(
            b"Subject: TEST FOR BOUNCE", f"{HEADER}: {copy_token(17)}\nSubject: T".encode()
        )
    assert read(raw).delivery_id == 17


def test_a_server_that_changes_capitals_still_returns_to_us():
    address = f"BOUNCES+{copy_token(17).upper()}@FIBROSITE.EXAMPLE"
    assert read(came_to("qmail-userunknown", address)).delivery_id == 17


@pytest.mark.parametrize(
    "forged",
    [
        "17-aaaaaaaaaaaaaaaa",
        copy_token(18).replace("18-", "17-"),
        copy_token(17)[:-1],
        copy_token(17) + "a",
        f"1{copy_token(17)}",
        "17-",
        "99999999999999999999-aaaaaaaaaaaaaaaa",
    ],
)
def test_a_forged_mark_is_none(forged):
    raw = came_to("qmail-userunknown", f"bounces+{forged}@fibrosite.example")
    assert read(raw).delivery_id is None


def test_the_mark_of_an_old_secret_key_still_counts(settings):
    token = copy_token(17)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new key"
    assert copy_token(17) != token
    assert read(came_to("qmail-userunknown", f"bounces+{token}@x.example")).delivery_id == 17


def test_an_ordinary_letter_to_a_return_path_is_for_a_person():
    raw = came_to("not-a-bounce", f"bounces+{copy_token(17)}@fibrosite.example")
    assert read(raw) == Returned(None)


def test_a_report_that_mail_is_wanted_is_no_complaint():
    raw = recorded("arf-feedback-report").replace(b"Type: abuse", b"Type: not-spam")
    assert read(raw).kind is None


def test_a_feedback_report_to_opt_out_leaves():
    raw = recorded("arf-feedback-report").replace(b"Type: abuse", b"Type: opt-out")
    assert read(raw).kind == Kind.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (b"delayed", Kind.DEFERRED),
        (b"delivered", Kind.DELIVERED),
        (b"relayed", Kind.UNKNOWN),
        (b"FAILED (final)", Kind.HARD_BOUNCE),
    ],
)
def test_only_what_failed_came_back(action, kind):
    raw = recorded("orange-fr-userunknown").replace(b"Action: failed", b"Action: " + action)
    assert read(raw).kind == kind


def test_a_server_that_still_tries_has_not_given_up():
    raw = recorded("qmail-userunknown").replace(b"failure notice", b"failure notice: delayed")
    assert read(raw).kind == Kind.DEFERRED


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "Subject: Out of Office: the digest",
        "Subject: Automatische Antwort: Re",
    ],
)
def test_an_automatic_reply_is_known_by_any_of_its_signs(header):
    raw = f"From: bea@readers.example\n{header}\n\nI am away.\n".encode()
    assert read(raw).kind == Kind.AUTO_REPLY


def test_a_person_who_writes_is_no_automat():
    raw = b"From: bea@readers.example\nAuto-Submitted: no\nSubject: Delayed mail\n\nHello\n"
    assert read(raw).kind is None


def test_a_mark_in_an_encoded_original_is_found():
    original = base64.encodebytes(f"{HEADER}: {copy_token(17)}\nHello\n".encode()).decode()
    raw = recorded("qmail-userunknown").replace(
        b"Subject: failure notice\n",
        b"Subject: failure notice\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n",
    )
    head, _, _ = raw.partition(b"\n\n")
    assert read(head + b"\n\n" + original.encode()).delivery_id == 17


def nested(depth: int) -> bytes:
    lines = []
    for level in range(depth):
        lines += [f"Content-Type: multipart/mixed; boundary=b{level}", "", f"--b{level}"]
    return "\n".join([*lines, "", "end"]).encode()


ODD = {
    "nothing": b"",
    "no headers": b"\n\nhello",
    "only zeros": b"\0" * 5000,
    "every byte": bytes(range(256)) * 40,
    "a thousand nested parts": nested(1000),
    "an unknown charset": b"Subject: failure notice\nFrom: MAILER-DAEMON\n"
    b"Content-Type: text/plain; charset=x-martian\n\n550 5.1.1 unknown user \xff\xfe",
    "a charset that is no text": b"Subject: failure notice\nFrom: MAILER-DAEMON\n"
    b"Content-Type: text/plain; charset=base64\n\n550 5.1.1 user unknown",
    "a broken encoding": b"Subject: failure notice\nFrom: MAILER-DAEMON\nContent-Type: text/plain\n"
    b"Content-Transfer-Encoding: base64\n\n===!!!",
    "headers that are no ASCII": "Subject: Zurück\nFrom: MAILER-DAÉMON\nTo: \xff\n\nx".encode(),
    "a boundary that never comes": b"Content-Type: multipart/report; boundary=zz\n\nhello",
    "an empty report": b"Content-Type: message/delivery-status\n\n",
    "a report with an empty action": b"Content-Type: message/delivery-status\n\nAction: \n\n",
    "a feedback report of nothing": b"Content-Type: message/feedback-report\n\n",
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_odd_mail_is_read_without_an_error(raw):
    assert read(raw).delivery_id is None


@pytest.mark.parametrize("name", [name for name, *_ in VERDICTS])
def test_a_mail_cut_off_anywhere_is_read_without_an_error(name):
    raw = recorded(name)
    for length in range(0, len(raw), 97):
        read(raw[:length])


def test_a_charset_nobody_knows_hides_no_refusal():
    assert read(ODD["an unknown charset"]).kind == Kind.HARD_BOUNCE


def test_of_a_huge_mail_the_beginning_is_read():
    raw = came_to("qmail-userunknown", f"bounces+{copy_token(17)}@fibrosite.example")
    told = read(raw + b"x" * 30_000_000)
    assert (told.kind, told.delivery_id) == (Kind.HARD_BOUNCE, 17)


def test_thousands_of_forged_marks_cost_little():
    flood = b" 17-aaaaaaaaaaaaaaaa" * 40_000
    assert read(recorded("qmail-userunknown") + flood).delivery_id is None


def test_the_recorded_mails_are_mail():
    assert all(message_from_bytes(recorded(name)).keys() for name, *_ in VERDICTS)
