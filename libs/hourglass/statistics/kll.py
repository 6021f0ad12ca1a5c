"""The distribution of the numbers."""

from typing import Any

import numpy as np

from hourglass.states import ColumnProfile, Quantiles
from hourglass.states.quantiles import K
from hourglass.statistics.statistic import AppliesTo, statistic
from hourglass.undefined import Undefined

BUCKETS = 10
_SHRINKING_FACTOR = 0.64  # what the stock analyzer states for its sketches


@statistic(needs=(Quantiles,), applies_to=AppliesTo.NUMERIC, place="numerical_statistics.distribution.kll", source="Deequ, KLLSketch")
def kll(column: ColumnProfile) -> dict[str, Any] | Undefined:
    """Counts in ten buckets of equal width from minimum to maximum, and the sketch they come from.

    Buckets are [lower, upper), the last one closed. `data[i]` holds the sketch's items of weight 2^i. Missing values,
    NaN and infinities are left out; a constant column has ten buckets of width 0, all values in the last.
    Undefined without finite numbers.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["quantiles"], 0)
    >>> column.update(classify([str(i) for i in range(101)]))
    >>> [int(bucket["count"]) for bucket in kll(column)["buckets"]]
    [10, 10, 10, 10, 10, 10, 10, 10, 10, 11]
    """
    sketch = column.get(Quantiles)
    if sketch.n == 0:
        return Undefined("no finite numbers")
    edges = bucket_edges(sketch.minimum, sketch.maximum)
    below = sketch.counts_below(np.array(edges), inclusive=False)
    below[-1] = sketch.n
    counts = np.diff(below).tolist()
    return {
        "buckets": [
            {"lower_bound": lower, "upper_bound": upper, "count": float(count)}
            for lower, upper, count in zip(edges, edges[1:], counts, strict=False)
        ],
        "sketch": {
            "parameters": {"c": _SHRINKING_FACTOR, "k": float(K)},
            "data": [level.tolist() for level in sketch.levels],
        },
    }


def bucket_edges(low: float, high: float) -> list[float]:
    """Eleven edges of ten equal widths; the ends are exact, an overflowing range is halved first.

    >>> bucket_edges(1.0, 243.0)[:2]
    [1.0, 25.2]
    """
    width = high / BUCKETS - low / BUCKETS if high - low == float("inf") else (high - low) / BUCKETS
    return [low, *(low + width * i for i in range(1, BUCKETS)), high]
