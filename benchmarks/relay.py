"""The counting mail server with habits of real ones, for tests of faults.

    python -m benchmarks.relay --port 2525 --log /somewhere/accepted --greylists 1

One process. Besides the sink's faults: it hears on another address, puts every recipient off at
first, ends a connection after so many letters, or takes no connection at all.
"""

import argparse
import contextlib
import mmap
import socket
from pathlib import Path
from zlib import crc32

from benchmarks.sink import LATER, SLOTS, Client, Faults, Sink

CLOSING = b"421 4.7.0 Too many letters on one connection\r\n"
CLOSED = b"421 4.3.2 Closed for today\r\n"


class Relay(Sink):
    """A sink with habits."""

    def __init__(self, given: argparse.Namespace) -> None:
        chosen = Faults(given.temporary, given.refused, given.cut_before, given.cut_after)
        seen = mmap.mmap(-1, SLOTS)
        super().__init__(
            given.port, delay_s=given.delay / 1000, faults=chosen, log=given.log, seen=seen
        )
        self.given = given
        self.known = mmap.mmap(-1, SLOTS)
        self.taken: dict[Client, int] = {}
        if given.host != "127.0.0.1":
            self._move(given.host, given.port)

    def _move(self, host: str, port: int) -> None:
        self.listener.close()
        self.listener = socket.create_server((host, port), backlog=1024)
        self.listener.setblocking(False)

    def greet(self) -> None:
        """Take one more connection, or turn it away."""
        if not self.given.closed:
            super().greet()
            return
        sock, _ = self.listener.accept()
        sock.send(CLOSED)
        sock.close()

    def hear(self, client: Client) -> None:
        """Read what came; a client that was killed is gone."""
        try:
            super().hear(client)
        except OSError:
            self.close(client)

    def answer_delayed(self) -> None:
        """Answer all whose time has come, but those that are gone."""
        with contextlib.suppress(OSError):
            super().answer_delayed()

    def close(self, client: Client) -> None:
        """End a connection."""
        self.taken.pop(client, None)
        super().close(client)

    def answer(self, client: Client, line: bytes) -> bytes:
        """The answer to one command; to that after the last letter, 421 and the end."""
        if self.given.closes_after and self.taken.get(client, 0) >= self.given.closes_after:
            client.sock.send(CLOSING)
            self.close(client)
            return b""
        return super().answer(client, line)

    def recipient(self, client: Client, address: bytes) -> bytes:
        """Take a recipient, or put it off when it comes for the first time."""
        slot = crc32(address) % SLOTS
        if self.given.greylists and not self.known[slot]:
            self.known[slot] = 1
            client.recipient = b""
            return LATER
        return super().recipient(client, address)

    def take(self, client: Client, start: int, end: int) -> bytes:
        """Accept a content, and count it."""
        answer = super().take(client, start, end)
        if answer:
            self.taken[client] = self.taken.get(client, 0) + 1
        return answer


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds before each answer")
    for name in ("temporary", "refused", "cut-before", "cut-after"):
        parser.add_argument(f"--{name}", type=float, default=0, help="percent of the attempts")
    parser.add_argument("--closes-after", type=int, default=0, help="letters on one connection")
    for name in ("greylists", "closed"):
        parser.add_argument(f"--{name}", type=int, default=0, help="1: it does")
    Relay(parser.parse_args()).run()


if __name__ == "__main__":
    main()
