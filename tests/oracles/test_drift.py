"""Comparisons against the values of Deequ's own tests (drift.json) and against scipy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from hourglass.comparisons import COMPARISONS, Comparison, Distribution
from hourglass.comparisons.chi_squared import chi_squared
from hourglass.comparisons.hellinger import hellinger
from hourglass.comparisons.jensen_shannon import jensen_shannon
from hourglass.comparisons.ks_test import ks_test
from hourglass.comparisons.kullback_leibler import kullback_leibler
from hourglass.comparisons.linf_robust import linf_robust
from hourglass.comparisons.linf_simple import linf_simple
from hourglass.comparisons.population_stability_index import population_stability_index
from hourglass.comparisons.t_test import t_test
from hourglass.comparisons.total_variation import total_variation
from hourglass.comparisons.wasserstein import wasserstein
from hourglass.comparisons.wasserstein_normalised import wasserstein_normalised
from hourglass.states import ColumnProfile, Moments, Quantiles
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined
from hourglass.values import Values

ORACLE = json.loads((Path(__file__).parent / "drift.json").read_text())


def sketch(numbers: Any) -> Distribution:
    column = ColumnProfile.of(["quantiles", "moments"], 0)
    numbers = np.asarray(numbers, np.float64)
    for start in range(0, len(numbers), 10_000):
        block = numbers[start : start + 10_000]
        column.update(Values(len(block), numbers=block))
    return Distribution(sketch=column.get(Quantiles), moments=column.get(Moments))


@pytest.mark.parametrize("case", ORACLE["categorical"])
def test_categorical_distances_are_deequs(case: dict[str, Any]) -> None:
    """linf_simple, linf_robust with c = 1.8 and with c for an alpha, and the chi-squared p-value."""
    a, b = Distribution(counts=case["a"]), Distribution(counts=case["b"])
    found = {
        "linf_simple": linf_simple(a, b),
        "linf_robust": linf_robust(a, b),
        "linf_robust_alpha_0.003": linf_robust(a, b, alpha=0.003),
        "linf_robust_alpha_0.1": linf_robust(a, b, alpha=0.1),
        "chi_squared_p": chi_squared(a, b),
    }
    expected = {name: value for name, value in case.items() if name not in {"a", "b"}}
    assert expected
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("case", ORACLE["numeric"])
def test_numeric_distances_are_deequs(case: dict[str, Any]) -> None:
    """linf_simple and linf_robust of two short columns."""
    a, b = sketch(case["a"]), sketch(case["b"])
    assert (linf_simple(a, b), linf_robust(a, b)) == (case["linf_simple"], case["linf_robust"])


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=300),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=300),
)
@settings(deadline=None)
def test_the_distance_of_columns_that_fit_the_sketch_is_the_kolmogorov_smirnov_statistic(a: list[float], b: list[float]) -> None:
    """Scipy's two-sample statistic, ties and all."""
    assert linf_simple(sketch(a), sketch(b)) == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_distance_of_long_columns_is_within_the_sketchs_stated_error(seed: int) -> None:
    """50,000 against 80,000 values: D off by at most 0.18 % a side."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 1, 50_000), rng.normal(0.05, 1.1, 80_000)
    assert linf_simple(sketch(a), sketch(b)) == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic, abs=0.0036)


@given(st.dictionaries(st.text(max_size=3), st.tuples(st.integers(0, 500), st.integers(50, 500)), min_size=3, max_size=8))
@settings(deadline=None)
def test_chi_squared_is_scipys_where_no_cell_is_small(cells: dict[str, tuple[int, int]]) -> None:
    """With at least 50 expected a cell nothing is merged; scipy's p-value to 1e-9."""
    window = {value: first for value, (first, _) in cells.items()}
    baseline = {value: second for value, (_, second) in cells.items()}
    total, reference = sum(window.values()), sum(baseline.values())
    expected = [count * total / reference for count in baseline.values()]
    found = chi_squared(Distribution(counts=window), Distribution(counts=baseline))
    if total == 0:
        assert isinstance(found, Undefined)
    elif min(expected) >= 5:
        assert found == pytest.approx(stats.chisquare(list(window.values()), expected).pvalue, abs=1e-9)


def test_chi_squared_merges_the_smallest_expected_cells() -> None:
    """Of 60, 30, 4, 3, 3 expected, three small ones of five are too many: 3 and 3, then 4 and 6, become one cell of 10."""
    baseline = Distribution(counts={"a": 60, "b": 30, "c": 4, "d": 3, "e": 3})
    window = Distribution(counts={"a": 50, "b": 35, "c": 5, "d": 6, "e": 4})
    merged = stats.chisquare([50, 35, 15], [60, 30, 10]).pvalue
    one_merge = stats.chisquare([50, 35, 5, 10], [60, 30, 4, 6]).pvalue
    assert chi_squared(window, baseline) == pytest.approx(merged, abs=1e-12)
    assert merged != pytest.approx(one_merge)


