"""The bounce mailbox is read: ours is counted and removed, all else stays for a person."""

import imaplib
import mailbox
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.utils import timezone

from newsletter.events import mailbox as our_mailbox
from newsletter.events import recording, tasks
from newsletter.events.copies import copy_token
from newsletter.events.mailbox import MailboxError, read_mailbox
from newsletter.models import ConsentEvent, Delivery, MailEvent, Subscriber, Suppression
from newsletter.suppressing import suppression_of
from tests.newsletter.events.scenes import copy_to
from tests.newsletter.events.test_reading_returned_mail import FOLDER, came_to, recorded

pytestmark = pytest.mark.django_db
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml"))


@pytest.fixture(autouse=True)
def _work_is_done_at_once(monkeypatch):
    monkeypatch.setattr(our_mailbox, "enqueue", lambda task, *args: task(*args))


@pytest.fixture
def box(tmp_path: Path, settings):
    """A Maildir that the site reads."""
    made = mailbox.Maildir(str(tmp_path / "bounces"), create=True)
    settings.BOUNCE_MAILBOX = f"maildir:{tmp_path / 'bounces'}"
    return made


def returned(name: str, copy) -> bytes:
    return came_to(name, f"bounces+{copy_token(copy.pk)}@fibrosite.example")


def counts():
    found = read_mailbox(now=timezone.now())
    assert found is not None
    return (found.kept, found.forged, found.letters)


def test_a_returned_copy_takes_its_reader_off(box, bea):
    box.add(returned("gmail-userunknown", copy_to(bea)))
    assert counts() == (1, 0, 0)
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.BLOCKED
    assert suppression_of(bea.email).reason == "hard-bounce"
    assert not list(box.keys())


def test_a_complaint_in_the_mailbox_takes_its_reader_off(box, bea):
    box.add(returned("arf-feedback-report", copy_to(bea)))
    counts()
    assert suppression_of(bea.email).reason == "complaint"


@pytest.mark.parametrize(
    "name", ["vacation-autoreply", "postfix-rejected", "amazonses-mailboxfull"]
)
def test_what_is_no_word_on_the_mailbox_leaves_its_reader(box, bea, name):
    box.add(returned(name, copy_to(bea)))
    assert counts() == (1, 0, 0)
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.ACTIVE


def test_a_full_mailbox_three_times_in_a_row_takes_its_reader_off(box, bea):
    for _ in range(3):
        box.add(returned("amazonses-mailboxfull", copy_to(bea)))
        counts()
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.BLOCKED


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_mail_does_nothing(box, bea, name):
    copy = copy_to(bea)
    raw = recorded(name).replace(b"kijitora@example.jp", bea.email.encode())
    box.add(raw)
    box.add(came_to(name, f"bounces+{copy.pk}-aaaaaaaaaaaaaaaa@fibrosite.example"))
    kept, *_ = counts()
    assert kept == 0
    assert not MailEvent.objects.exists()
    assert not Suppression.objects.exists()
    assert len(list(box.keys())) == 2


def test_the_mark_of_a_copy_that_is_no_more_does_nothing(box, bea):
    copy = copy_to(bea)
    box.add(returned("gmail-userunknown", copy))
    copy.delete()
    assert counts() == (0, 1, 0)


def test_a_letter_is_flagged_for_a_person_and_what_is_not_ours_is_not(box):
    box.add(recorded("not-a-bounce"))
    box.add(recorded("gmail-userunknown"))
    assert counts() == (0, 1, 1)
    assert sorted(message.get_flags() for message in box) == ["FS", "S"]
    assert {message.get_subdir() for message in box} == {"cur"}


def test_what_was_looked_at_is_not_looked_at_again(box):
    box.add(recorded("not-a-bounce"))
    box.add(recorded("gmail-userunknown"))
    counts()
    assert counts() == (0, 0, 0)


def test_a_mail_left_for_a_person_is_unchanged(box):
    box.add(recorded("not-a-bounce"))
    counts()
    [name] = box.keys()
    assert box.get_bytes(name) == recorded("not-a-bounce")


def test_odd_mail_stays_for_a_person(box):
    odd = [b"", b"\0" * 4000, recorded("orange-fr-userunknown")[:200], bytes(range(256)) * 9]
    for raw in odd:
        box.add(raw)
    kept, *_ = counts()
    assert kept == 0
    assert len(list(box.keys())) == len(odd)


def test_a_huge_returned_mail_is_counted(box, bea):
    box.add(returned("qmail-userunknown", copy_to(bea)) + b"x" * 3_000_000)
    assert counts() == (1, 0, 0)


