"""Quoted-printable with slots: a decoder gives back the words, whatever they are."""

import quopri
import random

import pytest

from newsletter.sending.quoting import Slot, quoted, quoted_lines

TOKEN, LINES = Slot("token", 66), Slot("lines", None)
# Each is a trap for one who cuts lines.
TRAPS = [
    *("a ", ". ", ".", "From ", "\n", "\r\n", "=", " \n", "\t", "ü", "日本", "🙂", "é" * 30),
    *("x" * 73 + "🙂", "x" * 74, "x" * 75, "x" * 76, "y" * 200, "\0token\0", "\0lines\0"),
]


def filled(words: str, lines: bytes) -> bytes:
    values = {TOKEN: b"A" * 66, LINES: lines}
    pieces = quoted(words, (TOKEN, LINES))
    return b"".join(values[piece] if isinstance(piece, Slot) else piece for piece in pieces)


def decoded(raw: bytes) -> str:
    return quopri.decodestring(raw).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("more", ["", "Withdrawn.\n", ".\n ü\n\n x", "z" * 80 + " "])
def test_words_come_back_with_the_slots_filled(more: str) -> None:
    chance = random.Random(5)
    for _ in range(1500):
        words = "".join(chance.choice(TRAPS) for _ in range(chance.randrange(1, 25)))
        raw = filled(words, quoted_lines(more))
        expected = words.replace("\r\n", "\n").replace("\0token\0", "A" * 66)
        assert decoded(raw) == expected.replace("\0lines\0", more), words


def test_every_line_survives_every_server() -> None:
    chance = random.Random(6)
    for _ in range(1500):
        words = "".join(chance.choice(TRAPS) for _ in range(chance.randrange(1, 25)))
        for line in filled(words, quoted_lines("x" * 90)).split(b"\r\n"):
            assert len(line) <= 76
            assert line.isascii()
            assert not line.startswith((b".", b"From "))
            assert not line.endswith((b" ", b"\t"))
            # No character is cut in two.
            quopri.decodestring(line.removesuffix(b"=")).decode()


def test_plain_words_stay_readable() -> None:
    assert filled("Plain words, as they are.\n", b"") == b"Plain words, as they are.\r\n"


def test_nothing_has_nothing_to_say() -> None:
    assert (filled("", b""), quoted_lines("")) == (b"", b"")
