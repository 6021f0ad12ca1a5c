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
from hourglass.comparisons.jensen_shannon import jensen_shannon
from hourglass.comparisons.ks_test import ks_test
from hourglass.comparisons.linf_robust import correction_for, linf_robust, robust
from hourglass.comparisons.linf_simple import linf_simple
from hourglass.comparisons.population_stability_index import population_stability_index
from hourglass.comparisons.t_test import t_test
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
    simple = linf_simple(a, b)
    found = {
        "linf_simple": simple,
        "linf_robust": linf_robust(a, b),
        "linf_robust_alpha_0.003": robust(simple, a.n, b.n, correction_for(0.003)),
        "linf_robust_alpha_0.1": robust(simple, a.n, b.n, correction_for(0.1)),
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
        assert not comparison.worse.breaches(value, comparison.default_threshold)
