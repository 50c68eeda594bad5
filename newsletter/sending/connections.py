"""Connections to the mail server: opened by Django's own backend, then ours, kept for a while."""

import contextlib
import os
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Hashable, Iterable
from queue import Empty, SimpleQueue

from newsletter.mailing import SmtpBackend

# Between two batches of one digest lies less; mail servers wait for minutes.
IDLE_S = 5.0
# A letter and the envelope after it go to the kernel in one call.
SEND_BUFFER = 256 * 1024
# As large as a TLS record, so that nothing is left in the TLS layer which no selector sees.
READ_SIZE = 16384
# What a non-blocking read or write raises when it must wait.
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Channel:
    """One greeted connection that never blocks, and what its server offers.

    `largest` is the most bytes a letter may have (RFC 1870), 0 if the server names no limit.
    `taken` counts the letters that it took on this connection. `needs_reset`: the transaction
    before ended early, and the server may still be in the midst of it.
    """

    def __init__(self, connection: smtplib.SMTP) -> None:
        connection.ehlo_or_helo_if_needed()
        offers = connection.esmtp_features
        self.is_pipelined = "pipelining" in offers
        self.names_size = "size" in offers
        limit = offers.get("size", "").strip()
        self.largest = int(limit) if limit.isdecimal() else 0
        self.taken = 0
        self.needs_reset = False
        self.sock = _take_over(connection)

    def is_alive(self) -> bool:
        """Whether the server neither closed it nor said anything (such as 421) meanwhile."""
        try:
            self.sock.recv(1)
        except NOT_NOW:
            return True
        except OSError:
            return False
        return False

    def quit(self) -> None:
        """Say good-bye without waiting for the answer, and close."""
        with contextlib.suppress(OSError):
            self.sock.send(b"QUIT\r\n")
        self.close()

    def close(self) -> None:
        """Close it without a word."""
        with contextlib.suppress(OSError):
            self.sock.close()


def _take_over(connection: smtplib.SMTP) -> socket.socket:
    """The socket of a connection that smtplib has no more use for."""
    sock: socket.socket | None = connection.sock
    if sock is None:
        raise smtplib.SMTPServerDisconnected("it hung up after its greeting")
    if connection.file:
        connection.file.close()
    connection.file = connection.sock = None
    sock.setblocking(False)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return sock


class Opener:
    """Opens channels in threads, so that those that are open do not stand still.

    `pending` are still on their way. Certificates are read once, not for each.
    """

    def __init__(self) -> None:
        self.pending = 0
        self._done: SimpleQueue[Channel | Exception] = SimpleQueue()
        self._first = SmtpBackend()
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def place(self) -> Hashable:
        """What tells the channels of one mail server and account from those of another."""
        mine = self._first
        return (mine.host, mine.port, mine.username, mine.password, mine.use_tls, mine.use_ssl)

    def start(self) -> None:
        """Begin to open one more."""
        self.pending += 1
        threading.Thread(target=self._open, name="mail connection", daemon=True).start()

    def finished(self, wait: float) -> Channel | Exception | None:
        """A channel, or why there is none; None if `wait` seconds brought neither."""
        try:
            found = self._done.get(timeout=wait) if wait else self._done.get_nowait()
        except Empty:
            return None
        self.pending -= 1
        return found

    def close(self) -> None:
        """Nobody waits any more: what still comes is kept for the next load."""
        with self._lock:
            self._is_closed = True
        while (late := self.finished(0)) is not None:
            if isinstance(late, Channel):
                KEPT.put(self.place, [late])

    def _open(self) -> None:
        found: Channel | Exception
        try:
            found = self._connect()
        except Exception as error:
            found = error
        with self._lock:
            if not self._is_closed:
                self._done.put(found)
                return
        if isinstance(found, Channel):
            KEPT.put(self.place, [found])

    def _connect(self) -> Channel:
        backend = SmtpBackend()
        if backend.use_tls or backend.use_ssl:
            with self._lock:
                backend.ssl_context = self._first.ssl_context
        try:
            backend.open()
            if backend.connection is None:
                raise smtplib.SMTPServerDisconnected("no connection")
            return Channel(backend.connection)
        except BaseException:
            with contextlib.suppress(OSError):
                backend.close()
            raise


class Kept:
    """Channels between two loads. Each belongs to one load at a time, or lies here."""

    def __init__(self) -> None:
        self._lying: list[tuple[float, Hashable, Channel]] = []
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def put(self, place: Hashable, channels: Iterable[Channel]) -> None:
        """Keep these for IDLE_S seconds."""
        until = time.monotonic() + IDLE_S
        with self._lock:
            self._lying += [(until, place, channel) for channel in channels]
            self._wake_later()

    def get(self, place: Hashable, most: int) -> list[Channel]:
        """At most so many that are still open; they are the caller's now."""
        with self._lock:
            mine = [one for one in self._lying if one[1] == place][-most:]
            self._lying = [one for one in self._lying if one not in mine]
        found = []
        for _, _, channel in mine:
            if channel.is_alive():
                found.append(channel)
            else:
                channel.close()
        return found

    def close_idle(self, now: float) -> None:
        """Say good-bye on those that nobody wanted until `now`."""
        with self._lock:
            old = [one for one in self._lying if one[0] <= now]
            self._lying = [one for one in self._lying if one[0] > now]
            self._timer = None
            self._wake_later()
        for _, _, channel in old:
            channel.quit()

    def _wake_later(self) -> None:
        if self._lying and self._timer is None:
            wait = max(0.0, self._lying[0][0] - time.monotonic())
            self._timer = threading.Timer(wait, self._wake)
            self._timer.daemon = True
            self._timer.start()

    def _wake(self) -> None:
        self.close_idle(time.monotonic())

    def forget(self) -> None:
        """After a fork: the channels are the parent's, and so are lock and timer."""
        for _, _, channel in self._lying:
            channel.close()
        self._lying = []
        self._begin()


KEPT = Kept()
os.register_at_fork(after_in_child=KEPT.forget)
