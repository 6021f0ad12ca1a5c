"""Which rows stand for the data, of data that are not well-behaved."""

from __future__ import annotations

import numpy as np
import pytest

from hourglass.attribution.chosen_background import chosen_background


def test_rows_that_are_the_same_are_one_with_their_share() -> None:
    """Two kinds of row of which the first is a quarter, where ten were asked for."""
    found = chosen_background({"age": [40.0, 41.0, 41.0, 41.0] * 20, "debt": [0.0] * 80}, ("age", "debt"), 10, 0)
    assert (found.rows, found.weights) == (((40.0, 0.0), (41.0, 0.0)), (0.25, 0.75))


@pytest.mark.parametrize("columns", [{"age": [40.0] * 60}, {"age": [None] * 60}, {"age": [0.1] * 60}, {"age": [5e-324, 0.0] * 30}], ids=str)
def test_features_that_do_not_vary_warn_of_nothing(columns: dict[str, list[float | None]]) -> None:
    """One row of each value; a warning would fail."""
    found = chosen_background(columns, ("age",), 10, 0)
    assert [row[0] for row in found.rows] == list(dict.fromkeys(columns["age"]))
    assert sum(found.weights) == pytest.approx(1.0)


def test_more_rows_than_clusters_of_few_points_warn_of_nothing() -> None:
    """Clusters that are drawn from points with many repetitions."""
    random = np.random.default_rng(0)
    for seed in range(20):
        columns = {"age": random.integers(0, 12, 300).astype(float).tolist(), "debt": [0.0] * 299 + [1.0]}
        found = chosen_background(columns, ("age", "debt"), 10, seed)
        assert 1 < len(found.rows) <= 10
        assert sum(found.weights) == pytest.approx(1.0)


def test_numbers_near_the_largest_are_told_apart() -> None:
    """1e307 and 1.7e308, whose sum is none; the small numbers beside them as well."""
    values = [1e307, 1.7e308, -1.7e308] * 30
    found = chosen_background({"debt": values, "age": [1.0, 2.0] * 45}, ("debt", "age"), 6, 0)
    assert {*found.rows} == {(debt, age) for debt in values for age in (1.0, 2.0)}


def test_each_of_some_groups_has_a_row() -> None:
    """Three groups of which one is a tenth: a row of each, weighted by its size."""
    random = np.random.default_rng(0)
    middles = np.repeat([0.0, 100.0, 200.0], [60, 30, 10])
    found = chosen_background({"age": (middles + random.normal(0, 1, 100)).tolist()}, ("age",), 3, 0)
    by_group = sorted((round(float(row[0] or 0) / 100), weight) for row, weight in zip(found.rows, found.weights, strict=True))
    assert by_group == [(0, 0.6), (1, 0.3), (2, 0.1)]
