"""Sketches are plain Apache DataSketches: the Java library that Spark carries reads ours, and we read what it writes.

Spark 3.5 has datasketches-java 3.3.0, Spark 4.1 has 6.2.0. Both know KLL over doubles and HLL, and the calls here are
in both. Their defaults differ in whether a rank counts the point itself, so points are asked for that are no items.
The older one reads only bytes that are flagged as doubles; neither the newer one nor the C++ library needs or minds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hourglass.states import Distinct, Quantiles
from hourglass.states.quantiles import K
from hourglass.values import Values

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

POINTS = np.array([-50.0, 4.0000001, 9.9999999, 11.5000001, 17.0000001, 50.0])
RANKS = (0.01, 0.25, 0.5, 0.9, 0.99)


@pytest.fixture
def java(spark: SparkSession) -> Any:
    """The library's packages in Spark's own Java machine."""
    return spark._jvm.org.apache.datasketches


def numbers_of(n: int) -> np.ndarray:
    """Doubles in no order, the same at every run."""
    return np.random.default_rng(n).normal(10, 3, n)


def state_of(cls: type, numbers: np.ndarray) -> Any:
    """The sum of a day's hours."""
    states = []
    for part in np.array_split(numbers, 24):
        states.append(cls.empty())
        states[-1].update(Values(len(part), numbers=part))
    return cls.merged(states)


def assert_same(theirs: Any, ours: Quantiles) -> None:
    """Count, ends, ranks and quantiles are the same in both libraries."""
    assert (theirs.getN(), theirs.getK()) == (ours.n, K)
    if ours.n == 0:
        return
    assert (theirs.getQuantile(0.0), theirs.getQuantile(1.0)) == (ours.minimum, ours.maximum)
    ranks = [theirs.getRank(float(point)) * ours.n for point in POINTS]
    assert ranks == pytest.approx(ours.counts_below(POINTS, inclusive=True).tolist())
    found = np.array([theirs.getQuantile(rank) for rank in RANKS])
    heaviest = 1 << (len(ours.levels) - 1)
    assert (ours.counts_below(found, inclusive=False) <= np.array(RANKS) * ours.n + heaviest).all()
    assert (ours.counts_below(found, inclusive=True) >= np.array(RANKS) * ours.n - heaviest).all()


@pytest.mark.parametrize("n", [0, 1, 2000, 300_000])
def test_java_reads_our_quantiles(java: Any, n: int) -> None:
    """A merged sketch of any size is a KllDoublesSketch."""
    ours = state_of(Quantiles, numbers_of(n))
    assert_same(java.kll.KllDoublesSketch.heapify(java.memory.Memory.wrap(ours.to_bytes())), ours)


@pytest.mark.parametrize("n", [0, 1, 2000, 6000])
def test_quantiles_that_java_wrote_are_read(java: Any, n: int) -> None:
    """Its lowest level is in no order, and the library is free to halve what it likes: the answers are the same."""
    theirs = java.kll.KllDoublesSketch.newHeapInstance(K)
    for number in numbers_of(n).tolist():
        theirs.update(number)
    ours = Quantiles.from_bytes(bytes(theirs.toByteArray()))
    assert_same(theirs, ours)
    assert (ours + ours).n == 2 * n


@pytest.mark.parametrize("n", [0, 5, 300_000])
def test_java_reads_our_distinct_counts(java: Any, n: int) -> None:
    """The registers are an HllSketch of eight bits; both estimates are within five standard errors."""
    ours = state_of(Distinct, numbers_of(n))
    theirs = java.hll.HllSketch.heapify(ours.to_bytes())
    assert theirs.getLgConfigK() == 12
    assert theirs.getEstimate() == pytest.approx(n, rel=5 * 1.04 / 64, abs=0.5)
    assert ours.estimate == pytest.approx(n, rel=5 * 1.04 / 64, abs=0.5)
    assert bytes(theirs.toUpdatableByteArray())[40:] == ours.to_bytes()[40:]


def test_distinct_counts_that_java_wrote_are_read(java: Any) -> None:
    """The registers that its hashes filled give us the number that it gives."""
    theirs = java.hll.HllSketch(12, java.hll.TgtHllType.HLL_8)
    for number in numbers_of(6000).tolist():
        theirs.update(number)
    ours = Distinct.from_bytes(bytes(theirs.toUpdatableByteArray()))
    assert ours.estimate == pytest.approx(6000, rel=5 * 1.04 / 64)
    assert ours.estimate == pytest.approx(theirs.getEstimate(), rel=5 * 1.04 / 64)