def test_jensen_shannon_is_the_distance_in_bits() -> None:
    """0.531239, the one of four values by that name that is ours; scipy agrees."""
    case = ORACLE["js"]
    p, q = ({str(i): round(share * 100) for i, share in enumerate(case[side])} for side in "pq")
    found = jensen_shannon(Distribution(counts=p), Distribution(counts=q))
    assert found == pytest.approx(case["distance_base2"], abs=1e-6)
    assert found == pytest.approx(distance.jensenshannon(case["p"], case["q"], 2), abs=1e-12)


def test_the_four_numbers_called_jensen_shannon_follow_from_ours() -> None:
    """Of (.85, .05, .05, .05) and uniform: divergence .1956 nats or .2822 bits, distance .4423 or, ours, .5312."""
    found = jensen_shannon(Distribution(counts={"a": 85, "b": 5, "c": 5, "d": 5}), Distribution(counts=dict.fromkeys("abcd", 25)))
    assert not isinstance(found, Undefined)
    bits, nats = found**2, found**2 * np.log(2)
    assert [round(float(value), 4) for value in (nats, bits, np.sqrt(nats), found)] == [0.1956, 0.2822, 0.4423, 0.5312]
    assert nats == pytest.approx(ORACLE["js"]["divergence_nats"], abs=1e-6)


COUNTS = st.dictionaries(st.text(max_size=3), st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=8)


@given(COUNTS)
@settings(deadline=None)
def test_the_distances_of_categories_are_those_of_the_books(cells: dict[str, tuple[int, int]]) -> None:
    """Hellinger by the Bhattacharyya coefficient, total variation by scipy's city block, KL by scipy's entropy of counts + 1."""
    first, second = (np.array(side, np.float64) for side in zip(*cells.values(), strict=True))
    assume(first.sum() > 0 and second.sum() > 0)
    a, b = (Distribution(counts={key: int(n) for key, n in zip(cells, side, strict=True) if n}) for side in (first, second))
    in_either = first + second > 0
    first, second = first[in_either], second[in_either]
    p, q = first / first.sum(), second / second.sum()
    assert hellinger(a, b) == pytest.approx(np.sqrt(max(0.0, 1 - np.sqrt(p * q).sum())), abs=1e-7)
    assert total_variation(a, b) == pytest.approx(distance.cityblock(p, q) / 2, abs=1e-12)
    assert kullback_leibler(a, b) == pytest.approx(stats.entropy(first + 1, second + 1), abs=1e-12)


@given(COUNTS)
@settings(deadline=None)
def test_both_directions_of_the_divergence_are_the_stability_index(cells: dict[str, tuple[int, int]]) -> None:
    """KL(window, baseline) + KL(baseline, window) = PSI, to the smoothing and the base of the logarithm."""
    a, b = (Distribution(counts={key: pair[side] for key, pair in cells.items() if pair[side]}) for side in (0, 1))
    assume(a.n > 0 and b.n > 0)
    both = kullback_leibler(a, b), kullback_leibler(b, a)
    assert sum(both) == pytest.approx(population_stability_index(a, b), abs=1e-12)  # type: ignore[arg-type]


def test_the_divergence_is_of_the_window_from_the_baseline() -> None:
    """A value that the baseline never had costs more than one that the window lacks."""
    few, many = Distribution(counts={"a": 500, "b": 500}), Distribution(counts={"a": 400, "b": 400, "c": 200})
    assert kullback_leibler(many, few) > 4 * kullback_leibler(few, many)  # type: ignore[operator]


NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300)


