"""Sketches against Apache DataSketches and against exact results: same bytes, same answers, stated errors."""

import datasketches
import numpy as np
import pyarrow as pa
import pytest

from hourglass.states import Distinct, Quantiles
from hourglass.states.quantiles import K
from hourglass.values import Values, classify

SIZES = [0, 1, 2, 5, K, K + 1, 2333, 50_000, 400_000]


def sketch_of(numbers: np.ndarray, block: int = 17_000) -> Quantiles:
    """A sketch fed block by block."""
    sketch = Quantiles.empty()
    for start in range(0, len(numbers), block):
        part = numbers[start : start + block]
        sketch.update(Values(len(part), numbers=part))
    return sketch


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shape", ["normal", "few values", "sorted"])
def test_quantile_bytes_are_a_datasketches_sketch(n: int, shape: str) -> None:
    """Apache's library reads our bytes and gives the same count, ends and ranks."""
    rng = np.random.default_rng(n)
    numbers = {"normal": rng.normal(size=n), "few values": rng.integers(0, 9, n).astype(float), "sorted": np.arange(n, dtype=float)}[shape]
    ours = sketch_of(numbers)
    theirs = datasketches.kll_doubles_sketch.deserialize(ours.to_bytes())
    assert (theirs.n, theirs.k) == (n, K)
    if n:
        points = np.quantile(numbers, [0, 0.01, 0.25, 0.5, 0.9, 1])
        assert (theirs.get_min_value(), theirs.get_max_value()) == (numbers.min(), numbers.max())
        assert [theirs.get_rank(point, True) * n for point in points] == pytest.approx(ours.counts_below(points, inclusive=True).tolist())


@pytest.mark.parametrize("n", SIZES)
def test_a_datasketches_sketch_is_read(n: int) -> None:
    """Bytes that Apache's library wrote are a state of ours."""
    numbers = np.random.default_rng(n).normal(size=n)
    theirs = datasketches.kll_doubles_sketch(K)
    theirs.update(numbers)
    ours = Quantiles.from_bytes(theirs.serialize())
    assert ours.n == n
    points = np.linspace(-2, 2, 9)
    expected = [theirs.get_rank(point, True) * n if n else 0 for point in points]
    assert ours.counts_below(points, inclusive=True).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("n", SIZES[1:])
def test_ranks_are_within_the_stated_error(n: int) -> None:
    """The rank error is below 0.2 % at every value, and none until the first compaction."""
    numbers = np.random.default_rng(7).gamma(2, size=n)
    ordered = np.sort(numbers)
    counts = sketch_of(numbers).counts_below(ordered, inclusive=True)
    worst = int(np.abs(counts - np.searchsorted(ordered, ordered, side="right")).max())
    assert worst <= 0.002 * n
    assert n > K or worst == 0


def test_merging_many_hours_keeps_the_error() -> None:
    """The sum of 720 hours is as good as one sketch of all rows."""
    rng = np.random.default_rng(0)
    hours = [rng.normal(hour % 24, 1, 2000) for hour in range(720)]
    merged = Quantiles.empty()
    for hour in hours:
        merged += sketch_of(hour)
    ordered = np.sort(np.concatenate(hours))
    counts = merged.counts_below(ordered, inclusive=True)
    assert np.abs(counts - np.searchsorted(ordered, ordered, side="right")).max() <= 0.002 * len(ordered)
    assert len(merged.to_bytes()) < 60_000


def test_quantiles_of_few_numbers_are_exact() -> None:
    """Up to k numbers the sketch holds them all."""
    sketch = sketch_of(np.arange(1, 101, dtype=float))
    assert [sketch.quantile(rank) for rank in (0, 0.01, 0.5, 0.99, 1)] == [1, 1, 50, 99, 100]
    assert np.isnan(Quantiles.empty().quantile(0.5))


@pytest.mark.parametrize("n", [0, 1, 100, 4096, 20_000, 300_000])
@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_distinct_bytes_are_a_datasketches_sketch(n: int, kind: str) -> None:
    """Apache's library reads our registers, and both estimates are within five standard errors."""
    state = Distinct.empty()
    state.update(classify(pa.array(np.arange(n) * 0.37) if kind == "numbers" else pa.array([f"id-{i}" for i in range(n)], pa.string())))
    theirs = datasketches.hll_sketch.deserialize(state.to_bytes())
    assert state.estimate == pytest.approx(n, rel=5 * 1.04 / 64, abs=0.5)
    assert theirs.get_estimate() == pytest.approx(n, rel=5 * 1.04 / 64, abs=0.5)
    assert theirs.lg_config_k == 12


def test_distinct_counts_numbers_and_texts_together() -> None:
    """A column's numbers and its texts are different values."""
    state = Distinct.empty()
    state.update(classify(["1", "1.0", "a", "b", "a", "", None]))
    assert round(state.estimate) == 3