def test_words_that_no_database_stores_are_stored_without_them(box, bea):
    raw = returned("orange-fr-userunknown", copy_to(bea))
    odd = b"Diagnostic-Code: SMTP; 550 5.1.1 \xff\x00\xed\xa0\x80 caf\xe9 bea@readers.example"
    box.add(re.sub(rb"Diagnostic-Code: .*", lambda found: odd, raw))
    assert counts() == (1, 0, 0)
    words = MailEvent.objects.get().detail["words"]
    assert "550 5.1.1" in words
    assert "readers.example" not in words


def test_the_same_mail_twice_counts_once(box, bea):
    raw = returned("gmail-userunknown", copy_to(bea))
    box.add(raw)
    box.add(raw)
    assert counts() == (2, 0, 0)
    assert MailEvent.objects.count() == 1


def test_a_crash_before_the_event_is_stored_loses_no_mail(box, bea, monkeypatch):
    box.add(returned("gmail-userunknown", copy_to(bea)))

    def crash(*args, **kwargs):
        raise RuntimeError("the worker stopped")

    with monkeypatch.context() as broken:
        broken.setattr(recording, "keep", crash)
        with pytest.raises(RuntimeError):
            counts()
    assert counts() == (1, 0, 0)


def test_a_long_queue_is_read_in_several_goes(box, monkeypatch):
    monkeypatch.setattr(our_mailbox, "MOST_MAILS", 2)
    for _ in range(3):
        box.add(recorded("not-a-bounce"))
    assert [counts(), counts(), counts()] == [(0, 0, 2), (0, 0, 1), (0, 0, 0)]


def test_a_copy_that_went_to_a_former_address_leaves_the_reader(box, bea):
    copy = copy_to(bea)
    ConsentEvent.objects.create(
        subscriber=bea, kind="changed", method="page", happened_at=timezone.now()
    )
    box.add(returned("gmail-userunknown", copy))
    assert counts() == (1, 0, 0)
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.ACTIVE


def test_a_former_address_is_known_however_late_a_journal_settled_the_copy(box, bea):
    copy, now = copy_to(bea), timezone.now()
    Delivery.objects.update(not_before_at=now - timedelta(hours=2), settled_at=now)
    ConsentEvent.objects.create(
        subscriber=bea, kind="changed", method="page", happened_at=now - timedelta(hours=1)
    )
    box.add(returned("gmail-userunknown", copy))
    assert counts() == (1, 0, 0)
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.ACTIVE


def test_a_copy_of_an_erased_reader_is_counted_and_harmless(box, bea):
    raw = returned("gmail-userunknown", copy_to(bea))
    bea.delete()
    box.add(raw)
    assert counts() == (1, 0, 0)
    assert not Suppression.objects.exists()


def test_an_event_of_the_mailbox_keeps_no_address(box, bea):
    box.add(returned("orange-fr-userunknown", copy_to(bea)))
    counts()
    [row] = MailEvent.objects.values()
    assert "@" not in str(row)


def test_without_a_mailbox_nothing_is_read(settings):
    settings.BOUNCE_MAILBOX = ""
    assert read_mailbox(now=timezone.now()) is None
    tasks.read_bounces()


@pytest.mark.parametrize("url", ["/var/mail", "imap://host/x", "imaps:///x", "pop3://host"])
def test_a_mailbox_of_another_kind_is_named_as_such(settings, url):
    settings.BOUNCE_MAILBOX = url
    with pytest.raises(ImproperlyConfigured, match="neither maildir:/path nor imaps://"):
        read_mailbox(now=timezone.now())


def test_the_command_says_what_it_did(box, bea):
    box.add(returned("gmail-userunknown", copy_to(bea)))
    box.add(recorded("not-a-bounce"))
    out = StringIO()
    call_command("read_bounces", stdout=out)
    assert out.getvalue() == (
        "Mails: 1 understood and removed, 0 without our mark and 1 for a person left in the "
        "mailbox.\n"
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "BOUNCE_MAILBOX is not set"),
        ("maildir:/nowhere/at/all", "There is no Maildir at /nowhere/at/all"),
        ("pop3://host", "neither maildir"),
        ("imaps://bea:secret@127.0.0.1:9/x", "The mailbox at 127.0.0.1 does not open"),
    ],
)
def test_the_command_says_what_is_wrong(settings, url, words):
    settings.BOUNCE_MAILBOX = url
    with pytest.raises(CommandError, match=words) as caught:
        call_command("read_bounces")
    assert "secret" not in str(caught.value)


