"""What came to the fund month by month, as bars: it has no days to end at and no goal."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format

from donations.booking import currency_of
from donations.ledger import raised_by_month
from fibrosite.lib.money import exponent, format_money

# Places in a drawing of this size: small, so that its words can still be read on a phone.
WIDTH, HEIGHT = 400, 220
RIGHT, TOP, BOTTOM = 8, 14, 34
# So wide is one letter of the upright axis at most, on a phone, and what is left beside it.
LETTER, BESIDE = 10.5, 10
MONTHS = 12
# Every so many bars have their month below them, the last one among them.
LABELLED = 3
# So many steps has the upright axis at most.
STEPS = 5


@dataclass(frozen=True)
class Month:
    """One month, and what it brought in minor units: below zero if more was given back."""

    first_day: date
    brought_minor: int


def last_months(*, today: date) -> tuple[int, list[Month]]:
    """What came before the last MONTHS, and these, the oldest first: their sum is what was raised.

    What is dated after this month stands at this month.
    """
    shown = [_months_before(today, n) for n in reversed(range(MONTHS))]
    brought = dict.fromkeys(shown, 0)
    before = 0
    for month, minor in raised_by_month(None):
        if month < shown[0]:
            before += minor
        else:
            brought[min(month, shown[-1])] += minor
    return before, [Month(month, minor) for month, minor in brought.items()]


def _months_before(day: date, number: int) -> date:
    """The first day of the month so many months before that of this day."""
    year, month = divmod(day.year * 12 + day.month - 1 - number, 12)
    return date(year, month + 1, 1)


def chart(*, today: date) -> dict[str, Any]:
    """Bars, steps of the upright axis and rows of a table that says the same, ready to draw."""
    currency = currency_of(None)
    before, months = last_months(today=today)
    step, top = _scale(max(month.brought_minor for month in months), currency)
    steps = [(format_money(at, currency), _height(at, top)) for at in range(0, top + 1, step)]
    left = round(BESIDE + LETTER * max(len(label) for label, _ in steps))
    column = (WIDTH - left - RIGHT) / MONTHS
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "from": left,
        "to": WIDTH - RIGHT,
        "steps": steps,
        "bars": [_bar(month, left + column * n, column, top) for n, month in enumerate(months)],
        "labels": [
            (round(left + column * (n + 0.5), 1), date_format(months[n].first_day, "M"))
            for n in range(LABELLED - 1, MONTHS, LABELLED)
        ],
        "rows": [
            (month.first_day, format_money(month.brought_minor, currency)) for month in months
        ],
        "first": months[0].first_day,
        "before": format_money(before, currency) if before else "",
    }


def _scale(highest: int, currency: str) -> tuple[int, int]:
    """How far the lines of the upright axis are apart, in round sums, and the highest of them."""
    step, turn = int(10 ** exponent(currency)), 0
    while highest > STEPS * step:
        # 1, 2, 5, 10, 20, 50 ...
        step = step * 5 // 2 if turn % 3 == 1 else step * 2
        turn += 1
    return step, step * max(1, -(-highest // step))


def _height(minor: int, top: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * minor / top, 1)


def _bar(month: Month, x: float, column: float, top: int) -> dict[str, float]:
    y = _height(max(0, month.brought_minor), top)
    return {
        "x": round(x + column * 0.15, 1),
        "y": y,
        "width": round(column * 0.7, 1),
        "height": round(HEIGHT - BOTTOM - y, 1),
    }
