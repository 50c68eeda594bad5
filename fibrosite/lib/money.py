"""Money is an integer of minor units (cents) and an ISO 4217 code, shown as people write it."""

import re
from decimal import Decimal

# ISO 4217 exponents that are not 2, of currencies that gifts arrive in.
_EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3}
_SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "CHF": "CHF\u00a0",
    "AUD": "A$",
    "CAD": "C$",
}


# What a drive may be kept in.
CURRENCIES = re.findall(
    r"[A-Z]{3}",
    """AED ARS AUD BDT BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR
    ISK JOD JPY KES KRW KWD KZT MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN RON RSD SAR SEK SGD THB
    TRY TWD UAH USD UYU VND ZAR""",
)


def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """An amount as typed, in minor units. Raises ValueError if it has too many decimals."""
    minor = amount.scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        digits = exponent(currency)
        raise ValueError(f"{currency} has {f'only {digits}' if digits else 'no'} decimals.")
    return int(minor)


def format_money(minor: int, currency: str) -> str:
    """Minor units as text: $1,234 for whole amounts, $1,234.50 otherwise, -$5 when negative."""
    digits = exponent(currency)
    amount = Decimal(abs(minor)).scaleb(-digits)
    whole = amount == amount.to_integral_value()
    number = f"{amount:,.0f}" if whole else f"{amount:,.{digits}f}"
    symbol = _SYMBOLS.get(currency, f"{currency}\u00a0")
    return f"{'-' if minor < 0 else ''}{symbol}{number}"
