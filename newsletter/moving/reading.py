"""Files of rows as other programs write them, read a row at a time whatever their size."""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CHUNK = 1 << 20
SAMPLE = 1 << 16
LONGEST_LINE = 1_000_000
MOST_COLUMNS = 500
SEPARATORS = ",;\t"

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Latin-1 has a letter for each byte: it is the last to be tried.
_GUESSES = ("utf-8", "cp1252", "latin-1")
_CSV = "Save or export the list as CSV, and choose that file."
_OTHER_KINDS = {
    b"PK\x03\x04": f"This is a spreadsheet (.xlsx, .ods) or a zip archive. {_CSV}",
    b"\xd0\xcf\x11\xe0": f"This is an old spreadsheet (.xls). {_CSV}",
    b"\x1f\x8b": f"This is a compressed file. Unpack it first. {_CSV}",
    b"%PDF": f"This is a PDF. {_CSV}",
    b"<": f"This is a web page or XML. {_CSV}",
    b"{": f"This is JSON. {_CSV}",
    b"[": f"This is JSON. {_CSV}",
}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
# Excel's own first line, which names the separator.
_SEP_LINE = re.compile(r'^"?sep=([,;\t])"?\s*$', re.IGNORECASE)
_BACKSLASH_QUOTE = re.compile(r'\\"(?!\s*(?:[,;\t\n]|$))')
_EMPTY_CELL = re.compile(r'(?<![^,;\t\n])""(?=[,;\t\n]|$)')
_ADDRESS = re.compile(r"[^@\s]@[^@\s]+\.[^@\s]")
# No file that is read holds this line: files with a NUL are refused before.
_END = "\x00\n"


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the text is a sentence for the editor."""


@dataclass(frozen=True)
class Sheet:
    """How a file is to be read: its letters, its separator, its headings.

    `first` is the number of the row the headings stand in, 0 if there are none; rows count from
    1 as a spreadsheet counts them. `backslash` says that quotes are written as \\".
    """

    encoding: str
    separator: str
    backslash: bool
    headings: tuple[str, ...]
    first: int

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Sheet":
        """The sheet that `as_json` wrote."""
        return cls(**{**stored, "headings": tuple(stored["headings"])})


@dataclass(frozen=True)
class Line:
    """One row of a file and its number; `problem` says why its cells cannot be trusted."""

    row: int
    cells: list[str]
    problem: str = ""


def look_at(path: Path) -> Sheet:
    """How to read this file: UTF-8, UTF-16 or Windows-1252; commas, semicolons or tabs.

    Reads all of it once, in constant memory. Raises UnreadableFileError if it is empty, no text,
    or holds headings and nothing else.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    _refuse_other_kinds(sample)
    encoding = _encoding(path, sample)
    text = _text_of(path, encoding)
    named = _SEP_LINE.match(text.partition("\n")[0])
    separator = named[1] if named else _separator(text)
    plain = Sheet(encoding, separator, _quotes_by_backslash(text), (), int(bool(named)))
    return _with_headings(plain, path)


def lines(sheet: Sheet, path: Path, *, after: int = 0) -> Iterator[Line]:
    """The rows below the headings that come after row `after`; empty ones are left out.

    Raises UnreadableFileError at a row that cannot be told apart from the next.
    """
    width = len(sheet.headings)
    for line in _all_lines(sheet, path):
        if line.row > max(after, sheet.first):
            yield _checked(line, width, sheet.separator)


def _refuse_other_kinds(sample: bytes) -> None:
    start = sample.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise UnreadableFileError("This file is empty.")
    for mark, sentence in _OTHER_KINDS.items():
        if start.startswith(mark):
            raise UnreadableFileError(sentence)


def _encoding(path: Path, sample: bytes) -> str:
    for mark, encoding in _BOMS.items():
        if sample.startswith(mark):
            guesses: tuple[str, ...] = (encoding,)
            break
    else:
        guesses = _unmarked_utf16(sample) or _GUESSES
    for encoding in guesses:
        try:
            _decode_all(path, encoding)
        except UnicodeError:
            continue
        return encoding
    raise UnreadableFileError(f"This file is damaged: its letters cannot be read. {_CSV}")


