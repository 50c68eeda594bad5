"""Keeps child processes running, in one thread, until it is time to stop. Standard library only."""

import math
import selectors
import signal
import socket
import time
from collections.abc import Iterable
from types import FrameType

from fibrosite.demo.processes import Child, Terminal

GRACE_SECONDS = 10
HOPELESS_SECONDS = 30
POLL_SECONDS = 0.05


class Stopped(Exception):
    """It is time to stop; the message, if any, says what went wrong."""


class Crew:
    """Keeps children running until a signal comes, then stops them one after the other.

    One thread and one loop: `step` waits for output, for ended children and for signals.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.selector = selectors.DefaultSelector()
        self.children: list[Child] = []
        self.due: dict[Child, float] = {}
        self.stopping = False
        self.asked_to_stop = False
        self.impatient = False
        self._listen_to_signals()

    def _listen_to_signals(self) -> None:
        self.woken, self.waker = socket.socketpair()
        for end in (self.woken, self.waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        self.selector.register(self.woken, selectors.EVENT_READ)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGCHLD:
            return  # the loop is awake, which is all it is for
        # Only Ctrl-C can be impatient: a TERM may come twice, from its sender and through make.
        self.impatient = self.asked_to_stop and number == signal.SIGINT
        self.asked_to_stop = True

    def start(self, child: Child) -> None:
        """Start a child; from now on it is listened to, and stopped in the end."""
        if child not in self.children:
            self.children.append(child)
        child.start()
        self.selector.register(child.output, selectors.EVENT_READ, child)

    def step(self, timeout: float = 1) -> None:
        """Wait for something to happen, and see to it. Raises Stopped when asked to stop."""
        for key, _ in self.selector.select(timeout):
            if key.data is None:
                self.woken.recv(4096)
            elif key.data.listen() == 0:
                self.selector.unregister(key.fd)
        for child in self.children:
            self._see_to(child)
        if (self.asked_to_stop or self.terminal.gone) and not self.stopping:
            raise Stopped

    def _see_to(self, child: Child) -> None:
        if child.has_ended():
            self._forget(child)
        elif self.due.get(child, math.inf) <= time.monotonic() and not self.stopping:
            del self.due[child]
            self.start(child)

    def _forget(self, child: Child) -> None:
        if child.output in self.selector.get_map():
            self.selector.unregister(child.output)
        child.bury()
        if not self.stopping and not child.once:
            self._plan_restart(child)

    def _plan_restart(self, child: Child) -> None:
        now = time.monotonic()
        pause = child.next_pause(now)
        if child.vital and child.hopeless(HOPELESS_SECONDS):
            times = f"{child.deaths.maxlen} times within {HOPELESS_SECONDS} s"
            raise Stopped(f"Giving up: {child.name} died {times}; its last words are above.")
        self.due[child] = now + pause
        self.terminal.say(f"{child.how_it_ended()}; starting it again in {pause:g} s", child.name)

    def stop(self, order: Iterable[Child]) -> None:
        """Stop the children in this order: TERM, and KILL for who takes too long."""
        self.stopping = True
        for child in order:
            child.signal(signal.SIGTERM)
            self._wait_for_end(child)

    def _wait_for_end(self, child: Child) -> None:
        deadline = time.monotonic() + GRACE_SECONDS
        while child.running:
            if self.impatient or time.monotonic() > deadline:
                child.signal(signal.SIGKILL)
            self.step(POLL_SECONDS)
