"""Letters over real sockets, to a mail server that is kind, odd, slow, or breaks in the middle."""

import math
import os
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from newsletter.mailing import SmtpBackend
from newsletter.sending import connections, pipelining
from newsletter.sending.connections import KEPT
from newsletter.sending.load import Copy
from newsletter.sending.pipelining import Pipelined
from tests.newsletter.sending.relay import Pile, Relay, certificate, relay

ONCE = ["PIPELINING", "SIZE 50000000"]


class Words:
    """Contents as the merger would give them, of a length that the test wants."""

    filling = b""

    def __init__(self, load: Pile) -> None:
        pass

    def sender(self, copy: Copy) -> bytes:
        return b"digest+%d@fibrosite.example" % copy.pk

    def content(self, copy: Copy) -> bytes:
        head = f"To: {copy.email}\r\n\r\nHello\r\n..\r\n".encode()
        return head + self.filling + b"\r\n.\r\n"


@pytest.fixture(autouse=True)
def _ready(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pipelining, "Merger", Words)
    monkeypatch.setattr(Words, "filling", b"")
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 5
    settings.MAIL_CONNECTIONS = 5
    yield
    KEPT.close_idle(math.inf)


def send(pile: Pile, server: Relay) -> Pile:
    """Carry the pile to this server."""
    from django.conf import settings  # noqa: PLC0415

    settings.EMAIL_PORT = server.port
    Pipelined().carry(pile)  # type: ignore[arg-type]
    assert not pile.held
    return pile


def whole(pile: Pile, to: str) -> bytes:
    """The content of one reader's copy."""
    return Words(pile).content(next(copy for copy in pile.all if copy.email == to))


def readers(number: int) -> list[str]:
    return [f"reader{n}@readers.example" for n in range(number)]


def each_once(server: Relay) -> bool:
    return max(Counter(server.recipients).values()) == 1


# The happy ways


def test_two_hundred_copies_over_five_connections_arrive_once_each() -> None:
    with relay(pause=0.001) as server:
        pile = send(Pile(*readers(200)), server)
    assert pile.states == {"sent": 200}
    assert sorted(server.recipients) == sorted(readers(200))
    assert server.connections == 5
    assert set(pile.begun.values()) == {1}


