"""How much a metric of bias varies by chance: what its draws say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hourglass.undefined import Undefined
from hourglass.values import Floats

QUANTILES = (0.025, 0.5, 0.975)
# of a normal distribution so much is below the mean less one standard deviation
TAIL = 0.15865525393145707


@dataclass(frozen=True)
class Interval:
    """Where a metric lies by its draws: from `low` to `high`, with some quantiles.

    Mean ± 1 standard deviation. Where a draw is infinite there is neither, and it is from the 15.87 % quantile to the
    84.13 % one, which of a normal distribution are the same; either end may then be infinite. `mean`, `deviation` and the
    quantiles are those of the draws as they are.
    """

    low: float
    high: float
    mean: float | None
    deviation: float | None
    quantiles: Mapping[float, float]
    draws: int

    def of_distance(self, value: float) -> Interval:
        """The same for a metric that is never below 0, moved down by as much as the middle of the draws is above the value.

        What chance adds to a distance of nothing it adds once more in every draw: of two facets with the same labels all of
        the interval would lie above what either of two windows measured. Of the other metrics the middle is the value.
        """
        middle = self.quantiles[0.5] if self.mean is None else self.mean
        if not math.isfinite(middle) or not math.isfinite(value):
            return self
        return replace(self, low=max(0.0, self.low - middle + value), high=max(0.0, self.high - middle + value))


def intervals(values: Floats) -> list[Interval | Undefined]:
    """The interval of each line of draws; NaN is a draw in which the metric is not defined, of which at most half may be.

    >>> (found,) = intervals(np.array([[1.0, 2.0, 3.0, np.nan]]))
    >>> found.low, found.high, found.quantiles[0.5]
    (1.0, 3.0, 2.0)
    """
    ordered = np.sort(values, axis=1)  # NaN comes last
    draws = values.shape[1]
    defined = draws - np.isnan(ordered).sum(axis=1)
    infinite = np.isinf(ordered).sum(axis=1)
    plain = np.where(np.isfinite(values), values, 0.0)
    n = np.maximum(defined, 1)
    means = plain.sum(axis=1) / n
    apart = np.where(np.isfinite(values), values - means[:, np.newaxis], 0.0)
    spreads = np.sqrt((apart**2).sum(axis=1) / np.maximum(n - 1, 1))
    found: list[Interval | Undefined] = []
    for place, count in enumerate(defined.tolist()):
        line, mean, spread = ordered[place], float(means[place]), float(spreads[place])
        if count < 2 or 2 * count < draws:
            found.append(Undefined(f"defined in {count} of {draws} draws"))
            continue
        quantiles = {share: _quantile(line, count, share) for share in QUANTILES}
        if infinite[place] == 0:
            found.append(Interval(mean - spread, mean + spread, mean, spread, quantiles, count))
        else:
            found.append(Interval(_quantile(line, count, TAIL), _quantile(line, count, 1 - TAIL), None, None, quantiles, count))
    return found


def _quantile(ordered: Floats, count: int, share: float) -> float:
    """The smallest value that so large a share does not exceed: never between two, of which one may be infinite."""
    return float(ordered[min(count - 1, max(0, int(np.ceil(share * count)) - 1))])
