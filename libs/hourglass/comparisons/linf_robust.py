"""The largest difference between two distributions, less what chance explains."""

import math
from typing import Annotated

from hourglass.comparisons.comparison import Accepts, Worse, comparison
from hourglass.comparisons.distribution import Distribution
from hourglass.comparisons.linf_simple import linf_simple
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined

CORRECTION = 1.8


@comparison(
    names=("Robust", "LInfinityRobust"),
    applies_to=AppliesTo.ANY,
    worse=Worse.HIGHER,
    default_threshold=0.1,
    minimum_rows=30,
    source="Deequ, Distance (linf_robust); SageMaker's comparison_method Robust",
)
def linf_robust(
    window: Distribution,
    baseline: Distribution,
    *,
    alpha: Annotated[float | None, Accepts("a probability above 0 and at most 1", lambda share: 0 < share <= 1)] = None,
) -> float | Undefined:
    """Largest distance beyond chance: max(0, linf_simple - 1.8 * sqrt((n + m) / (n * m))), n and m the numbers of values.

    0 to 1. `alpha` puts sqrt(-ln(alpha / 2) / 2) in place of 1.8, which is an alpha of 0.00307: the probability that
    chance alone exceeds 0. Nulls and "other" as in linf_simple. Undefined when either side has no values.

    >>> linf_robust(Distribution(counts={"a": 300, "b": 100}), Distribution(counts={"a": 100, "b": 300}))
    0.37272077938642145
    """
    return robust(linf_simple(window, baseline), window.n, baseline.n, CORRECTION if alpha is None else correction_for(alpha))


def robust(distance: float | Undefined, n: int, m: int, correction: float) -> float | Undefined:
    """The distance less `correction` standard units of chance, at least 0."""
    if isinstance(distance, Undefined):
        return distance
    return max(0.0, distance - correction * math.sqrt((n + m) / (n * m)))


def correction_for(alpha: float) -> float:
    """The correction at which chance exceeds the distance with probability alpha: sqrt(-ln(alpha / 2) / 2).

    >>> round(correction_for(0.003), 4)
    1.8031
    """
    return math.sqrt(-math.log(alpha / 2) / 2)
