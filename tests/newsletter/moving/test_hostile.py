"""Files that are no lists, or mean harm: a clear sentence, and nothing half done."""

import io
import zipfile
from pathlib import Path

import pytest

from newsletter.models import ImportRun, Subscriber
from newsletter.moving import files, importing, reporting
from newsletter.moving.reading import UnreadableFileError
from newsletter.moving.verdicts import why_bad
from tests.newsletter.moving.lists import bring, carry_out, check

pytestmark = pytest.mark.django_db


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("list.csv", "email\na@example.com\n")
    return buffer.getvalue()


REFUSED = [
    (b"", "empty"),
    (b"\xef\xbb\xbf", "empty"),
    (b" \r\n\r\n", "empty"),
    (b",,,\n,,\n", "empty"),
    (b"email,status\n", "no row below"),
    (b"\xef\xbb\xbfemail\r\n\r\n", "no row below"),
    (zipped(), "spreadsheet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old spreadsheet"),
    (b"%PDF-1.7 ...", "PDF"),
    (b"\x1f\x8b\x08\x00", "compressed"),
    (b"<!doctype html><p>Log in", "web page"),
    (b'[{"email": "a@example.com"}]', "JSON"),
    (b"email\na@example.com\nb\x00@example.com\n", "no text file"),
    (bytes(range(1, 32)) * 50, "no text file"),
    (b"\xff\xfea\x00\x00\xd8b\x00", "damaged"),
    (b"email\n" + b"a" * 10_000_000 + b"\n", "Line 2 has more than 1,000,000"),
    (b'email,x\na@example.com,"' + b"line\n" * 2_000_000, "never closed"),
    (b",".join([b"email"] * 501) + b"\nx\n", "more than 500 columns"),
]


@pytest.mark.parametrize(("content", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_no_list_is_refused_with_a_sentence_and_leaves_nothing(
    content: bytes, words: str, lists_home: Path
):
    try:
        run = bring(content)
    except UnreadableFileError as error:
        sentence = str(error)
        assert not ImportRun.objects.exists()
    else:
        # Some faults stand far below the headings: the dry run meets them.
        importing.name_columns(run, {"address": 0}, day_first=False)
        assert check(run) == {}
        assert run.state == ImportRun.State.FAILED
        sentence = run.reason
    assert words in sentence
    assert sentence.endswith(".")
    assert list(lists_home.iterdir()) == []
    assert not Subscriber.objects.exists()


def test_a_fault_far_below_the_headings_imports_nothing(lists_home: Path):
    rows = "".join(f"reader{n}@example.com,active\n" for n in range(3000))
    run = bring(f'email,status\n{rows}last@example.com,"active\n')
    importing.name_columns(run, {"address": 0, "status": 1}, day_first=False)
    check(run)
    assert run.state == ImportRun.State.FAILED
    assert "Row 3002 opens a quotation mark that is never closed" in run.reason
    assert not importing.attest(run, "all agreed")
    assert not Subscriber.objects.exists()
    assert list(lists_home.iterdir()) == []


def test_a_list_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "MOST_ROWS", 5000)
    run = bring("\n".join(f"reader{n}@example.com" for n in range(5001)))
    importing.name_columns(run, {"address": 0}, day_first=False)
    check(run)
    assert "Divide it" in run.reason


def test_a_file_that_is_too_large_leaves_nothing(monkeypatch: pytest.MonkeyPatch, lists_home: Path):
    monkeypatch.setattr(files, "LARGEST_BYTES", 10)
    with pytest.raises(UnreadableFileError, match="larger"):
        bring("email\na@example.com\n")
    assert list(lists_home.iterdir()) == []


def test_the_file_is_private_while_it_lies_here_and_gone_when_it_is_in(lists_home: Path):
    run = bring("email\na@example.com\n")
    assert lists_home.stat().st_mode & 0o077 == 0
    assert files.list_of(run).parent.stat().st_mode & 0o077 == 0
    carry_out(run)
    assert list(lists_home.iterdir()) == []
    assert run.path == ""


def test_a_name_of_a_file_is_a_name_and_nothing_more():
    run = bring("email\na@example.com\n", "../../etc/\x00pass\nwd" + "x" * 300)
    assert len(run.file_name) == 200
    assert run.file_name.isprintable()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "no address"),
        ("nobody", "no @"),
        ("a@localhost", "no full domain"),
        ("@example.com", "nothing stands before"),
        ("ömil@example.com", "letters before the @"),
        ("a b@example.com", "a space"),
        ("a@b@example.com", "not written as"),
        ("a" * 250 + "@example.com", "longer than 254"),
        ('"a"@example.com', "not written as"),
    ],
)
def test_an_address_that_cannot_be_used_says_why(address: str, why: str):
    assert why in why_bad(address)
    assert carry_out(bring(f"email,note\n{quoted(address)},x\n")) == {"BAD": 1}


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


FORMULAS = ["=1+1@example.com", "+1@example.com", "-1@example.com", "=HYPERLINK(1)", "@SUM(1)"]


def test_formulas_are_addresses_or_not_but_never_formulas_in_the_report():
    run = bring("email\n" + "\n".join(FORMULAS))
    importing.name_columns(run, {"address": 0}, day_first=False)
    assert check(run) == {"NEW": 3, "BAD": 2}
    text = files.report_of(run).read_text("utf-8-sig")
    cells = [cell for line in text.splitlines() for cell in line[1:-1].split('","')]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]
    shown = reporting.page(files.report_of(run), verdict="", start=0, size=10)
    assert [row[1] for row in shown] == FORMULAS


def test_html_in_a_cell_is_text():
    run = bring('email,status\na@example.com,"<script>alert(1)</script>"\n')
    importing.name_columns(run, {"address": 0, "status": 1}, day_first=False)
    assert check(run) == {"UNKNOWN": 1}


@pytest.mark.parametrize("cell", ["{" * 5000, '{"tags": 1}', "[[[[]]]]", "[1, null]", "{]"])
def test_odd_json_in_tags_is_no_tag_and_no_fault(cell: str):
    assert carry_out(bring(f"email,tags\na@example.com,{quoted(cell)}\n")) == {"NEW": 1}
