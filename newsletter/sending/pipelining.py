"""SMTP over many connections at once, one round trip a letter where the server can (RFC 2920).

Right after a letter's content the envelope of the next one follows in the same write, so that at
most one letter per connection is ever with the server without an answer. All connections of a
load are driven by one selector in one thread.
"""

import logging
import selectors
import smtplib
import time
from collections import Counter
from dataclasses import replace

from django.conf import settings

from newsletter.mailing import may_get_mail
from newsletter.models import Delivery
from newsletter.outcomes import SOON, Outcome, judge, words
from newsletter.sending.connections import KEPT, Channel, Opener
from newsletter.sending.lanes import Lane, Letter
from newsletter.sending.load import Copy, Load
from newsletter.sending.merging import Merger, UnsafeValue, safe_address

logger = logging.getLogger(__name__)

State = Delivery.State
SENT = Outcome(State.SENT, "")
# One connection lost is one connection lost; as many in a row are the server's trouble.
LOSSES = 3
# A letter at whose turn so many connections ended may be what ends them.
RETURNS = 5
# At least so often the loop looks up, and looks for servers that fell silent.
LOOK_UP = 0.2


class Pipelined:
    """The carrier for a mail server reached by SMTP."""

    def carry(self, load: Load) -> None:
        """Hand over what the load gives, until it is over and nothing is in flight."""
        Round(load).run()


