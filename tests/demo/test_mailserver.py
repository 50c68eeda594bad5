"""The demo's mail server, spoken to as any program would."""

import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fibrosite.demo.mailserver import Folder
from tests.demo.test_supervisor import free_port

PLAIN = b"From: a@fibrosite.example\r\nSubject: hello\r\n\r\nbody\r\n"


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        words = ["--port", str(self.port), "--folder", str(folder)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fibrosite.demo.mailserver", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()  # it says when it is there

    def send(self, letter: bytes, *to: str, sender: str = "a@fibrosite.example") -> None:
        options = ["SMTPUTF8", "BODY=8BITMIME"]
        with smtplib.SMTP("127.0.0.1", self.port) as client:
            client.sendmail(sender, to or ["bea@readers.example"], letter, options)

    def letters(self) -> list[bytes]:
        """As they stand in the folder, in the order of their names."""
        return [file.read_bytes() for file in sorted(self.folder.iterdir())]

    def body(self) -> bytes:
        """The only letter, without the two lines of its envelope."""
        [letter] = self.letters()
        return letter.split(b"\r\n", 2)[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "mail")
    yield server
    server.process.kill()
    server.process.communicate()


def test_the_envelope_stands_before_the_letter(server: Server) -> None:
    server.send(PLAIN, "bea@readers.example", "cleo@readers.example")
    assert server.letters() == [
        b"X-Envelope-From: a@fibrosite.example\r\n"
        b"X-Envelope-To: bea@readers.example\r\n"
        b"X-Envelope-To: cleo@readers.example\r\n" + PLAIN
    ]


@pytest.mark.parametrize(
    "letter",
    [
        pytest.param(PLAIN + b".\r\n..\r\n.hidden\r\n", id="lines that begin with dots"),
        pytest.param(PLAIN + "žluťoučký kůň 🐎\r\n".encode(), id="eight bits"),
        pytest.param(PLAIN + bytes(range(14, 256)) + b"\x00\t\x0b\r\n", id="any byte"),
        pytest.param(PLAIN + b"x" * 200_000 + b"\r\n", id="a line of 200 kB"),
        pytest.param(b"no header\r\n", id="no header at all"),
        pytest.param(PLAIN + b"line\r\n" * 100_000, id="600 kB"),
    ],
)
def test_bytes_are_kept_as_they_came(server: Server, letter: bytes) -> None:
    server.send(letter)
    assert server.body() == letter


def test_an_empty_letter_is_kept(server: Server) -> None:
    server.send(b"")
    assert server.body().strip() == b""


def test_addresses_may_be_written_in_any_script(server: Server) -> None:
    server.send(PLAIN, "žofie@přístav.example", sender="čeněk@přístav.example")
    envelope = server.letters()[0].decode().splitlines()[:2]
    assert envelope[0] == "X-Envelope-From: čeněk@přístav.example"
    assert envelope[1] == "X-Envelope-To: žofie@přístav.example"


def test_letters_sort_as_they_came(server: Server) -> None:
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        for number in range(200):
            client.sendmail("a@b.example", ["c@d.example"], PLAIN + b"%d\r\n" % number)
    assert [int(letter.splitlines()[-1]) for letter in server.letters()] == list(range(200))


def test_a_letter_beyond_30_mb_is_refused_and_the_next_is_taken(server: Server) -> None:
    with pytest.raises(smtplib.SMTPException):
        server.send(PLAIN + b"x" * 31_000_000)
    server.send(PLAIN)
    assert len(server.letters()) == 1


def test_a_letter_that_cannot_be_kept_is_put_off_and_the_server_lives(server: Server) -> None:
    server.folder.write_text("a file stands where the folder should be")
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        server.send(PLAIN)
    assert refusal.value.smtp_code == 452
    server.folder.unlink()
    server.send(PLAIN)
    assert server.body() == PLAIN


def test_a_term_ends_it_at_once_even_in_the_middle_of_a_letter(server: Server) -> None:
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.ehlo()
        client.docmd("MAIL FROM:<a@b.example>")
        client.docmd("RCPT TO:<c@d.example>")
        client.docmd("DATA")
        client.send(b"half a let")
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(5) == 0
        client.close()
    assert time.monotonic() - started < 2
    assert not server.folder.exists()


def test_only_the_newest_letters_are_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path, most=3)
    for number in range(5):
        folder.keep(b"%d" % number)
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == [b"2", b"3", b"4"]


def test_letters_of_an_earlier_run_count_and_come_first(tmp_path: Path) -> None:
    (tmp_path / f"{2**62:019d}.eml").write_bytes(b"from a clock that ran ahead")
    (tmp_path / "notes.eml").write_bytes(b"not ours")
    folder = Folder(tmp_path, most=2)
    folder.keep(b"new")
    kept = sorted(tmp_path.glob("[0-9]*.eml"))
    assert [file.read_bytes() for file in kept] == [b"from a clock that ran ahead", b"new"]
