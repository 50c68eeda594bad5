"""A mail server that counts: several processes on one port, as little work a letter as can be.

    python -m benchmarks.sink --port 2525 --processes 2 --log /somewhere/accepted

Each accepted letter is a line of the log: recipient, number of the delivery in Message-ID, token
of List-Unsubscribe, and for a sample whether the links in the body hold the same token.
Faults are chosen by recipient and attempt alone, so that a run can be repeated.
"""

import argparse
import mmap
import os
import quopri
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

GREETING = b"220 sink ESMTP\r\n"
OFFERS = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000\r\n"
OK, GO_ON = b"250 2.0.0 Ok\r\n", b"354 Go on\r\n"
LATER, NEVER = b"450 4.2.0 Later\r\n", b"550 5.1.1 Never\r\n"
NOBODY = b"554 5.5.1 No valid recipients\r\n"
END = b"\r\n.\r\n"
BUFFER = 1 << 20
# No envelope is longer, so the end of a content stands in the last bytes that came.
ENVELOPE = 1024
# Links of so many letters are compared with those in the body.
SAMPLE = 1000
# Lines are written in blocks of so many.
BLOCK = 500
SLOTS = 1 << 24


@dataclass(frozen=True)
class Faults:
    """How many of a hundred are put off, refused, or cut before or after they are accepted."""

    temporary: float = 0.0
    refused: float = 0.0
    cut_before: float = 0.0
    cut_after: float = 0.0

    def choose(self, recipient: bytes, attempt: int) -> str:
        """What happens to this attempt; "" for nothing."""
        left = (crc32(b"%d %b" % (attempt, recipient)) % 100_000) / 1000
        for name in ("temporary", "refused", "cut_before", "cut_after"):
            left -= getattr(self, name)
            if left < 0:
                return name
        return ""

    def __bool__(self) -> bool:
        return bool(self.temporary or self.refused or self.cut_before or self.cut_after)