def _unmarked_utf16(sample: bytes) -> tuple[str, ...]:
    """Most of a list are Latin letters, of which every other byte is zero in UTF-16."""
    evens, odds = sample[0:2000:2], sample[1:2000:2]
    if evens.count(0) == 0 and odds.count(0) > len(odds) * 0.7:
        return ("utf-16-le",)
    if odds.count(0) == 0 and evens.count(0) > len(evens) * 0.7:
        return ("utf-16-be",)
    return ()


def _decode_all(path: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    controls = length = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            text = decoder.decode(chunk)
            if "\0" in text:
                raise UnreadableFileError(f"This is no text file, or it is damaged. {_CSV}")
            controls, length = controls + len(_CONTROLS.findall(text)), length + len(text)
        decoder.decode(b"", final=True)
    if controls > length / 100:
        raise UnreadableFileError(f"This is no text file. {_CSV}")


def _text_of(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        return file.read(SAMPLE).replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")


def _separator(text: str) -> str:
    """The sign that stands most often between the headings, outside quotes."""
    headings = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    return max(SEPARATORS, key=headings.count)


def _quotes_by_backslash(text: str) -> bool:
    """Whether a quote within a cell is written as \\" and never, as is usual, by two quotes."""
    doubled = '""' in _EMPTY_CELL.sub("", text.replace('\\"', ""))
    return bool(_BACKSLASH_QUOTE.search(text)) and not doubled


def _with_headings(sheet: Sheet, path: Path) -> Sheet:
    found = (line for line in _all_lines(sheet, path) if line.row > sheet.first)
    head = next(found, None)
    if head is None:
        raise UnreadableFileError("This file is empty.")
    if len(head.cells) > MOST_COLUMNS:
        raise UnreadableFileError(f"This file has more than {MOST_COLUMNS} columns. {_CSV}")
    has_headings = not any(_ADDRESS.search(cell) for cell in head.cells)
    names = [cell.strip() for cell in head.cells]
    if has_headings and next(found, None) is None:
        raise UnreadableFileError("This file has headings, but no row below them.")
    if not has_headings:
        names = ["" for _ in names]
    numbered = tuple(name or f"column {place}" for place, name in enumerate(names, 1))
    first = head.row if has_headings else sheet.first
    return Sheet(sheet.encoding, sheet.separator, sheet.backslash, numbered, first)


def _all_lines(sheet: Sheet, path: Path) -> Iterator[Line]:
    # A cell may be as long as a line: that a quotation mark stays open shows by the end.
    csv.field_size_limit(LONGEST_LINE)
    with path.open(encoding=sheet.encoding, newline="") as file:
        reader = csv.reader(
            _bounded(file),
            delimiter=sheet.separator,
            escapechar="\\" if sheet.backslash else None,
        )
        row = 0
        while True:
            try:
                cells = next(reader)
            except csv.Error as error:
                raise UnreadableFileError(_unclosed(row + 1)) from error
            if cells == [_END[0]]:
                return
            row += 1
            if cells and cells[-1].endswith(_END):
                raise UnreadableFileError(_unclosed(row))
            if any(cell.strip() for cell in cells):
                yield Line(row, cells)


def _unclosed(row: int) -> str:
    return (
        f"Row {row} opens a quotation mark that is never closed, or holds a cell of more than "
        f"{LONGEST_LINE:,} characters. Mend it in the file, and choose the file again."
    )


def _bounded(file: Any) -> Iterator[str]:
    """The lines of a file and the mark that ends it; none is longer than memory should bear."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            text = f"Line {number} has more than {LONGEST_LINE:,} characters. {_CSV}"
            raise UnreadableFileError(text)
        yield line
    yield _END


def _checked(line: Line, width: int, separator: str) -> Line:
    """The row in as many cells as there are headings. Some programs end rows with a separator."""
    cells = line.cells + [""] * (width - len(line.cells))
    problem = ""
    if any(cell.strip() for cell in cells[width:]):
        problem = f"it has {len(cells)} cells, but there are {width} headings"
    elif any("\n" in cell and _swallowed(cell, width, separator) for cell in cells):
        problem = "a quotation mark in it is not closed, and swallowed the next row"
    return Line(line.row, cells[:width], problem)


def _swallowed(cell: str, width: int, separator: str) -> bool:
    """Whether a line within the cell looks like a row: an address, and as many cells."""
    below = cell.split("\n")[1:]
    return any("@" in part and part.count(separator) >= width - 1 > 0 for part in below)
