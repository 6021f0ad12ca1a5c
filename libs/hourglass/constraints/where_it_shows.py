"""What kind of row shows a drift: a value, or the numbers on one side of a point, that the window has more of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hourglass.comparisons import Distribution, aligned
from hourglass.comparisons.distribution import cumulative_shares
from hourglass.errors import shorten
from hourglass.states.categories import category_key, number_name
from hourglass.undefined import Undefined
from hourglass.values import classify

_TIE = 1e-9  # shares of counts that are equal differ by a rounding


class Side(StrEnum):
    """How a value stands to the point or category of an excess."""

    IS = ""
    AT_MOST = "at most "
    ABOVE = "above "


@dataclass(frozen=True)
class Excess:
    """Values that the window has more of: a category, or the numbers at most or above a point. Shares are of the values.

    >>> print(Excess(Side.ABOVE, 41.5, 0.31, 0.12))
    31 % of the values are above 41.5, the baseline has 12 %
    """

    side: Side
    place: float | str
    window_share: float
    baseline_share: float

    def __str__(self) -> str:
        place = repr(shorten(self.place, 40)) if isinstance(self.place, str) else number_name(self.place)
        return f"{100 * self.window_share:.3g} % of the values are {self.side}{place}, the baseline has {100 * self.baseline_share:.3g} %"

    def holds(self, value: object) -> bool:
        """Whether a raw value, as it was captured, is of this kind; text that is a number counts as one, as in the states.

        A missing value, NaN or an infinity is of no kind.

        >>> above, red = Excess(Side.ABOVE, 41.5, 0.31, 0.12), Excess(Side.IS, "red", 0.5, 0.1)
        >>> [above.holds(value) for value in ("42", 41.5, "4e1", "red", None)], red.holds("red"), red.holds("7")
        ([True, False, False, False, False], True, False)
        """
        values = classify([value])
        numbers = values.sorted_numbers
        if isinstance(self.place, str):
            name = number_name(float(numbers[0])) if len(numbers) else category_key(values.texts[0].as_py()) if len(values.texts) else None
            return name == self.place
        return len(numbers) > 0 and bool(numbers[0] > self.place) is (self.side is Side.ABOVE)


def where_it_shows(window: Distribution, baseline: Distribution) -> Excess | Undefined:
    """The values that the window has most in excess of its baseline.

    Of a categorical column the value with the largest p1 - p2; values that are known only by their number are none. Of
    a numeric one the side of the point where |F1 - F2| is largest on which the window has more; of several such points
    the outermost, whose rows are the most telling. Undefined where either side has no values, where they are of
    different kinds, and where nothing is in excess.

    >>> print(where_it_shows(Distribution(counts={"a": 3, "b": 1}), Distribution(counts={"a": 1, "b": 1})))
    75 % of the values are 'a', the baseline has 50 %
    """
    if window.n == 0 or baseline.n == 0:
        return Undefined("no values in the window" if window.n == 0 else "no values in the baseline")
    if window.sketch is not None and baseline.sketch is not None:
        points, first, second = cumulative_shares(window.sketch, baseline.sketch)
        more = first - second
        largest = np.flatnonzero(np.abs(more) >= np.abs(more).max() - _TIE)
        at = largest[0] if more[largest[0]] > 0 else largest[-1]
        point, mine, theirs = float(points[at]), float(first[at]), float(second[at])
        found = Excess(Side.AT_MOST, point, mine, theirs) if mine > theirs else Excess(Side.ABOVE, point, 1 - mine, 1 - theirs)
    elif window.counts and baseline.counts is not None:
        window, baseline = aligned(window, baseline)
        theirs_of, mine_of = baseline.counts or {}, window.counts or {}
        shares = {value: (count / window.n, theirs_of.get(value, 0) / baseline.n) for value, count in mine_of.items()}
        if not shares:
            return Undefined("all values are known only by their number")
        value = max(shares, key=lambda name: shares[name][0] - shares[name][1])
        found = Excess(Side.IS, value, *shares[value])
    else:
        return Undefined("the window and the baseline are of different kinds")
    return found if found.window_share > found.baseline_share else Undefined("the window has no values in excess of the baseline")
