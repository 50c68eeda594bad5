"""Money is counted in minor units and shown as people write it."""

from decimal import Decimal

import pytest

from fibrosite.lib.money import exponent, format_money, to_minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "USD", "$0"),
        (1, "USD", "$0.01"),
        (100, "USD", "$1"),
        (123_450, "USD", "$1,234.50"),
        (123_400, "USD", "$1,234"),
        (500_000_000, "USD", "$5,000,000"),
        (-500, "USD", "-$5"),
        (-550, "USD", "-$5.50"),
        (1_000, "EUR", "€10"),
        (1_000, "GBP", "£10"),
        (1_234, "JPY", "¥1,234"),
        (1_234, "KWD", "KWD\u00a01.234"),
        (5_000, "KWD", "KWD\u00a05"),
        (1_050, "CHF", "CHF\u00a010.50"),
        (1_050, "XTS", "XTS\u00a010.50"),
        (10**15 + 1, "USD", "$10,000,000,000,000.01"),
    ],
)
def test_money_reads_as_people_write_it(minor: int, currency: str, text: str):
    assert format_money(minor, currency) == text


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("10", "USD", 1_000),
        ("10.5", "USD", 1_050),
        ("10.50", "USD", 1_050),
        ("10.500", "USD", 1_050),
        ("0.01", "USD", 1),
        ("-10.00", "USD", -1_000),
        ("1234", "JPY", 1_234),
        ("1234.000", "JPY", 1_234),
        ("1.234", "KWD", 1_234),
        ("999999999.99", "USD", 99_999_999_999),
    ],
)
def test_what_is_typed_becomes_minor_units(typed: str, currency: str, minor: int):
    assert to_minor(Decimal(typed), currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency", "sentence"),
    [
        ("10.005", "USD", "USD has only 2 decimals."),
        ("0.5", "JPY", "JPY has no decimals."),
        ("1.2345", "KWD", "KWD has only 3 decimals."),
    ],
)
def test_more_decimals_than_the_currency_has_are_refused(typed: str, currency: str, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        to_minor(Decimal(typed), currency)


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@pytest.mark.parametrize("minor", [0, 1, 7, 99, 100, 12_345, -12_345])
def test_there_and_back_is_the_same(minor: int, currency: str):
    assert to_minor(Decimal(minor).scaleb(-exponent(currency)), currency) == minor
