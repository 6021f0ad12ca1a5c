"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_FEWEST_DIGITS = 1e-6  # what is smaller has more zeros than anybody counts
_MOST_DIGITS = 1e9
_TOLD_DIGITS = 17  # more than these a double has not
_MOST_WRITTEN_OUT = 1e15  # of whole numbers: times and accounts differ in their last digits
_SMALLEST_SHARE = 0.0005  # what is less would be 0.0%


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits that count, a real minus, and a dash for none.

    >>> number(-0.19895), number(1234.5), number(2.0), number(float("-inf")), number(None)
    ('−0.199', '1,234', '2.00', '−∞', '—')
    >>> number(0.0), number(1.2e-8), number(0.00012345)
    ('0', '1.2e−8', '0.000123')
    """
    if value is None or math.isnan(value):
        return "—"
    sign, size = "−" if value < 0 else "", abs(value)
    if size == 0.0:
        return "0"
    if math.isinf(size):
        return f"{sign}∞"
    if not _FEWEST_DIGITS <= size < _MOST_DIGITS:
        whole, _, power = f"{size:.{max(1, digits - 2)}e}".partition("e")
        return f"{sign}{whole}e{int(power)}".replace("e-", "e−")
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{sign}{size:,.{decimals}f}"


def told_apart(numbers: Sequence[float]) -> list[str]:
    """Numbers with as few digits as tell them apart; whole ones as they are.

    >>> told_apart([17.0, 22.5, 90.0]), told_apart([1002.25, 1002.5]), told_apart([-999.0, 1764000000123.0])
    (['17', '22.5', '90'], ['1,002.2', '1,002.5'], ['−999', '1,764,000,000,123'])
    >>> told_apart([1.5e-9, 1.5000001e-9])
    ['1.5000000e−9', '1.5000001e−9']
    """
    if all(value.is_integer() and abs(value) < _MOST_WRITTEN_OUT for value in numbers):
        return [f"{value:,.0f}".replace("-", "−") for value in numbers]
    texts: list[str] = []
    for digits in range(3, _TOLD_DIGITS):
        texts = [_without_zeros(number(value, digits)) for value in numbers]
        if len(set(texts)) == len(set(numbers)):
            break
    return texts


def _without_zeros(text: str) -> str:
    return text.rstrip("0").removesuffix(".") if "." in text and "e" not in text else text


def span(ends: tuple[float, float]) -> str:
    """Where something lies.

    >>> span((-0.2, 0.2)), span((0.0, float("inf")))
    ('±0.200', '0 to ∞')
    """
    if ends[0] == -ends[1]:
        return f"±{number(ends[1])}" if ends[1] else "0"
    return f"{number(ends[0])} to {number(ends[1])}"


def percent(share: float | None) -> str:
    """A share in percent, a dash for none.

    >>> percent(0.3149), percent(0.0004), percent(0.0), percent(None)
    ('31.5%', '<0.1%', '0%', '—')
    """
    if share is None or math.isnan(share):
        return "—"
    if share == 0.0:
        return "0%"
    return f"{share:.1%}" if share >= _SMALLEST_SHARE else "<0.1%"


def counted(n: int, one: str, more: str) -> str:
    """A number with its noun.

    >>> counted(1, "label", "labels"), counted(1200, "row", "rows")
    ('1 label', '1,200 rows')
    """
    return f"{n:,} {one if n == 1 else more}"
