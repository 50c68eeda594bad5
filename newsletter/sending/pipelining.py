"""SMTP over many connections at once, one round trip a letter where the server can (RFC 2920).

Right after a letter's content the envelope of the next one follows in the same write, so that at
most one letter per connection is ever with the server without an answer. All connections of a
load are driven by one selector in one thread.
"""

import logging
import selectors
import smtplib
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings

from newsletter.mailing import may_get_mail
from newsletter.models import Delivery
from newsletter.outcomes import SOON, HungUpEarly, Outcome, by_code, judge, words
from newsletter.sending.connections import KEPT, NOT_NOW, READ_SIZE, Channel, Opener
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
# The longest line of an answer is 512 bytes (RFC 5321 4.5.3.1.5).
LONGEST_ANSWER = 8192

Handler = Callable[[bytes], None]


class Pipelined:
    """The carrier for a mail server reached by SMTP."""

    def carry(self, load: Load) -> None:
        """Hand over what the load gives, until it is over and nothing is in flight."""
        _Round(load).run()


class _Letter:
    """A copy that is ready to go."""

    __slots__ = ("content", "copy", "mail", "rcpt")

    def __init__(self, copy: Copy, mail: bytes, rcpt: bytes, content: bytes) -> None:
        self.copy, self.mail, self.rcpt, self.content = copy, mail, rcpt, content