def test_the_next_envelope_comes_with_the_content(settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 1
    with relay() as server:
        send(Pile(*readers(4)), server)
    assert any(piece.startswith(b"MAIL FROM") for piece in server.early)
    assert any(piece.startswith(b"RCPT TO") for piece in server.early)


def test_the_server_gets_each_content_as_the_merger_made_it() -> None:
    with relay() as server:
        send(Pile("bea@readers.example"), server)
    content = b"To: bea@readers.example\r\n\r\nHello\r\n..\r\n\r\n.\r\n"
    assert server.letters == [("bea@readers.example", content)]
    assert server.senders == ["digest+0@fibrosite.example"]
    assert f"MAIL FROM:<digest+0@fibrosite.example> SIZE={len(content)}" in server.commands


@pytest.mark.parametrize("offers", [[], ["8BITMIME"]])
def test_without_pipelining_each_command_waits_for_its_answer(offers: list[str]) -> None:
    with relay(offers=offers) as server:
        pile = send(Pile(*readers(30)), server)
    assert pile.states == {"sent": 30}
    assert each_once(server)
    assert server.early == []
    assert "MAIL FROM:<digest+0@fibrosite.example>" in server.commands


def test_few_copies_open_few_connections(settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 20
    with relay(pause=0.002) as server:
        send(Pile(*readers(5)), server)
    assert server.connections <= 4


def test_an_empty_load_opens_none() -> None:
    with relay() as server:
        send(Pile(), server)
    assert server.connections == 0


@pytest.mark.parametrize("offers", [["PIPELINING"], []])
def test_answers_in_many_lines_and_many_packets_are_understood(offers: list[str]) -> None:
    with relay(offers=offers, speaks_at_length=True, speaks_slowly=True) as server:
        server.answers["reader3@readers.example"] = "550 5.1.1 nobody here"
        pile = send(Pile(*readers(6)), server)
    assert pile.states == {"sent": 5, "failed": 1}
    assert pile.outcomes["reader3@readers.example"].reason == "550 first second 5.1.1 nobody here"


def test_a_domain_with_umlauts_is_written_as_the_mail_system_does() -> None:
    with relay() as server:
        send(Pile("bea@bücher.example"), server)
    assert server.recipients == ["bea@xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "address", ["bea@a>\r\nRCPT TO:<x@y.example", "bärbel@x.example", "@x.example"]
)
def test_an_address_that_cannot_stand_in_a_command_fails(address: str) -> None:
    with relay() as server:
        pile = send(Pile(address, "bea@readers.example"), server)
    assert pile.states == {"sent": 1, "failed": 1}
    assert pile.outcomes[address].reason
    assert server.recipients == ["bea@readers.example"]


def test_only_those_who_may_get_mail_here_get_it(settings: Settings) -> None:
    settings.MAIL_ONLY_TO = ["@editors.example"]
    with relay() as server:
        pile = send(Pile("bea@readers.example", "ada@editors.example"), server)
    assert server.recipients == ["ada@editors.example"]
    assert "MAIL_ONLY_TO" in pile.outcomes["bea@readers.example"].reason


# Encryption


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate, which our side trusts."""
    path = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(path))
    monkeypatch.setattr(SmtpBackend, "ssl_context", trusting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_letters_go_encrypted_from_the_first_byte(tls: ssl.SSLContext, settings: Settings) -> None:
    settings.EMAIL_USE_SSL = True
    Words.filling = b"long words\r\n" * 30_000
    with relay(tls=tls, begins_with_tls=True) as server:
        pile = send(Pile(*readers(20)), server)
    assert pile.states == {"sent": 20}
    assert all(content == whole(pile, to) for to, content in server.letters)


def test_letters_go_encrypted_after_starttls(tls: ssl.SSLContext, settings: Settings) -> None:
    settings.EMAIL_USE_TLS = True
    with relay(tls=tls, offers=["STARTTLS", "PIPELINING"], pause=0.001) as server:
        pile = send(Pile(*readers(100)), server)
    assert pile.states == {"sent": 100}
    assert server.commands.count("STARTTLS") == server.connections > 1


def test_a_certificate_that_is_not_trusted_keeps_letters_here(
    tls: ssl.SSLContext, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_USE_SSL = True
    monkeypatch.setattr(SmtpBackend, "ssl_context", ssl.create_default_context())
    with relay(tls=tls, begins_with_tls=True) as server:
        pile = send(Pile(*readers(2)), server)
    assert pile.states == {"left": 2}
    assert pile.stopped[0].rest


# Refusals


def test_readers_whom_the_server_refuses_hold_up_nobody() -> None:
    with relay() as server:
        server.answers["reader5@readers.example"] = "450 4.2.0 greylisted"
        server.answers["reader6@readers.example"] = "550 5.1.1 no such person"
        server.answers["reader11@readers.example"] = "550 5.1.1 no such person"
        pile = send(Pile(*readers(40)), server)
    assert pile.states == {"sent": 37, "queued": 1, "failed": 2}
    assert each_once(server)
    assert pile.outcomes["reader5@readers.example"].reason == "450 4.2.0 greylisted"
    assert pile.outcomes["reader6@readers.example"].reason == "550 5.1.1 no such person"
    assert "RSET" in server.commands
    assert not pile.stopped


def test_a_server_that_asks_for_the_content_all_the_same_gets_an_empty_one() -> None:
    with relay(asks_for_empty=True) as server:
        for number in (0, 7, 8, 39):
            server.answers[f"reader{number}@readers.example"] = "550 5.1.1 no such person"
        pile = send(Pile(*readers(40)), server)
    assert pile.states == {"sent": 36, "failed": 4}
    assert sorted(server.recipients) == sorted(set(readers(40)) - {*_failed(pile)})
    assert each_once(server)


def _failed(pile: Pile) -> list[str]:
    return [email for email, outcome in pile.outcomes.items() if outcome.state == "failed"]


@pytest.mark.parametrize("offers", [ONCE, []])
@pytest.mark.parametrize(
    ("answer", "state"), [("451 4.3.0 later", "queued"), ("554 5.7.1 looks like spam", "failed")]
)
def test_a_content_that_is_refused_is_one_letter_s_matter(
    answer: str, state: str, offers: list[str]
) -> None:
    with relay(offers=offers) as server:
        server.verdicts["reader3@readers.example"] = answer
        pile = send(Pile(*readers(10)), server)
    assert pile.states == {"sent": 9, state: 1}
    assert pile.outcomes["reader3@readers.example"].reason == answer


@pytest.mark.parametrize("offers", [ONCE, []])
@pytest.mark.parametrize("answer", ["451 4.3.0 later", "554 5.7.1 no"])
def test_data_refused_is_one_letter_s_matter(answer: str, offers: list[str]) -> None:
    with relay(offers=offers) as server:
        server.answers["DATA"] = answer
        pile = send(Pile(*readers(7)), server)
    assert pile.states == {"queued" if answer.startswith("4") else "failed": 7}
    assert not pile.stopped


@pytest.mark.parametrize("offers", [ONCE, []])
def test_our_own_address_refused_stops_all(offers: list[str], settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 1
    with relay(offers=offers) as server:
        server.answers["MAIL"] = "550 5.7.1 you may not send"
        pile = send(Pile(*readers(50)), server)
    assert pile.states == {"queued": 1, "left": 49}
    assert pile.stopped[0].rest
    assert pile.stopped[0].reason == "sender refused: 5.7.1 you may not send"


def test_who_refuses_the_sender_and_asks_for_the_content_gets_none(settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 1
    with relay(takes_anything=True) as server:
        server.answers["MAIL"] = "550 5.7.1 you may not send"
        pile = send(Pile(*readers(3)), server)
    assert pile.states == {"queued": 1, "left": 2}
    assert server.letters == []


def test_a_letter_larger_than_the_server_takes_fails_at_once() -> None:
    Words.filling = b"x" * 1000
    with relay(offers=["PIPELINING", "SIZE 900"]) as server:
        pile = send(Pile(*readers(3)), server)
    assert pile.states == {"failed": 3}
    assert "900 at most" in pile.outcomes["reader0@readers.example"].reason
    assert not [line for line in server.commands if line.startswith("MAIL")]


# Servers that end connections


@pytest.mark.parametrize("offers", [ONCE, []])
@pytest.mark.parametrize("words", ["", "421 4.7.0 enough for now"])
def test_a_server_that_closes_after_ten_letters_gets_all_the_others(
    words: str, offers: list[str]
) -> None:
    with relay(offers=offers, closes_after=10, closes_with=words) as server:
        pile = send(Pile(*readers(95)), server)
    assert pile.states == {"sent": 95}
    assert each_once(server)
    assert server.connections >= 10


def test_421_for_the_content_sends_it_again_elsewhere() -> None:
    with relay() as server:
        server.verdicts_once["reader20@readers.example"] = "421 4.3.2 going down"
        pile = send(Pile(*readers(40)), server)
    assert pile.states == {"sent": 40}
    assert pile.returned["reader20@readers.example"] == 1
    assert each_once(server)


def test_a_letter_that_ends_each_connection_is_put_off_in_the_end() -> None:
    with relay() as server:
        server.verdicts["reader20@readers.example"] = "421 4.3.2 going down"
        pile = send(Pile(*readers(40)), server)
    assert pile.states == {"sent": 39, "queued": 1}
    assert pile.outcomes["reader20@readers.example"].reason.startswith("421")


def test_421_before_the_first_letter_lets_the_load_rest(settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 1
    with relay() as server:
        server.answers["MAIL"] = "421 4.3.2 not now"
        pile = send(Pile(*readers(20)), server)
    assert pile.states == {"queued": 1, "left": 19}
    assert pile.stopped[0].rest


def test_a_server_that_wants_fewer_connections_gets_all_letters_on_those() -> None:
    with relay(most_connections=2, pause=0.001) as server:
        pile = send(Pile(*readers(100)), server)
    assert pile.states == {"sent": 100}
    assert not pile.stopped


def test_no_server_stops_the_load_and_takes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with relay() as server:
        pass
    pile = send(Pile(*readers(3)), server)
    assert pile.states == {"left": 3}
    assert pile.stopped[0].rest
    assert "Letters wait" in caplog.text


def test_a_wrong_password_stops_the_load(settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ada", "wrong"
    with relay() as server:
        pile = send(Pile(*readers(3)), server)
    assert pile.states == {"left": 3}
    assert pile.stopped[0].rest


# Connections that break


def test_a_cut_after_the_dot_leaves_that_letter_alone_unknown() -> None:
    lost = ["reader20@readers.example", "reader21@readers.example"]
    with relay() as server:
        server.verdicts.update(dict.fromkeys(lost[:1], ""))
        pile = send(Pile(*readers(60)), server)
    assert pile.states == {"sent": 59, "unknown": 1}
    assert pile.outcomes[lost[0]].state == "unknown"
    assert not pile.stopped
    assert each_once(server)


@pytest.mark.parametrize("offers", [ONCE, []])
def test_when_all_break_after_the_dot_one_per_connection_is_unknown(offers: list[str]) -> None:
    with relay(offers=offers, pause=0.001) as server:
        pile = Pile(*readers(200))
        for n in range(60, 200):
            server.verdicts[f"reader{n}@readers.example"] = ""
        send(pile, server)
    assert 1 <= pile.states["unknown"] <= server.connections
    assert pile.states["left"] > 100
    assert pile.states["queued"] + pile.states["failed"] == 0
    assert pile.stopped
    assert each_once(server)
    unknown = {email for email, one in pile.outcomes.items() if one.state == "unknown"}
    assert set(server.recipients) - unknown == set(_sent(pile))


def _sent(pile: Pile) -> list[str]:
    return [email for email, outcome in pile.outcomes.items() if outcome.state == "sent"]


def test_a_cut_before_the_dot_leaves_nothing_unknown(settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 2
    # More than the buffers between us hold, so that the last byte is still with us.
    Words.filling = b"long words\r\n" * 700_000
    with relay(offers=ONCE) as server:
        server.cuts_within.update(["reader0@readers.example", "reader4@readers.example"])
        pile = send(Pile(*readers(8)), server)
    assert pile.states == {"sent": 8}
    assert each_once(server)
    assert pile.returned["reader4@readers.example"] >= 1
    assert {len(content) for _, content in server.letters} == {
        len(Words(pile).content(pile.all[0]))
    }


def test_a_silent_server_leaves_what_it_has_unknown(settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 0.4
    with relay() as server:
        server.verdicts["reader20@readers.example"] = None
        pile = send(Pile(*readers(40)), server)
    assert pile.states == {"sent": 39, "unknown": 1}
    assert "no answer within" in pile.outcomes["reader20@readers.example"].reason


def test_silence_before_the_content_loses_nothing(settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 0.4
    settings.MAIL_CONNECTIONS = 1
    with relay() as server:
        server.answers["reader5@readers.example"] = None
        pile = send(Pile(*readers(20)), server)
    assert pile.states["unknown"] == 0
    assert pile.begun["reader5@readers.example"] == 0


@pytest.mark.parametrize("answer", ["gibberish", "250accepted-by-no-rule\r\n\x00\x01", "299 hm"])
def test_an_answer_that_is_none_leaves_the_letter_unknown(answer: str) -> None:
    with relay() as server:
        server.verdicts["reader20@readers.example"] = answer
        pile = send(Pile(*readers(40)), server)
    assert pile.states["unknown"] <= 1
    assert pile.states["sent"] + pile.states["unknown"] + pile.states["left"] == 40
    assert each_once(server)


# The load says stop, or wait


def test_who_is_told_to_stop_finishes_what_is_in_flight_and_takes_no_more() -> None:
    pile = Pile(*readers(2000))

    def look_up() -> None:
        pile.is_told_to_stop = len(pile.outcomes) >= 50

    pile.look_up = look_up  # type: ignore[method-assign]
    with relay() as server:
        send(pile, server)
    assert pile.states["sent"] == len(server.letters) < 500
    assert pile.states["left"] > 1500


def test_a_load_that_rests_is_waited_for() -> None:
    pile = Pile(*readers(5))
    pile.rests_until = time.monotonic() + 0.3
    with relay() as server:
        send(pile, server)
    assert pile.states == {"sent": 5}


# Connections are kept


def test_the_next_load_goes_over_the_same_connections() -> None:
    with relay() as server:
        for _ in range(5):
            assert send(Pile(*readers(20)), server).states == {"sent": 20}
        assert server.connections <= 5
        assert server.quits == 0
        KEPT.close_idle(math.inf)
        deadline = time.monotonic() + 5
        while server.quits < server.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.quits == server.connections


def test_a_connection_that_ended_meanwhile_is_not_used() -> None:
    with relay() as server:
        send(Pile("bea@readers.example"), server)
        server.hang_up()
        pile = send(Pile(*readers(20)), server)
    assert pile.states == {"sent": 20}
    assert not pile.returned


def test_another_server_gets_connections_of_its_own() -> None:
    with relay() as one, relay() as other:
        send(Pile("bea@readers.example"), one)
        send(Pile("cleo@readers.example"), other)
        assert (one.recipients, other.recipients) == (
            ["bea@readers.example"],
            ["cleo@readers.example"],
        )


def test_idle_connections_end_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.05)
    with relay() as server:
        send(Pile("bea@readers.example"), server)
        deadline = time.monotonic() + 5
        while not server.quits and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.quits == 1


def test_two_threads_never_share_a_connection() -> None:
    with relay(pause=0.001) as server:
        piles = [Pile(*(f"{name}{n}@readers.example" for n in range(100))) for name in "ab"]
        threads = [threading.Thread(target=send, args=[pile, server]) for pile in piles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [pile.states for pile in piles] == [{"sent": 100}, {"sent": 100}]
    assert each_once(server)


@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_process_has_none_of_its_parent_s_connections() -> None:
    with relay() as server:
        send(Pile("bea@readers.example"), server)
        child = os.fork()
        if child == 0:
            os._exit(len(KEPT._lying))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        send(Pile("cleo@readers.example"), server)
        assert server.connections == 1
