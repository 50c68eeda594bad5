"""A mail server over real sockets that does as a test tells it, and a load that writes down."""

import socket
import ssl
import subprocess
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from newsletter.outcomes import Outcome
from newsletter.sending.load import Copy

SLOWLY = 0.0005


class HangUp(Exception):
    """The server ends this connection now."""


@dataclass
class Relay:
    """What the server does; what it saw.

    `answers` are by command ("MAIL", "DATA", "." after the content) or by recipient, for RCPT.
    An answer is sent as it is; "" hangs up instead, and None keeps silent.
    """

    offers: list[str] = field(default_factory=lambda: ["PIPELINING", "8BITMIME", "SIZE 1000000"])
    greeting: str = "220 relay.example ESMTP"
    answers: dict[str, str | None] = field(default_factory=dict)
    # By recipient: what follows the content. Then, 354 to DATA although RCPT, or MAIL, was refused.
    verdicts: dict[str, str | None] = field(default_factory=dict)
    verdicts_once: dict[str, str] = field(default_factory=dict)
    asks_for_empty: bool = False
    takes_anything: bool = False
    cuts_within: Counter[str] = field(default_factory=Counter)
    closes_after: int = 1_000_000
    closes_with: str = ""
    most_connections: int = 1_000
    speaks_slowly: bool = False
    speaks_at_length: bool = False
    tls: ssl.SSLContext | None = None
    begins_with_tls: bool = False
    pause: float = 0.0

    letters: list[tuple[str, bytes]] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    early: list[bytes] = field(default_factory=list)
    quits: int = 0

    def serve(self) -> "Relay":
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._socket.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End all connections."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @property
    def recipients(self) -> list[str]:
        return [to for to, _ in self.letters]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self._open.add(sock)
            threading.Thread(target=self._talk, args=[sock], daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self.open_now += 1
            is_too_many = self.open_now > self.most_connections
        session = _Session(self, sock)
        try:
            if self.begins_with_tls:
                session.encrypt()
            if is_too_many:
                session.say("421 too many connections")
            else:
                session.run()
        except (OSError, HangUp):
            pass
        finally:
            session.sock.close()
            with self._lock:
                self.open_now -= 1


class _Session:
    def __init__(self, relay: Relay, sock: socket.socket) -> None:
        self.relay, self.sock = relay, sock
        self.heard = b""
        self.sender = self.to = ""
        self.is_known = False
        self.has_mail = False
        self.taken = 0

    def encrypt(self) -> None:
        assert self.relay.tls
        plain, context = self.sock, self.relay.tls
        self.sock = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        assert isinstance(self.sock, ssl.SSLSocket)
        self.sock.do_handshake()

    def run(self) -> None:
        self.say(self.relay.greeting)
        while line := self.line():
            self.relay.commands.append(line)
            verb = line.split()[0].upper().split(":")[0]
            self.note_early()
            time.sleep(self.relay.pause)
            if verb in ("EHLO", "HELO"):
                self.say("\r\n".join(self.ehlo(verb)))
            elif verb == "STARTTLS" and self.relay.tls:
                self.say("220 go ahead")
                self.encrypt()
            elif verb == "QUIT":
                self.relay.quits += 1
                self.say("221 bye")
                return
            else:
                getattr(self, verb.lower())(line)

    def ehlo(self, verb: str) -> list[str]:
        words = ["relay.example", *(self.relay.offers if verb == "EHLO" else [])]
        marks = ["-"] * (len(words) - 1) + [" "]
        return [f"250{mark}{word}" for mark, word in zip(marks, words, strict=True)]

    def note_early(self) -> None:
        """What the client sent before it had its answer."""
        if not self.heard and not isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(SLOWLY)
            with suppress(TimeoutError):
                self.heard += self.sock.recv(1 << 16)
            self.sock.settimeout(None)
        if self.heard:
            self.relay.early.append(self.heard[:20])

    def mail(self, line: str) -> None:
        if self.taken >= self.relay.closes_after:
            self.say(self.relay.closes_with)
            raise HangUp
        if self.has_mail:
            self.say("503 nested MAIL command")
            return
        answer = self.relay.answers.get("MAIL", "250 sender ok")
        self.has_mail = bool(answer) and str(answer).startswith("250")
        self.sender, self.is_known = line.partition("<")[2].partition(">")[0], False
        self.say(answer)

    def rcpt(self, line: str) -> None:
        self.to = line.partition("<")[2].partition(">")[0]
        if not (self.has_mail or self.relay.takes_anything):
            self.say("503 need MAIL first")
            return
        answer = self.relay.answers.get(self.to, "250 recipient ok")
        self.is_known = bool(answer) and str(answer).startswith("25")
        self.say(answer)

    def data(self, line: str) -> None:
        if "DATA" in self.relay.answers:
            self.say(self.relay.answers["DATA"])
        elif self.is_known:
            self.say("354 go on")
            self.content()
        elif self.relay.asks_for_empty and self.has_mail:
            self.say("354 go on")
            self.until(b".\r\n")
            self.has_mail = False
            self.say("554 no valid recipients")
        else:
            self.say("554 no valid recipients")

    def content(self) -> None:
        if self.relay.cuts_within[self.to] > 0:
            self.relay.cuts_within[self.to] -= 1
            self.hear()
            raise HangUp
        content = self.until(b"\r\n.\r\n")
        self.note_early()
        answer = self.relay.verdicts.get(self.to, self.relay.answers.get(".", "250 accepted"))
        answer = self.relay.verdicts_once.pop(self.to, answer)
        self.has_mail = False
        if answer is None or not answer or answer.startswith(("250", "gibberish")):
            self.relay.letters.append((self.to, content))
            self.relay.senders.append(self.sender)
            self.taken += 1
        self.say(answer)

    def rset(self, line: str) -> None:
        self.has_mail = False
        self.say("250 reset")

    def until(self, end: bytes) -> bytes:
        while end not in self.heard:
            self.hear()
        found, _, self.heard = self.heard.partition(end)
        return found + end

    def line(self) -> str:
        return self.until(b"\r\n").decode().strip()

    def hear(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise HangUp
        self.heard += data

    def say(self, answer: str | None) -> None:
        if answer is None:
            time.sleep(60)
        if not answer:
            raise HangUp
        if self.relay.speaks_at_length and answer[3] == " ":
            answer = f"{answer[:3]}-first\r\n{answer[:3]}-second\r\n{answer}"
        data = answer.encode() + b"\r\n"
        if not self.relay.speaks_slowly:
            self.sock.sendall(data)
            return
        for at in range(0, len(data), 7):
            self.sock.sendall(data[at : at + 7])
            time.sleep(SLOWLY)


@contextmanager
def relay(**what: object) -> Iterator[Relay]:
    """A server that runs until the end of the block."""
    server = Relay(**what).serve()  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.stop()


def certificate(folder: Path) -> Path:
    """A new certificate for 127.0.0.1 with its key, signed by itself."""
    path = folder / "relay.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, "-keyout", path, "-out", path], check=True, capture_output=True)
    return path


class Pile:
    """A load of copies in memory, which writes down what a carrier does with them."""

    def __init__(self, *addresses: str) -> None:
        self.copies = deque(
            Copy(pk, pk, 1, email, uuid.uuid4(), (), 0) for pk, email in enumerate(addresses)
        )
        self.all = list(self.copies)
        self.begun: Counter[str] = Counter()
        self.returned: Counter[str] = Counter()
        self.outcomes: dict[str, Outcome] = {}
        self.held: set[str] = set()
        self.stopped: list[Outcome] = []
        self.is_told_to_stop = False
        self.rests_until = 0.0

    def take(self) -> Copy | None:
        if self.is_over or self.rests_for:
            return None
        copy = self.copies.popleft()
        self.held.add(copy.email)
        return copy

    def begin(self, copy: Copy) -> None:
        assert copy.email in self.held
        self.begun[copy.email] += 1

    def put_back(self, copy: Copy) -> None:
        self.held.remove(copy.email)
        self.returned[copy.email] += 1
        self.copies.appendleft(copy)

    def settle(self, copy: Copy, outcome: Outcome) -> None:
        self.held.remove(copy.email)
        assert copy.email not in self.outcomes
        if outcome.stop:
            self.halt(outcome)
        self.outcomes[copy.email] = outcome

    def halt(self, outcome: Outcome) -> None:
        self.stopped.append(outcome)

    def look_up(self) -> None:
        pass

    @property
    def is_over(self) -> bool:
        return self.is_told_to_stop or bool(self.stopped) or not self.copies

    @property
    def rests_for(self) -> float:
        return max(0.0, self.rests_until - time.monotonic())

    @property
    def states(self) -> Counter[str]:
        """How many copies are in each state; "left" are those never settled."""
        counts = Counter(str(one.state.value) for one in self.outcomes.values())
        left = len(self.all) - len(self.outcomes)
        return counts + Counter({"left": left})