@given(NUMBERS, NUMBERS)
@settings(deadline=None)
def test_the_earth_movers_distance_of_columns_that_fit_the_sketch_is_scipys(a: list[float], b: list[float]) -> None:
    """In raw units, and divided by the baseline's deviation; without a deviation there is none."""
    expected = stats.wasserstein_distance(a, b)
    assert wasserstein(sketch(a), sketch(b)) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    normalised = wasserstein_normalised(sketch(a), sketch(b))
    if np.ptp(b) == 0:
        assert isinstance(normalised, Undefined)
    elif np.ptp(b) > 1e-3:
        assert normalised == pytest.approx(expected / np.std(b), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_earth_movers_distance_of_long_columns_is_within_the_sketchs_error(seed: int) -> None:
    """50,000 against 80,000 values: a shift of half a deviation is off by at most 0.18 % a side of the range."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.5, 1, 50_000), rng.normal(0, 1, 80_000)
    both = np.concatenate([a, b])
    assert wasserstein(sketch(a), sketch(b)) == pytest.approx(stats.wasserstein_distance(a, b), abs=0.0036 * np.ptp(both))


def test_a_distance_beyond_a_double_is_undefined() -> None:
    """From -1e308 to 1e308 the way is longer than a double holds."""
    assert isinstance(wasserstein(sketch([-1e308]), sketch([1e308])), Undefined)


def test_a_baseline_without_moments_has_no_deviation_to_divide_by() -> None:
    """A stock statistics.json may lack std_dev."""
    baseline = Distribution(sketch=sketch(np.arange(100.0)).sketch)
    assert wasserstein_normalised(sketch(np.arange(100.0)), baseline) == Undefined("the baseline has no standard deviation")


def test_psi_adds_one_to_every_cell() -> None:
    """1.138599, where others say 2.03, 2.60 or infinity."""
    case = ORACLE["psi_laplace"]
    p, q = ({str(i): count for i, count in enumerate(case[side])} for side in "pq")
    assert population_stability_index(Distribution(counts=p), Distribution(counts=q)) == pytest.approx(case["value"], abs=1e-6)


@pytest.mark.parametrize("case", ORACLE["scenarios_normal"]["cases"], ids=str)
def test_the_ks_p_value_is_scipys(case: dict[str, Any]) -> None:
    """Scipy's exact p-value of the scenarios; where a column is longer than the sketch's k, as far as the sketch allows."""
    draws = []
    for mean, deviation, n in zip(case["mu"], case["sd"], case["n"], strict=True):
        np.random.seed(0)  # noqa: NPY002 the oracle's own draw
        draws.append(np.random.normal(mean, deviation, n))  # noqa: NPY002 as above
    found = ks_test(sketch(draws[0]), sketch(draws[1]))
    assert stats.ks_2samp(*draws).pvalue == pytest.approx(case["ks_p"], rel=1e-4)
    error = 0.0 if case["n"][0] <= 2048 else 2 * 0.0018
    true = stats.ks_2samp(*draws).statistic
    values = case["n"][0] // 2
    assert stats.kstwo.sf(true + error, values) * 0.99 <= found <= stats.kstwo.sf(true - error, values) * 1.01 + 0.02


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # scipy's, of a sample of one value
@given(st.lists(st.floats(-100, 100), min_size=5, max_size=60), st.lists(st.floats(-100, 100), min_size=5, max_size=60))
@settings(deadline=None)
def test_welchs_p_value_is_scipys(a: list[float], b: list[float]) -> None:
    """One-sided, so half of scipy's two-sided value; without spread there is none."""
    assume(max(np.ptp(a), np.ptp(b)) > 1e-3)
    found = t_test(sketch(a), sketch(b))
    assert found == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue / 2, abs=1e-9)


def test_a_difference_within_the_tolerance_is_none() -> None:
    """Means 1 apart: clear with tolerance 0, likely by chance with tolerance 1."""
    rng = np.random.default_rng(0)
    a, b = sketch(rng.normal(0, 1, 500)), sketch(rng.normal(1, 1, 500))
    assert t_test(a, b) < 1e-9
    assert t_test(a, b, tolerance=1.0) > 0.2


EMPTY = Distribution(sketch=Quantiles.empty(), moments=Moments())


def examples(comparison: Comparison) -> list[tuple[Distribution, Distribution]]:
    """An empty and a full side of every kind that the comparison is for."""
    kinds = []
    if comparison.applies_to is not AppliesTo.NUMERIC:
        kinds.append((Distribution(counts={}), Distribution(counts={"a": 500, "b": 300, "c": 200})))
    if comparison.applies_to is not AppliesTo.TEXT:
        kinds.append((EMPTY, sketch(np.arange(1000.0))))
    return kinds


@pytest.mark.parametrize("comparison", COMPARISONS.values(), ids=COMPARISONS)
def test_no_values_are_undefined_and_never_a_number(comparison: Comparison) -> None:
    """An empty window or baseline gives the reason, not 0 and not NaN."""
    for empty, full in examples(comparison):
        assert isinstance(comparison.function(empty, full), Undefined)
        assert isinstance(comparison.function(full, empty), Undefined)


@pytest.mark.parametrize("comparison", COMPARISONS.values(), ids=COMPARISONS)
def test_equal_distributions_are_no_drift(comparison: Comparison) -> None:
    """Every registered comparison is far from its threshold when both sides are the same."""
    for _, same in examples(comparison):
        value = comparison.function(same, same)
        assert not isinstance(value, Undefined)
        if comparison.default_threshold is None:
            assert value == 0
        else:
            assert not comparison.worse.breaches(value, comparison.default_threshold)
