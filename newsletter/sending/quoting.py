"""Words in quoted-printable (RFC 2045, 6.7) with slots for what differs from reader to reader."""

import re
from dataclasses import dataclass
from functools import lru_cache

# With the "=" of a soft break a line has 76 characters, the most there may be.
WIDTH = 75
NEW_LINE = b"\r\n"
SOFT_BREAK = b"=\r\n"

_NOT_PLAIN = re.compile(r"[^\t !-<>-~]+")


@dataclass(frozen=True)
class Slot:
    """A place to be filled with plain ASCII of `width` characters, which begins with no dot.

    `width` None: with whole lines, as `quoted_lines` gives them, or with nothing.
    """

    name: str
    width: int | None


Pieces = tuple[bytes | Slot, ...]


@lru_cache(maxsize=64)
def quoted(words: str, slots: tuple[Slot, ...]) -> Pieces:
    """The words as lines of at most 76 ASCII characters; each slot stands as f"\\0{name}\\0".

    A decoder gives back the same words, with the slots filled and line ends as CRLF. No line
    begins with a dot or with "From ", so that no server on the way alters one. Kept for the next
    batch, which holds the same words.
    """
    by_mark = {f"\0{slot.name}\0": slot for slot in slots}
    writer = _Writer()
    for part in re.split("(\0[^\0]+\0)", re.sub("\r\n?", "\n", words)):
        if part in by_mark:
            writer.leave_room(by_mark[part])
        else:
            writer.write(part)
    return writer.pieces()


def quoted_lines(words: str) -> bytes:
    """Words to fill a slot without `width`: whole lines, the last with a soft break."""
    writer = _Writer()
    writer.write(re.sub("\r\n?", "\n", words))
    writer.begin_line()
    return b"".join(piece for piece in writer.pieces() if isinstance(piece, bytes))


class _Writer:
    def __init__(self) -> None:
        self._pieces: list[bytes | Slot] = []
        self._written = bytearray()
        self._column = 0

    def write(self, words: str) -> None:
        first, *others = words.split("\n")
        self._write_line(first)
        for line in others:
            self._written += NEW_LINE
            self._column = 0
            self._write_line(line)

    def _write_line(self, line: str) -> None:
        code = _coded(line)
        at = 0
        while at < len(code):
            if not self._column and (code[at] == "." or code.startswith("From ", at)):
                end, part = at + 1, f"={ord(code[at]):02X}"
            else:
                end = _whole_characters(code, at, at + WIDTH - self._column)
                part = code[at:end]
            if end == at:
                self.begin_line()
            self._written += part.encode()
            self._column += len(part)
            at = end

    def _make_room(self, width: int) -> None:
        if self._column + width > WIDTH:
            self.begin_line()

    def begin_line(self) -> None:
        """Break the line softly, unless one has just begun."""
        if self._column:
            self._written += SOFT_BREAK
            self._column = 0

    def leave_room(self, slot: Slot) -> None:
        if slot.width is None:
            self.begin_line()
        else:
            self._make_room(slot.width)
            self._column += slot.width
        self._pieces += [bytes(self._written), slot]
        self._written.clear()

    def pieces(self) -> Pieces:
        return (*self._pieces, bytes(self._written))


def _coded(line: str) -> str:
    """The line with what is not plain ASCII as =XX; a blank at its end too, as servers drop it."""
    code = _NOT_PLAIN.sub(lambda found: f"={found[0].encode().hex('=').upper()}", line)
    return f"{code[:-1]}={ord(code[-1]):02X}" if code.endswith((" ", "\t")) else code


def _whole_characters(code: str, start: int, end: int) -> int:
    """The last place from `start` up to `end` at which no character would be cut."""
    if end >= len(code):
        return len(code)
    if end == start:
        return start
    end -= 1 if code[end - 1] == "=" else 2 if code[end - 2] == "=" else 0
    while end > start and code[end] == "=" and code[end + 1] in "89AB":
        end -= 3
    return end
