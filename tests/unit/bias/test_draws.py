"""Intervals: drawing in the counts is drawing rows, and what infinite and undefined draws make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hourglass.bias import BIAS_BOOTSTRAP, BIAS_METRICS, Decision, FacetValue, FlipRows, Interval, evaluate_bias, measure_bias
from hourglass.bias.constraints import BiasConstraint
from hourglass.bias.interval import intervals
from hourglass.bias.table import DrawnRows, FacetRows
from hourglass.constraints import Verdict
from hourglass.quality import Bootstrap
from hourglass.quality.bootstrap import draw_cells
from hourglass.undefined import Undefined
from tests.unit.bias.rows import Row, bias, counts, repeated

TABLE = sorted(BIAS_METRICS.keys() - {"FT"})
DRAWS = 800
ONE_IN_A_MILLION = 1e-6


def people(n: int, seed: int) -> list[Row]:
    """Rows of two facets with other labels and other errors, and some values missing."""
    random = np.random.default_rng(seed)
    d, group = random.random(n) < 0.3, random.integers(0, 3, n)
    label = random.random(n) < np.where(d, 0.4, 0.6)
    predicted = np.where(random.random(n) < 0.8, label, random.random(n) < np.where(d, 0.3, 0.6))
    there = random.random(n) < 0.95
    return [
        ("d" if d[i] else "a", str(group[i]), str(int(label[i])), str(int(predicted[i]))) if there[i] else (None, None, "1", "0")
        for i in range(n)
    ]


def values(rows: list[Row]) -> dict[str, float]:
    table = DrawnRows(found := FacetRows.of(counts(rows), "f", {"1"}), found.counts[np.newaxis]).table({"d"})
    return {key: float(BIAS_METRICS[key].values(table)[0]) for key in TABLE}


def test_drawing_in_the_counts_is_drawing_rows() -> None:
    """All metrics of 300 rows: one distribution each, by Kolmogorov-Smirnov tests that fail once in a million."""
    rows = people(300, 1)
    found = FacetRows.of(counts(rows), "f", {"1"})
    table = DrawnRows(found, next(draw_cells(found.counts, Bootstrap(DRAWS)))).table({"d"})
    random = np.random.default_rng(2)
    theirs = [values([rows[place] for place in random.integers(0, 300, 240)]) for _ in range(DRAWS)]
    for key in TABLE:
        ours = BIAS_METRICS[key].values(table)
        assert stats.ks_2samp(ours.round(9), np.round([draw[key] for draw in theirs], 9)).pvalue > ONE_IN_A_MILLION, key


def test_the_interval_is_the_mean_and_a_deviation_of_the_draws() -> None:
    """Of a difference of shares about sqrt(p q / 0.8 n) on each side; quantiles lie around it."""
    rows = repeated({("d", None, "1", None): 300, ("d", None, "0", None): 700, ("a", None, "1", None): 500, ("a", None, "0", None): 500})
    interval = bias(rows, bootstrap=Bootstrap(draws=4000, least_rows=0)).metrics["DPL"].interval
    assert isinstance(interval, Interval)
    assert interval.deviation == pytest.approx(math.sqrt((0.21 + 0.25) / 800), rel=0.05)
    assert interval.mean == pytest.approx(0.2, abs=0.002)
    assert (interval.low, interval.high) == (interval.mean - interval.deviation, interval.mean + interval.deviation)
    assert interval.quantiles[0.025] == pytest.approx(0.2 - 1.96 * interval.deviation, abs=0.004)
    assert interval.quantiles[0.975] == pytest.approx(0.2 + 1.96 * interval.deviation, abs=0.004)


def test_draws_are_a_thousand_and_the_stock_analyzers_five_are_there() -> None:
    """80 % of the rows each, seeded; from the first row on, since the counts say when they are too few."""
    assert (BIAS_BOOTSTRAP.draws, BIAS_BOOTSTRAP.share, BIAS_BOOTSTRAP.least_rows) == (1000, 0.8, 0)
    rows = people(50, 3)
    first, again, five, other = (
        bias(rows, bootstrap=Bootstrap(draws, seed=seed, least_rows=0)).metrics["DPL"].interval
        for draws, seed in ((9, 0), (9, 0), (5, 0), (9, 1))
    )
    assert first == again != other
    assert isinstance(five, Interval)
    assert five.draws == 5
    few = bias(rows, bootstrap=Bootstrap(5)).metrics["DPL"]
    assert isinstance(few.value, float)
    assert few.interval == Undefined("50 rows, 5 draws; an interval takes 200 and 2")


def test_infinite_draws_leave_quantiles() -> None:
    """A mean of infinities says nothing; where too few draws are defined there is no interval."""
    draws = np.tile(np.arange(100.0), (5, 1))
    draws[1, 90:] = np.inf
    draws[2] = np.inf
    draws[3, :60] = np.nan
    draws[4, 0], draws[4, 1] = -np.inf, np.nan
    plain, some, every, few, below = intervals(draws)
    assert isinstance(plain, Interval)
    assert (plain.mean, plain.draws) == (49.5, 100)
    assert isinstance(some, Interval)
    assert (some.low, some.high, some.mean, some.deviation, some.quantiles[0.975]) == (15.0, 84.0, None, None, math.inf)
    assert isinstance(every, Interval)
    assert (every.low, every.high) == (math.inf, math.inf)
    assert few == Undefined("defined in 40 of 100 draws")
    assert isinstance(below, Interval)
    assert (below.quantiles[0.025], below.draws) == (3.0, 99)


def test_a_distance_of_nothing_is_no_violation() -> None:
    """Draws of equal facets are all apart by chance: as they are, they would be further apart than the baseline every time."""
    plain, moved = 0, 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        rows = [("d" if i % 2 else "a", None, str(c), None) for i, c in enumerate(random.integers(0, 8, 400))]
        measured = bias(rows, bootstrap=Bootstrap(200, least_rows=0)).metrics["TVD"]
        assert isinstance(measured.interval, Interval)
        # the baseline: another 400 rows of the same
        other = [("d" if i % 2 else "a", None, str(c), None) for i, c in enumerate(random.integers(0, 8, 400))]
        limit = values(other)["TVD"]
        plain += measured.interval.mean - measured.interval.deviation > limit
        moved += measured.interval.low > limit
    assert plain > 20
    assert moved <= 12  # a deviation either side: chance leaves one in six at most


def test_the_flip_test_has_an_interval_too() -> None:
    """By draws of the rows of d, neighbours held fixed: sqrt(p q / 0.8 n)."""
    random = np.random.default_rng(0)
    features = random.random((600, 1))
    facet = ["d" if i < 300 else "a" for i in range(600)]
    predicted = ["0" if i < 300 and random.random() < 0.4 else "1" for i in range(600)]
    state = counts([(name, None, None, guess) for name, guess in zip(facet, predicted, strict=True)])
    bootstrap = Bootstrap(2000, least_rows=0)
    measured = measure_bias(state, "f", [FacetValue.of("d")], bootstrap=bootstrap, sample=FlipRows(features, {"f": facet}, predicted))
    found = measured.values[0].metrics["FT"]
    assert isinstance(found.value, float)
    assert isinstance(found.interval, Interval)
    assert found.value == pytest.approx(0.4, abs=0.06)
    assert found.interval.mean == pytest.approx(found.value, abs=0.005)
    assert found.interval.deviation == pytest.approx(math.sqrt(found.value * (1 - found.value) / 240), rel=0.1)


@pytest.mark.parametrize(("allowed", "alarms"), [(1.1, (0, 2)), (0.55, (40, 40)), (0.0, (40, 40))], ids=["no", "medium", "high"])
def test_windows_of_2000_rows_are_told_from_biased_ones(allowed: float, alarms: tuple[int, int]) -> None:
    """The setting of figure 3 of arXiv 2111.13657: a difference of 0.2 in labels, and allowed ranges of a multiple of it."""
    found = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        d = random.random(2000) < 0.33
        label = random.random(2000) < np.where(d, 0.11, 0.31)
        rows = list(zip(np.where(d, "d", "a").tolist(), [None] * 2000, label.astype(int).astype(str).tolist(), [None] * 2000, strict=True))
        report = measure_bias(counts(rows), "f", [FacetValue.of("d")], {"1"}, Bootstrap(200, seed=seed, least_rows=0))
        (evaluation,) = evaluate_bias([report], [BiasConstraint("f", "d", "DPL", 0.2 * allowed)], decision=Decision.INTERVAL)
        found += evaluation.verdict is Verdict.VIOLATION
    assert alarms[0] <= found <= alarms[1]


def test_what_a_baseline_happened_to_measure_is_a_poorer_limit_than_one_by_hand() -> None:
    """As docs/bias.md says: most clean windows alarm by some metric, and none by three of them with limits of 0.1."""
    by_baseline = by_hand = 0
    few_draws = Bootstrap(200, least_rows=0)
    for seed in range(20):
        random = np.random.default_rng(seed)
        baseline, window = (counts(alike(n, random)) for n in (5000, 1000))
        before, now = (measure_bias(state, "f", [FacetValue.of("d")], {"1"}, few_draws) for state in (baseline, window))
        measured = {key: found.value for key, found in before.values[0].metrics.items() if not isinstance(found.value, Undefined)}
        suggested = [BiasConstraint("f", "d", key, value) for key, value in measured.items()]
        chosen = [BiasConstraint("f", "d", key, measured[key], 0.1) for key in ("DPL", "DPPL", "RD")]
        by_baseline, by_hand = (
            alarms + any(found.verdict is Verdict.VIOLATION for found in evaluate_bias([now], limits))
            for alarms, limits in ((by_baseline, suggested), (by_hand, chosen))
        )
    assert by_baseline > 10
    assert by_hand == 0


def alike(n: int, random: np.random.Generator) -> list[Row]:
    """Rows whose labels, and errors of the model, have nothing to do with the facet."""
    d, group, label, right = random.random(n) < 0.33, random.integers(0, 3, n), random.random(n) < 0.4, random.random(n) < 0.85
    columns = np.where(d, "d", "a"), group, label.astype(int), (label == right).astype(int)
    return list(zip(*(column.astype(str).tolist() for column in columns), strict=True))