class Round:
    """One load on its way: the lanes, and what they have in common."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.merger = Merger(load)
        self.selector = selectors.DefaultSelector()
        self.opener = Opener()
        self.lanes: set[Lane] = set()
        self.idle: list[Lane] = []
        self.broken: list[Lane] = []
        self.most = max(1, settings.MAIL_CONNECTIONS)
        self.timeout = settings.EMAIL_TIMEOUT or 60
        self.is_limited = bool(settings.MAIL_ONLY_TO)
        self.now = time.monotonic()
        self.taken = self.losses = 0
        self._returned: Counter[int] = Counter()
        self._checked = self.now
        self._over_since: float | None = None

    def run(self) -> None:
        """Until the load is over and every lane is idle. Idle ones are kept for the next load."""
        try:
            while not self._is_done():
                self._turn()
        finally:
            self.selector.close()
            idle = set(self.idle)
            KEPT.put(self.opener.place, [lane.channel for lane in idle])
            for lane in self.lanes - idle:
                lane.channel.close()
            self.opener.close()

    def _is_done(self) -> bool:
        if not self.load.is_over:
            self._over_since = None
            return False
        if self._over_since is None:
            # Not the turn's: a worker that stood still is still to hear what was said meanwhile.
            self._over_since = time.monotonic()
        return len(self.lanes) == len(self.idle)

    def _turn(self) -> None:
        self.load.look_up()
        if self.opener.pending:
            self._collect()
        if self.idle:
            self._feed()
        if len(self.lanes) + self.opener.pending < self.most:
            self._open_more()
        ready = self.selector.select(self._patience())
        self.now = time.monotonic()
        for key, events in ready:
            key.data.go_on(events)
        if self.broken:
            self._bury()
        if self.now > self._checked + LOOK_UP:
            self._check()

    def _patience(self) -> float:
        """How long to wait for the servers: not at all while a thread opens the first lane."""
        if self.opener.pending:
            return 0.01 if self.lanes else 0.0
        rests = self.load.rests_for
        return min(rests, LOOK_UP) if rests else LOOK_UP

    # Lanes come and go

    def _open_more(self) -> None:
        """One more for each letter taken, while there is work that no lane is free for.

        So a few letters open a few connections, and a long list opens all within a moment.
        """
        if self.idle or self.load.is_over or self.load.rests_for:
            return
        if not self.lanes:
            for channel in KEPT.get(self.opener.place, self.most):
                self._add(channel)
            self._feed()
        wanted = min(self.most, 1 + self.taken) - len(self.lanes) - self.opener.pending
        for _ in range(wanted):
            self.opener.start()

    def _collect(self) -> None:
        found = self.opener.finished(0.0 if self.lanes else LOOK_UP)
        while found is not None:
            if isinstance(found, Channel):
                self._add(found)
            else:
                self._not_opened(found)
            found = self.opener.finished(0.0)

    def _not_opened(self, error: Exception) -> None:
        """A server that wants no more connections than it has is no trouble."""
        if self.lanes:
            self.most = len(self.lanes)
            logger.info("%s connections to the mail server are all (%s)", self.most, error)
        elif not self.opener.pending:
            logger.warning("Letters wait: there is no way to the mail server (%s)", error)
            reason = f"no way to the mail server: {words(str(error))}"
            self.load.halt(Outcome(State.QUEUED, reason, stop=True, rest=SOON))

    def _add(self, channel: Channel) -> None:
        lane = Lane(self, channel)
        self.lanes.add(lane)
        self.idle.append(lane)
        self.selector.register(channel.sock, selectors.EVENT_READ, lane)

    def drop(self, lane: Lane) -> None:
        """Close a lane for good."""
        self.lanes.discard(lane)
        if lane in self.idle:
            self.idle.remove(lane)
        self.selector.unregister(lane.channel.sock)
        lane.channel.close()
        if self.lanes and not lane.channel.taken:
            # It took nothing here, while others stay open: so many and no more.
            self.most = len(self.lanes)

    def _bury(self) -> None:
        broken, self.broken = self.broken, []
        for lane in broken:
            lane.last_words()

    def _check(self) -> None:
        """Give up lanes whose server fell silent, and all once the load is over for long."""
        if self.now > self._checked + self.timeout / 2:
            # It is this worker that stood still: the servers have all their time from here.
            self._over_since = None
        self._checked = self.now
        silent = self.now - self.timeout
        late = self._over_since is not None and self._over_since < silent
        for lane in self.lanes - set(self.idle):
            if lane.since < silent:
                # Perhaps it is this worker that stood still, and the answer lies here.
                lane.go_on(selectors.EVENT_READ)
        for lane in self.lanes - set(self.idle):
            if late or lane.since < silent:
                lane.lost(f"no answer within {self.timeout} seconds")

    # Letters come and go

    def _feed(self) -> None:
        idle, self.idle = self.idle, []
        for place, lane in enumerate(idle):
            letter = self.next(lane.channel)
            if letter is None:
                self.idle += idle[place:]
                return
            lane.start(letter)

    def next(self, channel: Channel) -> Letter | None:
        """The next letter that may go by this channel; None if there is none now."""
        load = self.load
        while (copy := load.take()) is not None:
            try:
                if self.is_limited and not may_get_mail(copy.email):
                    reason = "MAIL_ONLY_TO keeps letters from this address"
                    load.settle(copy, Outcome(State.FAILED, reason))
                    continue
                return self._letter(copy, channel)
            except UnsafeValue as error:
                load.settle(copy, Outcome(State.FAILED, words(str(error))))
        return None

    def _letter(self, copy: Copy, channel: Channel) -> Letter:
        content = self.merger.content(copy)
        sender = self.merger.sender(copy)
        size = len(content)
        if channel.largest and size > channel.largest:
            raise UnsafeValue(
                f"the letter has {size} bytes, and the mail server takes {channel.largest} at most"
            )
        if channel.names_size:
            mail = b"MAIL FROM:<%b> SIZE=%d\r\n" % (sender, size)
        else:
            mail = b"MAIL FROM:<%b>\r\n" % sender
        return Letter(copy, mail, b"RCPT TO:<%b>\r\n" % safe_address(copy.email), content)

    # What became of them

    def accepted(self, copy: Copy) -> None:
        """The server took it."""
        self.losses = 0
        self.taken += 1
        self.load.settle(copy, SENT)

    def _works(self, channel: Channel) -> bool:
        """Whether the server takes letters: on this connection, or on another one now open."""
        return bool(channel.taken) or any(lane.channel.taken for lane in self.lanes)

    def may_have_arrived(self, copy: Copy, said: str, channel: Channel) -> None:
        """The connection broke after all of its content, and before the answer."""
        outcome = judge(smtplib.SMTPServerDisconnected(said))
        self.losses += 1
        # Each further try with a server that breaks them all may cost a letter for each lane.
        stops = self.losses >= LOSSES or not self._works(channel)
        self.load.settle(copy, replace(outcome, stop=stops))

    def did_not_arrive(self, copy: Copy, refusal: Outcome, channel: Channel) -> None:
        """The connection ended before it was accepted: it goes again, at once if others do."""
        self._returned[copy.pk] += 1
        if not self._works(channel):
            self.load.settle(copy, refusal)
        elif self._returned[copy.pk] > RETURNS:
            self.load.settle(copy, Outcome(State.QUEUED, refusal.reason))
        else:
            self.load.put_back(copy)

    def was_cut(self, copy: Copy, refusal: Outcome, channel: Channel) -> None:
        """The connection broke within its content: it goes again, unless all of them break."""
        self.losses += 1
        if self.losses < LOSSES and not self._works(channel):
            self.load.put_back(copy)
        else:
            self.did_not_arrive(copy, refusal, channel)