class Client:
    """One connection: what came and was not looked at yet, and the letter on its way."""

    __slots__ = ("fault", "heard", "is_content", "is_waiting", "recipient", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.heard = b""
        self.is_content = False
        # In the queue of delayed answers.
        self.is_waiting = False
        self.recipient = b""
        self.fault = ""


class Sink:
    """One process of the server."""

    def __init__(
        self,
        port: int,
        *,
        host: str = "127.0.0.1",
        delay_s: float,
        faults: Faults,
        log: Path,
        seen: mmap.mmap,
    ) -> None:
        self.delay_s, self.faults, self.seen = delay_s, faults, seen
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind((host, port))
        self.listener.listen(1024)
        self.listener.setblocking(False)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.lines: list[bytes] = []
        self.accepted = 0
        self.clients: dict[int, Client] = {}
        self.buffer = bytearray(BUFFER)
        self.view = memoryview(self.buffer)
        self.delayed: deque[tuple[float, Client]] = deque()
        self.is_running = True

    def run(self) -> None:
        """Serve until SIGTERM."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        parent = os.getppid()
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        door, clients = self.listener.fileno(), self.clients
        while self.is_running and os.getppid() == parent:
            ready = self.poll.poll(self._patience())
            if not ready:
                self.flush()
            for fd, _ in ready:
                if fd == door:
                    self.greet()
                elif fd in clients:
                    self.hear(clients[fd])
            if self.delayed:
                self.answer_delayed()
        self.flush()

    def stop(self, *_: object) -> None:
        """End after this turn."""
        self.is_running = False

    def _patience(self) -> float:
        if not self.delayed:
            return 0.2
        return max(0.0, self.delayed[0][0] - time.monotonic())

    def flush(self) -> None:
        """Write the lines down; a process that ends loses none."""
        if self.lines:
            os.write(self.log, b"".join(self.lines))
            self.lines.clear()

    def greet(self) -> None:
        """Take one more connection."""
        try:
            sock, _ = self.listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients[sock.fileno()] = Client(sock)
        self.poll.register(sock, select.EPOLLIN)
        sock.send(GREETING)

    def close(self, client: Client) -> None:
        """End a connection."""
        if self.clients.pop(client.sock.fileno(), None):
            client.sock.close()

    def hear(self, client: Client) -> None:
        """Read what came, and answer all that is whole."""
        before = len(client.heard)
        self.buffer[:before] = client.heard
        try:
            came = client.sock.recv_into(self.view[before:])
        except BlockingIOError:
            return
        except OSError:
            came = 0
        if not came:
            self.close(client)
            return
        end = before + came
        if self.delay_s:
            client.heard = bytes(self.view[:end])
            self.delay(client)
            return
        answers, done = self.answer_all(client, before, end)
        client.heard = bytes(self.view[done:end])
        if client.sock.fileno() >= 0 and answers:
            client.sock.send(answers)

    def answer_all(self, client: Client, before: int, end: int) -> tuple[bytes, int]:
        """The answers to all that is whole, and how many bytes that was."""
        answers, at, buffer = b"", 0, self.buffer
        while at < end and client.sock.fileno() >= 0:
            if client.is_content:
                # What came before this read was looked at then, but for a torn end.
                start = max(at, before - 4, end - ENVELOPE)
                dot = buffer.find(END, start, end)
                if dot < 0:
                    break
                answers += self.take(client, at, dot)
                at = dot + 5
                continue
            line = buffer.find(b"\r\n", at, end)
            if line < 0:
                break
            answers += self.answer(client, bytes(self.view[at:line]))
            at = line + 2
        return answers, at

    def answer(self, client: Client, line: bytes) -> bytes:
        """The answer to one command."""
        verb = line[:4].upper()
        if verb == b"RCPT":
            return self.recipient(client, line[line.find(b"<") + 1 : line.find(b">")])
        if verb == b"DATA":
            if not client.recipient:
                return NOBODY
            client.is_content = True
            return GO_ON
        if verb in (b"EHLO", b"HELO"):
            return OFFERS
        if verb == b"QUIT":
            client.sock.send(OK)
            self.close(client)
        return OK

    def recipient(self, client: Client, address: bytes) -> bytes:
        """Take a recipient, or refuse it."""
        client.recipient, client.fault = address, ""
        if self.faults:
            slot = crc32(address) % SLOTS
            attempt = self.seen[slot]
            self.seen[slot] = min(255, attempt + 1)
            client.fault = self.faults.choose(address, attempt)
            if client.fault in ("temporary", "refused"):
                client.recipient = b""
                return LATER if client.fault == "temporary" else NEVER
        return OK

    def take(self, client: Client, start: int, end: int) -> bytes:
        """Accept the content between these places of the buffer, or break the connection."""
        client.is_content = False
        fault, recipient, client.recipient = client.fault, client.recipient, b""
        if fault == "cut_before":
            self.close(client)
            return b""
        buffer = self.buffer
        token = self.between(b"\nList-Unsubscribe: <", b">", start, end).rstrip(b"/")
        token = token[token.rfind(b"/") + 1 :]
        number = self.between(b"\nMessage-ID: <", b"@", start, end)
        number = number[number.rfind(b".") + 1 :]
        self.accepted += 1
        agrees = b"."
        if token and self.accepted % SAMPLE == 1:
            agrees = b"+" if links_agree(bytes(buffer[start:end]), token) else b"-"
        self.lines.append(b"%b %b %b %b\n" % (recipient, number or b"-", token or b"-", agrees))
        if len(self.lines) >= BLOCK:
            self.flush()
        if fault == "cut_after":
            self.close(client)
            return b""
        return OK

    def between(self, before: bytes, after: bytes, start: int, end: int) -> bytes:
        """What stands between two words of the buffer, in the head of a letter."""
        begin = self.buffer.find(before, start, min(end, start + 4096))
        if begin < 0:
            return b""
        begin += len(before)
        return bytes(self.buffer[begin : self.buffer.find(after, begin, end)])

    # One command after the other, each after the delay

    def delay(self, client: Client) -> None:
        """Look at the next command, if it is whole, after the delay."""
        if not client.is_waiting and self.whole(client):
            client.is_waiting = True
            self.delayed.append((time.monotonic() + self.delay_s, client))

    def whole(self, client: Client) -> int:
        """How long the next command or content is; 0 if it has not all come."""
        end = END if client.is_content else b"\r\n"
        start = max(0, len(client.heard) - ENVELOPE) if client.is_content else 0
        place = client.heard.find(end, start)
        return place + len(end) if place >= 0 else 0

    def answer_delayed(self) -> None:
        """Answer all whose time has come, and look at what each said after that."""
        now = time.monotonic()
        while self.delayed and self.delayed[0][0] <= now:
            _, client = self.delayed.popleft()
            client.is_waiting = False
            if client.sock.fileno() < 0:
                continue
            size = self.whole(client)
            self.buffer[:size] = client.heard[:size]
            client.heard = client.heard[size:]
            answers, _ = self.answer_all(client, 0, size)
            if client.sock.fileno() >= 0:
                client.sock.send(answers)
                self.delay(client)


def links_agree(content: bytes, token: bytes) -> bool:
    """Whether each part of the body holds the token of the header's link."""
    _, _, body = content.partition(b"\r\n\r\n")
    parts = max(1, body.count(b"Content-Type: text/"))
    return quopri.decodestring(body.replace(b"\r\n..", b"\r\n.")).count(token) >= parts


@dataclass(frozen=True)
class Verdict:
    """What a log says about a list of expected letters."""

    accepted: int
    lost: int
    duplicate: int
    wrong: int


def read(log: Path, expected: Iterable[tuple[str, int, str]]) -> Verdict:
    """Compare a log with recipients, numbers of deliveries and tokens of those that must be there.

    Lost: expected and not in the log. Duplicate: lines beyond the first of a recipient. Wrong:
    another's number or token, or a body whose links are not those of the head.
    """
    found: dict[bytes, bytes] = {}
    accepted = duplicate = wrong = 0
    with log.open("rb") as file:
        for line in file:
            recipient, number, token, agrees = line.split()
            accepted += 1
            wrong += agrees == b"-"
            duplicate += recipient in found
            found[recipient] = number + b" " + token
    lost = 0
    for email, pk, token_ in expected:
        letter = found.pop(email.encode(), None)
        if letter is None:
            lost += 1
        else:
            wrong += letter != f"{pk} {token_}".encode()
    return Verdict(accepted, lost, duplicate, wrong)


def main() -> None:
    """Serve in as many processes as asked for; the first one ends the others."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds before each answer")
    for name in ("temporary", "refused", "cut-before", "cut-after"):
        parser.add_argument(f"--{name}", type=float, default=0, help="percent of the attempts")
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    faults = Faults(given.temporary, given.refused, given.cut_before, given.cut_after)
    seen = mmap.mmap(-1, SLOTS)
    children: list[int] = []
    for _ in range(given.processes - 1):
        if not (child := os.fork()):
            children = []
            break
        children.append(child)
    delay_s = given.delay / 1000
    sink = Sink(
        given.port, host=given.host, delay_s=delay_s, faults=faults, log=given.log, seen=seen
    )
    sink.run()
    for child in children:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
