"""Several small tests of a column as one p-value: the calibrated decision."""

from __future__ import annotations

from hourglass.comparisons.comparison import Explanation, Worse, comparison
from hourglass.comparisons.distribution import Distribution
from hourglass.errors import InputError
from hourglass.small_tests import INDEPENDENT, SMALL_TESTS, Judged, judged
from hourglass.small_tests.chance import told
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined

BUDGET = 0.01
LEAST_VALUES = 20  # of each side: a pass with fewer would say nothing
_CERTAIN = 1e-6  # where several tests are as sure as that, the one that names a cause says most,
_EXPLAINED = 0.5  # if that explains as much of how far the distribution moved


def parse_budget(given: object) -> float:
    """A share of clean windows as it is written, in percent or as a number; InputError where it is none.

    >>> parse_budget("1%"), parse_budget("0.05"), parse_budget(0.02)
    (0.01, 0.05, 0.02)
    """
    text = "" if isinstance(given, bool) else str(given).strip()
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise InputError("budget", found=repr(given), expected="a share of clean windows above 0 and below 1, such as 1% or 0.01")
    return found


def explained(window: Distribution, baseline: Distribution) -> Explanation | None:
    """The test that says most, in words and numbers: what was found, its effect, z, over-dispersion and p."""
    found = small_tests_of(window, baseline)
    if isinstance(found, Undefined) or not found.p_values:
        return None
    own = [key for key, one in found.found.items() if not one.follows] or [*found.found]
    moved = found.found["largest_distance"].effect if "largest_distance" in found.found else 0.0
    certain = [
        key
        for key in own
        if found.p_values[key] < _CERTAIN and SMALL_TESTS[key].names_cause and found.found[key].effect >= _EXPLAINED * moved
    ]
    key = min(certain or own, key=lambda name: found.p_values[name])
    best = found.found[key]
    factor = baseline.dispersions.get(key, INDEPENDENT).factor
    return Explanation(best.words, f"{key}: effect {best.effect:.3g}, z {best.z:.1f}, λ {factor:.3g}, {told(found.p_values[key])}")


@comparison(
    names=(),
    applies_to=AppliesTo.ANY,
    worse=Worse.LOWER,
    default_threshold=BUDGET,
    minimum_rows=LEAST_VALUES,
    source="Hourglass; Liu and Xie (2020) for the combination",
    explain=explained,
    shares_budget=True,
)
def calibrated(window: Distribution, baseline: Distribution) -> float | Undefined:
    """Calibrated p-value: how likely chance makes a column look as different as it does, by several small tests together.

    0 to 1, small is worse. Its threshold is the budget, the share of clean windows that may alarm, which is divided into
    a part for each decision. The small tests are those of [the table](#small-tests); effects too small to matter count as none.
    Where a baseline is known by its statistics.json only, tests of missing values, texts and repeated numbers are left out.
    What is known of their over-dispersion makes them less sure. Undefined without values on either side.
    """
    found = small_tests_of(window, baseline)
    return found if isinstance(found, Undefined) else found.p


def small_tests_of(window: Distribution, baseline: Distribution) -> Judged | Undefined:
    """What the small tests find of a column; Undefined without values on either side."""
    if window.n == 0 or baseline.n == 0:
        return Undefined("no values in the window" if window.n == 0 else "no values in the baseline")
    return judged(window.column, baseline.column, baseline.dispersions)
