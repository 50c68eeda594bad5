"""Digests through a mail provider's API, by Anymail: as few calls as the provider allows."""

import re
import time
import uuid

from anymail.backends import brevo, resend
from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailRecipientsRefused
from anymail.message import AnymailMessage

from newsletter.mailing import NO_MAILER, close, may_get_mail
from newsletter.models import Delivery
from newsletter.outcomes import Outcome, judge
from newsletter.sending.api_letters import ApiLetters, Reader
from newsletter.sending.load import Load
from newsletter.sending.merging import UnsafeValue, safe_address

State = Delivery.State

KEPT_BACK = Outcome(State.FAILED, "MAIL_ONLY_TO keeps letters from this address")
TOO_MANY = 429
# A provider that wants to be called again within so many seconds is waited for, so many times.
PATIENCE = 5.0
PAUSES = 5
# What Anymail's words for what became of a message mean; any other leaves it unknown.
_STATES = {
    "sent": State.SENT,
    "queued": State.SENT,
    "invalid": State.FAILED,
    "rejected": State.FAILED,
    "failed": State.FAILED,
}


class ThroughProvider:
    """The carrier for an e-mail backend of Anymail's, or one that inherits from it."""

    def __init__(self, mailer: AnymailBaseBackend) -> None:
        self._mailer = mailer

    def carry(self, load: Load) -> None:
        """Hand over what the load gives, until the load is over."""
        try:
            self._mailer.open()
        except NO_MAILER as error:
            load.halt(judge(error))
            return
        try:
            _Round(load, self._mailer).run()
        finally:
            close(self._mailer)


class _Round:
    def __init__(self, load: Load, mailer: AnymailBaseBackend) -> None:
        self._load = load
        self._mailer = mailer
        self._letters = ApiLetters(load, mailer)
        merging = self._letters.merging
        self._limit = merging.most if merging else 1
        # Halved when a call is refused, to find whose address it was; doubled when one is taken.
        self._most = self._limit
        self._pauses = 0

    def run(self) -> None:
        load = self._load
        while not load.is_over:
            chunk = self._gather()
            if chunk:
                self._send(chunk)
            elif not load.is_over:
                load.rest()
            load.look_up()

    def _gather(self) -> list[Reader]:
        """The readers of the next call: of one variant, no address twice."""
        chunk: list[Reader] = []
        addresses: set[str] = set()
        while len(chunk) < self._most and (reader := self._take()):
            can_merge = self._letters.can_merge(reader)
            is_new = reader.address.lower() not in addresses
            if chunk and not (can_merge and is_new and reader.is_like(chunk[0])):
                self._load.put_back(reader.copy)
                break
            chunk.append(reader)
            addresses.add(reader.address.lower())
            if not can_merge:
                break
        return chunk

    def _take(self) -> Reader | None:
        """The next copy whose reader may get mail; others are settled on the way."""
        while copy := self._load.take():
            if not may_get_mail(copy.email):
                self._load.settle(copy, KEPT_BACK)
                continue
            try:
                local, _, domain = safe_address(copy.email).decode().rpartition("@")
            except UnsafeValue as error:
                self._load.settle(copy, Outcome(State.FAILED, str(error)[:300]))
                continue
            # Anymail writes domains so, and finds what is to be merged by the written address.
            return Reader(copy, f"{local}@{domain.lower()}")
        return None

    def _send(self, chunk: list[Reader]) -> None:
        letter = self._letter(chunk)
        self._name_call(letter, chunk)
        for reader in chunk:
            self._load.begin(reader.copy)
        try:
            is_taken = self._mailer.send_messages([letter])
        except AnymailRecipientsRefused:
            self._settle(letter, chunk)
        except Exception as error:
            if not self._paused(_wait_asked_for(error), chunk):
                self._refused(_judged(error), chunk)
        else:
            if is_taken:
                self._settle(letter, chunk)
            else:
                self._refused(Outcome(State.FAILED, "the mailer took nothing"), chunk)

    def _letter(self, chunk: list[Reader]) -> AnymailMessage:
        merging = self._letters.merging
        # To one alone nothing is merged: Anymail loses the values of a single Mailjet message.
        if merging and len(chunk) > 1:
            return self._letters.to_many(chunk, merging)
        return self._letters.to_one(chunk[0])

    def _name_call(self, letter: AnymailMessage, chunk: list[Reader]) -> None:
        """Give the call a key by which the provider knows a repeat, where it offers that."""
        names = ",".join(map(self._letters.message_id, chunk))
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, names))
        if isinstance(self._mailer, resend.EmailBackend):
            self._mailer.session.headers["Idempotency-Key"] = key
        elif isinstance(self._mailer, brevo.EmailBackend):
            letter.extra_headers["idempotencyKey"] = key

    def _settle(self, letter: AnymailMessage, chunk: list[Reader]) -> None:
        """Settle each copy by what the provider said of its reader."""
        self._most, self._pauses = min(self._most * 2, self._limit), 0
        said = {address.lower(): one for address, one in letter.anymail_status.recipients.items()}
        for reader in chunk:
            one = said.get(reader.address.lower())
            if one and one.message_id is not None:
                reader.copy.provider_id = str(one.message_id)[:200]
            self._load.settle(reader.copy, _outcome(one.status if one else None))

    def _paused(self, seconds: float, chunk: list[Reader]) -> bool:
        """Slow down as the provider asks, if that is soon over; the call is made again."""
        if not 0 < seconds <= PATIENCE or self._pauses == PAUSES:
            return False
        self._pauses += 1
        self._put_back(chunk)
        time.sleep(seconds)
        return True

    def _refused(self, outcome: Outcome, chunk: list[Reader]) -> None:
        """Nobody in the call got it, or nobody knows.

        What is wrong with one reader of many is found by smaller calls. What is the same for all,
        such as a rate that is used up, counts as an attempt of the first alone.
        """
        tried, others = chunk[:1], chunk[1:]
        if outcome.state == State.UNKNOWN:
            tried, others = chunk, []
        elif outcome.state == State.FAILED and others:
            self._most = len(chunk) // 2
            tried, others = [], chunk
        for reader in tried:
            self._load.settle(reader.copy, outcome)
        self._put_back(others)

    def _put_back(self, readers: list[Reader]) -> None:
        for reader in reversed(readers):
            self._load.put_back(reader.copy)


def _outcome(status: str | None) -> Outcome:
    if status is None:
        return Outcome(State.UNKNOWN, "the provider said nothing of this reader")
    state = _STATES.get(status, State.UNKNOWN)
    return Outcome(state, "" if state == State.SENT else f"the provider says: {status}")


def _judged(error: Exception) -> Outcome:
    """What an error says of a call, whose key the provider may know from an earlier one."""
    outcome = judge(error)
    if getattr(error, "status_code", None) == 409 or "duplicate_parameter" in str(error):
        # So say Resend and Brevo, whatever became of the earlier one.
        return Outcome(State.UNKNOWN, f"it was asked for before: {outcome.reason}"[:300])
    return outcome


def _wait_asked_for(error: Exception) -> float:
    """The seconds after which a provider that throttles us wants to be called; 0.0: no word."""
    answer = getattr(error, "response", None)
    if getattr(error, "status_code", None) != TOO_MANY or answer is None:
        return 0.0
    seconds = str(answer.headers.get("Retry-After", ""))
    return float(seconds) if re.fullmatch(r"[0-9]{1,6}([.][0-9]{1,6})?", seconds) else 0.0
