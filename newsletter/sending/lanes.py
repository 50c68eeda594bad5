"""One connection in the midst of letters: what is said to the server, and what its answers mean."""

import selectors
import smtplib
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from newsletter.models import Delivery
from newsletter.outcomes import HungUpEarly, Outcome, by_code, judge, words
from newsletter.sending.connections import NOT_NOW, READ_SIZE, Channel
from newsletter.sending.load import Copy

if TYPE_CHECKING:
    from newsletter.sending.pipelining import Round

State = Delivery.State
# The longest line of an answer is 512 bytes (RFC 5321 4.5.3.1.5).
LONGEST_ANSWER = 8192

Handler = Callable[[bytes], None]


class Letter:
    """A copy that is ready to go."""

    __slots__ = ("content", "copy", "mail", "rcpt")

    def __init__(self, copy: Copy, mail: bytes, rcpt: bytes, content: bytes) -> None:
        self.copy, self.mail, self.rcpt, self.content = copy, mail, rcpt, content


class Lane:
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

    def __init__(self, round_: "Round", channel: Channel) -> None:
        self.round, self.channel = round_, channel
        self.expected: deque[Handler] = deque()
        self.waiting: deque[tuple[bytes, Handler]] = deque()
        self.unsent: memoryview = memoryview(b"")
        self.content_left = 0
        self.flying: Copy | None = None
        self.coming: Letter | None = None
        self.refusal: Outcome | None = None
        self.said: list[bytes] = []
        self.rest = b""
        self.since = round_.now
        self.is_open = True
        self.error = ""

    # Speaking

    def start(self, letter: Letter) -> None:
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

    def _envelope(self, letter: Letter) -> bytes:
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
        early = judge(HungUpEarly(said))
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