class Imap:
    """A mail server's folder, as imaplib shows it."""

    capabilities = ("IMAP4REV1", "UIDPLUS")
    error = imaplib.IMAP4.error

    def __init__(self, *mails: bytes) -> None:
        self.mails = {str(uid): raw for uid, raw in enumerate(mails, 1)}
        self.flags: dict[str, set[str]] = {uid: set() for uid in self.mails}
        self.asked: list[tuple[str, ...]] = []
        self.is_open = True

    def __call__(self, host, port, **kwargs):
        self.asked.append(("connect", host, str(port), str(kwargs["timeout"])))
        assert kwargs["ssl_context"].check_hostname
        return self

    def login(self, user, password):
        self.asked.append(("login", user, password))
        if password != "pa/ss word":
            raise self.error("no")

    def select(self, folder):
        self.asked.append(("select", folder))
        return ("OK" if folder == '"Returned mail"' else "NO"), [b"1"]

    def uid(self, verb, *args):
        if verb == "SEARCH":
            unseen = [uid for uid, flags in self.flags.items() if "\\Seen" not in flags]
            return "OK", [" ".join(unseen).encode()]
        if verb == "FETCH":
            uid, what = args
            most = int(re.search(r"PEEK\[]<0\.(\d+)>", what)[1])
            return "OK", [(f"{uid} (BODY[]<0> {{9}}".encode(), self.mails[uid][:most]), b")"]
        if verb == "STORE":
            uid, _, flags = args
            self.flags[uid] |= set(flags.strip("()").split())
        if verb == "EXPUNGE":
            assert "\\Deleted" in self.flags[args[0]]
            del self.mails[args[0]], self.flags[args[0]]
        return "OK", [b""]

    def close(self):
        self.is_open = False

    def logout(self):
        pass


@pytest.fixture
def server(bea, settings, monkeypatch):
    """A mail server with three mails."""
    settings.BOUNCE_MAILBOX = (
        "imaps://bounces%40fibrosite.example:pa%2Fss%20word@mail.example/Returned%20mail"
    )
    folder = Imap(
        returned("gmail-userunknown", copy_to(bea)),
        recorded("not-a-bounce"),
        recorded("qmail-userunknown"),
    )
    monkeypatch.setattr(our_mailbox.imaplib, "IMAP4_SSL", folder)
    return folder


def test_a_folder_on_a_server_is_read_the_same_way(server, bea):
    assert counts() == (1, 1, 1)
    assert server.flags == {"2": {"\\Seen", "\\Flagged"}, "3": {"\\Seen"}}
    bea.refresh_from_db()
    assert bea.state == Subscriber.State.BLOCKED
    assert counts() == (0, 0, 0)
    assert not server.is_open


def test_the_address_of_the_folder_is_read_as_an_address(server):
    counts()
    assert server.asked == [
        ("connect", "mail.example", "993", "20"),
        ("login", "bounces@fibrosite.example", "pa/ss word"),
        ("select", '"Returned mail"'),
    ]


def test_a_folder_that_is_not_there_is_named(server, settings):
    settings.BOUNCE_MAILBOX = settings.BOUNCE_MAILBOX.replace("Returned%20mail", "Junk")
    with pytest.raises(MailboxError, match=r"There is no folder Junk at mail\.example"):
        counts()


def test_a_wrong_password_is_said_and_not_shown(server, settings):
    settings.BOUNCE_MAILBOX = settings.BOUNCE_MAILBOX.replace("pa%2Fss%20word", "hush")
    with pytest.raises(MailboxError, match="does not open") as caught:
        counts()
    assert "hush" not in str(caught.value)


def test_a_server_that_hangs_up_is_said_so(server, monkeypatch):
    def gone(*args):
        raise imaplib.IMAP4.abort("socket error")

    monkeypatch.setattr(server, "uid", gone)
    with pytest.raises(MailboxError, match="went away"):
        counts()


def test_a_server_without_uidplus_leaves_the_rest_to_its_owner(server, monkeypatch):
    monkeypatch.setattr(Imap, "capabilities", ("IMAP4REV1",))
    counts()
    assert server.flags["1"] == {"\\Deleted", "\\Seen"}
    assert counts() == (0, 0, 0)


def test_the_task_says_a_broken_mailbox_in_the_log(settings, caplog):
    settings.BOUNCE_MAILBOX = "maildir:/nowhere/at/all"
    tasks.read_bounces()
    assert "There is no Maildir at /nowhere/at/all" in caplog.text
