"""Receipts and statements say what was given, with names as people write them."""

import re
import zlib
from typing import Any

import pytest
from django.test import Client

from donations import booking, giving, receipts
from donations.letters import own_url
from donations.models import Donation, Donor
from fibrosite.lib.money import format_money
from tests.factories import DriveFactory, gift

pytestmark = pytest.mark.django_db

ADDRESS = "giver@readers.example"


def text_of(pdf: bytes) -> str:
    """The words of a PDF as a reader of it copies them, by its own table of letters."""
    streams = [_plain(found) for found in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)]
    [table] = [one for one in streams if b"beginbfchar" in one]
    letters = {
        int(sign, 16): bytes.fromhex(letter.decode()).decode("utf-16-be")
        for sign, letter in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", table)
    }
    lines = re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", streams[0], re.DOTALL)
    return "".join(f"{_line(line, letters)}\n" for line in lines)


def _plain(stream: bytes) -> bytes:
    return zlib.decompress(stream) if stream.startswith(b"x") else stream


def _line(line: bytes, letters: dict[int, str]) -> str:
    signs = re.sub(rb"\\(.)", _unescaped, line, flags=re.DOTALL)
    return "".join(letters[high << 8 | low] for high, low in zip(*[iter(signs)] * 2, strict=True))


def _unescaped(found: re.Match[bytes]) -> bytes:
    return {b"r": b"\r", b"n": b"\n"}.get(found[1], found[1])


@pytest.fixture
def given() -> Donation:
    """Ten dollars of somebody with an address."""
    entry = gift(DriveFactory.create(name="Winter drive"), 1_000, donor_name="Bo")
    assert entry.donation is not None
    Donor.objects.update(email=ADDRESS)
    return entry.donation


def own_path(donor: Donor) -> str:
    return own_url(donor).removeprefix("https://fibrosite.example")


def receipt_of(given: Donation, name: str) -> str:
    Donor.objects.update(name=name)
    return text_of(receipts.receipt(Donation.objects.get(pk=given.pk)))


@pytest.mark.parametrize(
    "name",
    [
        "Bo Tarn",
        "Łukasz Żak",
        "Đặng Thị Hồng Nhung",
        "Ελένη Παπαδοπούλου",
        "Наталія Ґалаґан",
        "Zoë “Zo” O\u2019Brien \u2013 Ångström",
        "Gülşen İnönü",
        "Adéọlá Ọ̀ṣúnṣọlá",
    ],
)
def test_a_name_of_latin_greek_or_cyrillic_letters_stands_on_the_receipt(
    given: Donation, name: str
):
    text = receipt_of(given, name)
    assert f"From\n{name}\n" in text
    assert ADDRESS not in text


def test_accents_typed_on_their_own_are_put_onto_their_letters(given: Donation):
    assert "From\nZoë Å\n" in receipt_of(given, "Zoe\u0308 A\u030a")


@pytest.mark.parametrize("name", ["", "山田太郎", "محمد", "Bo 漢", "Bo 🙂"])
def test_where_a_name_cannot_be_printed_whole_the_address_stands(given: Donation, name: str):
    text = receipt_of(given, name)
    assert f"From\n{ADDRESS}\n" in text
    assert "?" not in text


def test_a_receipt_says_what_by_whom_for_what_and_who_takes_it(given: Donation, settings: Any):
    settings.LEGAL_STATUS = "We are a “club” \u2013 in Łódź (Żabia 漢)."
    text = receipt_of(given, "Bo Tarn")
    assert f"Receipt {receipts.number_of(given)}\n" in text
    for line in ("Amount\n10.00 USD\n", "By\nCheque\n", "For\nWinter drive\n"):
        assert line in text
    assert "We are a “club” \u2013 in Łódź (Żabia ?)." in text


def test_a_statement_lists_the_gifts_of_a_year_and_their_sum(given: Donation):
    gift(given.drive, 250, donor_name="Bo")
    donor = Donor.objects.get()
    Donor.objects.update(name="Łukasz Żak")
    donor.refresh_from_db()
    year = receipts.day_of(given).year
    text = text_of(receipts.statement(donor, year))
    assert f"Gifts in {year}\nFrom\nŁukasz Żak\n" in text
    assert text.count("Cheque") == 2
    assert "In all\n12.50 USD\n" in text


def test_what_was_given_back_is_said(given: Donation):
    giving.amend(given, "refunded", -400, now=given.created_at)
    assert "Amount\n10.00 USD\n" in receipt_of(given, "Bo")
    assert "Given back\n4.00 USD\n" in receipt_of(given, "Bo")


@pytest.mark.parametrize(("slip", "amount"), [(-900, "1.00"), (9_000, "100.00")])
def test_a_slip_of_the_desk_is_not_said_to_be_given_back(
    given: Donation, cleo: Client, slip: int, amount: str
):
    giving.amend(given, "correction", slip, reason="a slip", now=given.created_at)
    text = receipt_of(given, "Bo")
    assert f"Amount\n{amount} USD\n" in text
    assert "Given back" not in text
    page = cleo.get(own_path(Donor.objects.get())).content.decode()
    assert f"<strong>{format_money(1_000 + slip, 'USD')}</strong>" in page
    assert "Given back" not in page


def test_a_refund_that_failed_was_never_given_back(given: Donation):
    for kind, minor, key in (("refunded", -1_000, "re"), ("correction", 1_000, "failed")):
        booking.book(
            given, kind, minor, currency="USD", source_key=f"stripe:{key}", reason="it failed",
            happened_at=given.created_at, now=given.created_at,
        )  # fmt: skip
    text = receipt_of(given, "Bo")
    assert "Amount\n10.00 USD\n" in text
    assert "Given back" not in text


def test_a_year_of_which_all_was_given_back_has_no_statement(given: Donation, cleo: Client):
    giving.amend(given, "refunded", -1_000, now=given.created_at)
    donor, year = Donor.objects.get(), receipts.day_of(given).year
    path = own_path(donor)
    assert "Statement of" not in cleo.get(path).content.decode()
    assert cleo.get(f"{path}{year}.pdf").status_code == 404
    # Asked for before it was given back, a letter brings one.
    assert "Nothing: what came was given back." in text_of(receipts.statement(donor, year))


def test_the_licence_stands_beside_the_font():
    folder = receipts._FONT_FILE.parent
    assert "Bitstream Vera Fonts Copyright" in (folder / "DEJAVU.txt").read_text()
