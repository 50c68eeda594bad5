"""A received letter is checked against rules R1 to R12, each of which can fail."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from newsletter.inspecting import faults

LETTERS = Path(__file__).parents[1] / "data" / "letters"
SIGNED = (LETTERS / "signed.eml").read_bytes()


def test_a_signed_digest_keeps_all_rules() -> None:
    assert faults(SIGNED) == []


def test_a_signature_that_leaves_out_the_list_headers_is_named() -> None:
    letter = (LETTERS / "signed-without-list-headers.eml").read_bytes()
    assert faults(letter) == [
        "R5 the DKIM signature does not cover list-unsubscribe",
        "R5 the DKIM signature does not cover list-unsubscribe-post",
    ]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"List-Unsubscribe: ", b"X-Other: ", "R1"),
        (b"List-Unsubscribe-Post: ", b"X-Other: ", "R2"),
        (b"/unsubscribe/", b"/unsubscribe/bea@readers.example/", "R4"),
        (b"DKIM-Signature: ", b"X-Other: ", "R5"),
        (b"List-ID: ", b"X-Other: ", "R6"),
        (b"\r\nFrom: ", b"\r\nFrom: Second <b@fibrosite.example>\r\nFrom: ", "R7"),
        (b"\r\nTo: ", b"\r\nCc: cleo@example.org\r\nTo: ", "R8"),
        (b"\r\nTo: ", b"\r\nTo: cleo@example.org, ", "R8"),
        (b"multipart/alternative", b"multipart/mixed", "R9"),
        (b"\r\nMessage-ID: ", b"\r\nX-Other: ", "R9"),
        (b"\r\nSubject: ", b"\nSubject: ", "R9"),
        (b"1 Example Street", b"", "R10"),
        (b"You get this because", b"", "R10"),
        (b"<body", b"<img src='https://example.org/p.gif'><body", "R12"),
        (b"<body", b"<!--" + b"a long line\r\n" * 10_000 + b"--><body", "R11"),
        (b"<body", b"<!--" + b"x" * 1_000 + b"--><body", "R9"),
    ],
)
def test_each_broken_rule_is_named(old: bytes, new: bytes, rule: str) -> None:
    assert old in SIGNED
    found = faults(SIGNED.replace(old, new))
    assert any(fault.startswith(f"{rule} ") for fault in found), found


def test_a_charset_that_does_not_exist_is_named() -> None:
    assert b'charset="utf-8"' in SIGNED
    found = faults(SIGNED.replace(b'charset="utf-8"', b'charset="klingon"'))
    assert "R9 the plain part cannot be decoded" in found
    assert "R9 the html part cannot be decoded" in found


def test_the_command_ends_with_an_error_that_lists_the_rules() -> None:
    with pytest.raises(CommandError, match="R5 the DKIM signature"):
        call_command("inspect_letter", str(LETTERS / "signed-without-list-headers.eml"))
