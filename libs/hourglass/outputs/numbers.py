"""Numbers as people read them."""

from __future__ import annotations

import math

_FEWEST_DIGITS = 1e-6  # what is smaller has more zeros than anybody counts
_MOST_DIGITS = 1e9


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
        whole, _, power = f"{size:.1e}".partition("e")
        return f"{sign}{whole}e{int(power)}".replace("e-", "e−")
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return f"{sign}{size:,.{decimals}f}"


def span(ends: tuple[float, float]) -> str:
    """Where something lies.

    >>> span((-0.2, 0.2)), span((0.0, float("inf")))
    ('±0.200', '0 to ∞')
    """
    if ends[0] == -ends[1]:
        return f"±{number(ends[1])}" if ends[1] else "0"
    return f"{number(ends[0])} to {number(ends[1])}"