class _Round:
    """One load on its way: the lanes, and what they have in common."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.merger = Merger(load)
        self.selector = selectors.DefaultSelector()
        self.opener = Opener()
        self.lanes: set[_Lane] = set()
        self.idle: list[_Lane] = []
        self.broken: list[_Lane] = []
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
        lane = _Lane(self, channel)
        self.lanes.add(lane)
        self.idle.append(lane)
        self.selector.register(channel.sock, selectors.EVENT_READ, lane)

    def drop(self, lane: "_Lane") -> None:
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

    def next(self, channel: Channel) -> _Letter | None:
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

    def _letter(self, copy: Copy, channel: Channel) -> _Letter:
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
        return _Letter(copy, mail, b"RCPT TO:<%b>\r\n" % safe_address(copy.email), content)

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


class _Lane:
    """One connection: the letter whose content is out, and the one whose envelope is.

    Each command that waits for its answer has its handler in `expected`, in order. `unsent` is
    what the kernel did not take yet; its first `content_left` bytes belong to the content.
    """

    __slots__ = (
        "channel",
        "coming",
        "content_left",
        "error",
        "expected",
        "flying",
        "is_open",
        "refusal",
        "rest",
        "round",
        "said",
        "since",
        "unsent",
        "waiting",
    )

    def __init__(self, round_: _Round, channel: Channel) -> None:
        self.round, self.channel = round_, channel
        self.expected: deque[Handler] = deque()
        self.waiting: deque[tuple[bytes, Handler]] = deque()
        self.unsent: memoryview = memoryview(b"")
        self.content_left = 0
        self.flying: Copy | None = None
        self.coming: _Letter | None = None
        self.refusal: Outcome | None = None
        self.said: list[bytes] = []
        self.rest = b""
        self.since = round_.now
        self.is_open = True
        self.error = ""

    # Speaking

    def start(self, letter: _Letter) -> None:
        """Send the envelope of a letter on a lane that has none."""
        self.coming = letter
        if self.channel.is_pipelined:
            self._write(self._envelope(letter))
            return
        steps = [
            (letter.mail, self._mail_answered),
            (letter.rcpt, self._rcpt_answered),
            (b"DATA\r\n", self._data_answered),
        ]
        if self.channel.needs_reset:
            self.channel.needs_reset = False
            steps.insert(0, (b"RSET\r\n", self._not_read))
        self.waiting.extend(steps)
        self._next_step()

    def _envelope(self, letter: _Letter) -> bytes:
        """MAIL, RCPT and DATA in one piece, whose answers are expected from now on."""
        said = letter.mail + letter.rcpt + b"DATA\r\n"
        if self.channel.needs_reset:
            self.channel.needs_reset = False
            self.expected.append(self._not_read)
            said = b"RSET\r\n" + said
        self.expected += (self._mail_answered, self._rcpt_answered, self._data_answered)
        return said

    def _next_step(self) -> None:
        command, handler = self.waiting.popleft()
        self.expected.append(handler)
        self._write(command)

    def _send_content(self) -> None:
        letter = self.coming
        assert letter is not None  # noqa: S101
        data = letter.content
        self.expected.append(self._content_answered)
        self.flying, self.content_left = letter.copy, len(data)
        self.coming = None
        if self.channel.is_pipelined:
            following = self.round.next(self.channel)
            if following:
                self.coming = following
                data += self._envelope(following)
        self.round.load.begin(letter.copy)
        self._write(data)

    def _cancel_content(self) -> None:
        """The server wants the content of a letter without a recipient: it gets an empty one."""
        self.expected.append(self._not_read)
        self._settle_refused()
        following = self.round.next(self.channel) if self.channel.is_pipelined else None
        if following:
            self.coming = following
            self._write(b".\r\n" + self._envelope(following))
        else:
            self._write(b".\r\n")

    def _write(self, data: bytes) -> None:
        self.since = self.round.now
        waits = bool(self.unsent)
        self.unsent = memoryview(bytes(self.unsent) + data) if waits else memoryview(data)
        if waits:
            return
        self._flush()
        if self.unsent and not self.error:
            self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE)

    def _flush(self) -> None:
        """Give the kernel what it takes now."""
        send, unsent = self.channel.sock.send, self.unsent
        try:
            while unsent and not self.error:
                taken = send(unsent)
                unsent = unsent[taken:]
                self.content_left = max(0, self.content_left - taken)
                # Not the turn's, which may be long: the server has all its time from here.
                self.since = time.monotonic()
        except NOT_NOW:
            pass
        except OSError as error:
            # What the server said before stands to be read first.
            self.error = str(error)
            self.round.broken.append(self)
        self.unsent = unsent

    def _watch(self, events: int) -> None:
        if self.is_open:
            self.round.selector.modify(self.channel.sock, events, self)

    # Listening

    def go_on(self, events: int) -> None:
        """The selector found this lane ready."""
        if not self.is_open:
            return
        if self.unsent and not self.error:
            self._flush()
            if not self.unsent:
                self._watch(selectors.EVENT_READ)
        if events & selectors.EVENT_READ:
            self._read()

    def _read(self) -> bool:
        """Take in what the server said. False if there is nothing more to come, or not now."""
        try:
            data = self.channel.sock.recv(READ_SIZE)
        except NOT_NOW:
            return False
        except OSError as error:
            self.lost(self.error or str(error))
            return False
        if not data:
            self.lost(self.error or "the server closed the connection")
            return False
        self.since = self.round.now
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._hear(line)
            if not self.is_open:
                return False
        if len(self.rest) > LONGEST_ANSWER:
            self.lost("an answer without an end")
        return self.is_open

    def _hear(self, line: bytes) -> None:
        if line[3:4] == b"-":
            self.said.append(line)
            if len(self.said) > LONGEST_ANSWER // 64:
                self.lost("an answer without an end")
        elif line.startswith(b"421"):
            self._server_closes(line)
        elif not line[:3].isdigit() or not self.expected:
            self.lost(f"no answer of SMTP: {words(line)}")
        else:
            self.expected.popleft()(line)
            self.said.clear()
            if self.waiting and not self.expected and self.is_open:
                self._next_step()

    def last_words(self) -> None:
        """A write failed: take in what the server said before, then give up the lane."""
        while self.is_open and self._read():
            pass
        if self.is_open:
            self.lost(self.error)

    def _text(self, line: bytes) -> str:
        """The words of an answer, all its lines together, without the code."""
        return words(b" ".join(one[4:] for one in (*self.said, line)))

    # Answers

    def _not_read(self, line: bytes) -> None:
        """Whatever it says: nothing depends on it."""
        if not (self.expected or self.waiting or self.coming):
            self._free()

    def _mail_answered(self, line: bytes) -> None:
        if not line.startswith(b"250"):
            said = self._text(line).encode()
            self._refuse(line, judge(smtplib.SMTPSenderRefused(int(line[:3]), said, "")))

    def _rcpt_answered(self, line: bytes) -> None:
        if not line.startswith((b"250", b"251")):
            self._refuse(line, by_code(int(line[:3]), self._text(line)))

    def _data_answered(self, line: bytes) -> None:
        if not line.startswith(b"354"):
            self._refuse(line, by_code(int(line[:3]), self._text(line)), is_last=True)
        elif self.refusal is None:
            self._send_content()
        elif self.refusal.stop:
            # It refused the sender, and may all the same have taken the recipient.
            self._settle_refused()
            self.lost("it asks for a letter whose sender it refused")
        else:
            self._cancel_content()

    def _refuse(self, line: bytes, outcome: Outcome, *, is_last: bool = False) -> None:
        """Keep the first refusal; without pipelining nothing more is asked."""
        if line[:1] not in b"45":
            self.lost(f"no clear answer: {words(line)}")
            return
        self.refusal = self.refusal or outcome
        if is_last or not self.channel.is_pipelined:
            self._end_early()

    def _end_early(self) -> None:
        self.waiting.clear()
        self.channel.needs_reset = True
        self._settle_refused()
        self._free()

    def _settle_refused(self) -> None:
        letter, outcome = self.coming, self.refusal
        self.coming = self.refusal = None
        if letter and outcome:
            self.round.load.settle(letter.copy, outcome)

    def _content_answered(self, line: bytes) -> None:
        copy, self.flying = self.flying, None
        assert copy is not None  # noqa: S101
        if line.startswith(b"250") and not self.content_left:
            self.channel.taken += 1
            self.round.accepted(copy)
        else:
            self._content_refused(copy, line)
        if self.is_open and self.coming is None:
            self._free()

    def _content_refused(self, copy: Copy, line: bytes) -> None:
        outcome = by_code(int(line[:3]), self._text(line))
        self.round.load.settle(copy, outcome)
        if outcome.state == State.UNKNOWN or self.content_left:
            # It answers something else, or too early: what comes next cannot be understood.
            self.lost(outcome.reason)

    def _free(self) -> None:
        """Take the next letter, or wait for one."""
        letter = None if self.error else self.round.next(self.channel)
        if letter:
            self.start(letter)
        else:
            self.round.idle.append(self)

    # Ends

    def _server_closes(self, line: bytes) -> None:
        """421: the server ends the connection, and has not accepted what it answers by it."""
        refusal = by_code(421, self._text(line))
        flying, coming = self._close()
        if flying:
            self.round.did_not_arrive(flying, refusal, self.channel)
        self._give_back(coming, flying, refusal)

    def lost(self, said: str) -> None:
        """The connection broke. What was not written to its end has not arrived."""
        flying, coming = self._close()
        early = judge(HungUpEarly(said, taken=0))
        if flying and self.content_left:
            self.round.was_cut(flying, early, self.channel)
        elif flying:
            self.round.may_have_arrived(flying, said, self.channel)
        self._give_back(coming, flying, early)

    def _give_back(self, coming: Copy | None, flying: Copy | None, refusal: Outcome) -> None:
        """A letter that waited behind another has no part in the end of the connection."""
        if coming and flying:
            self.round.load.put_back(coming)
        elif coming:
            self.round.did_not_arrive(coming, refusal, self.channel)

    def _close(self) -> tuple[Copy | None, Copy | None]:
        self.is_open = False
        self.round.drop(self)
        flying, letter = self.flying, self.coming
        self.flying = self.coming = None
        self.unsent = memoryview(b"")
        return flying, letter.copy if letter else None
