"""Sketches against Apache DataSketches and against exact results: same bytes, same answers, stated errors."""

import datasketches
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.errors import InputError
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


@pytest.mark.parametrize(("hours", "rows"), [(24, 17_000), (720, 1000)])
def test_hours_merged_at_once_are_nearer_than_the_stated_error(hours: int, rows: int) -> None:
    """Of ten windows none is off by more than 0.18 % at any rank, and 99 of 100 ranks by no more than 0.14 %.

    All hours have as many rows, so each keeps the same halves: the case in which roundings could add up.
    """
    worst, errors = [], []
    for seed in range(10):
        numbers = np.random.default_rng(seed).normal(np.arange(hours)[:, None] % 24 / 10, 1, (hours, rows))
        merged = Quantiles.merged([sketch_of(hour) for hour in numbers])
        ordered = np.sort(numbers, axis=None)
        wrong = np.abs(merged.counts_below(ordered, inclusive=True) - np.arange(1, len(ordered) + 1)) / len(ordered)
        worst.append(wrong.max())
        errors.append(wrong[:: len(ordered) // 100])
    assert max(worst) <= 0.0018
    assert np.quantile(np.concatenate(errors), 0.99) <= 0.0014


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([0, 1, 7, 2000, 30_000]), st.sampled_from(["normal", "few", "sorted"])), max_size=6
    )
)
def test_sketches_of_any_sizes_and_shapes_merge_within_the_error(parts: list[tuple[int, int, str]]) -> None:
    """Hours of a single row, of one value, in order, and far apart: n, ends and ranks hold."""
    shapes = {"normal": lambda rng, n: rng.normal(rng.integers(9), 1, n), "few": lambda rng, n: rng.integers(0, 3, n) * 1.0}
    made = [np.arange(n) + 1e6 * seed if shape == "sorted" else shapes[shape](np.random.default_rng(seed), n) for seed, n, shape in parts]
    merged = Quantiles.from_bytes(Quantiles.merged([sketch_of(numbers) for numbers in made]).to_bytes())
    ordered = np.sort(np.concatenate([np.empty(0), *made]))
    assert merged.n == len(ordered)
    if len(ordered):
        points = np.unique(ordered)
        wrong = np.abs(merged.counts_below(points, inclusive=True) - np.searchsorted(ordered, points, side="right")).max()
        assert wrong <= 0.002 * len(ordered)
        assert (merged.minimum, merged.maximum) == (ordered[0], ordered[-1])


def test_a_merged_sketch_holds_no_more_than_its_levels() -> None:
    """A month of hours leaves a sketch of ordinary size, and keeps none of the hours' arrays alive."""
    rng = np.random.default_rng(0)
    merged = Quantiles.merged([sketch_of(rng.normal(size=1000)) for _ in range(720)])
    assert len(merged.to_bytes()) < 60_000
    assert sum(level.nbytes if level.base is None else level.base.nbytes for level in merged.levels) < 60_000


def test_sketches_of_other_sizes_are_told_by_both_sizes() -> None:
    """Bytes of a sound sketch with another k or lgK are refused with its size and ours."""
    small = datasketches.kll_doubles_sketch(200)
    small.update(np.arange(1000.0))
    with pytest.raises(InputError, match=r"found k = 200; expected k = 2048, since states with different sketch sizes do not merge"):
        Quantiles.from_bytes(small.serialize())
    large = datasketches.kll_doubles_sketch(K)
    large.update(np.arange(5000.0))
    large.merge(small)
    with pytest.raises(InputError, match=r"found k = 200 in a part; expected k = 2048"):
        Quantiles.from_bytes(large.serialize())
    wide = datasketches.hll_sketch(14, datasketches.tgt_hll_type.HLL_8)
    for i in range(3000):
        wide.update(i)
    with pytest.raises(InputError, match=r"found lgK 14; expected lgK 12, since states with different sketch sizes do not merge"):
        Distinct.from_bytes(wide.serialize_updatable())


def test_sketches_of_other_kinds_are_refused() -> None:
    """Longs, floats and other families are no states, nor are items that are NaN or out of order."""
    floats = datasketches.kll_floats_sketch(K)
    floats.update(np.arange(5000, dtype=np.float32))
    other = datasketches.req_floats_sketch(12)
    other.update(np.arange(5000, dtype=np.float32))
    whole = sketch_of(np.arange(1000.0)).to_bytes()
    unsorted = whole[:-8] + np.array([-1.0]).tobytes()
    not_a_number = whole[:-8] + np.array([np.nan]).tobytes()
    for data in (floats.serialize(), other.serialize(), unsorted, not_a_number, whole + b"\0" * 8):
        with pytest.raises(InputError, match="stored state 'quantiles'"):
            Quantiles.from_bytes(data)
    few = datasketches.hll_sketch(12, datasketches.tgt_hll_type.HLL_8)  # keeps values one by one as yet
    few.update(1)
    four_bits = datasketches.hll_sketch(12, datasketches.tgt_hll_type.HLL_4)
    for i in range(3000):
        four_bits.update(i)
    for data in (few.serialize_compact(), four_bits.serialize_updatable(), whole):
        with pytest.raises(InputError, match="stored state 'distinct'"):
            Distinct.from_bytes(data)


def test_minus_zero_of_others_sketches_is_zero() -> None:
    """Others' sketches may hold -0.0: the order of merging does not show in the sign of a zero."""
    sketches = []
    for zeros in ([0.0, 1.0], [-0.0, 1.0]):
        theirs = datasketches.kll_doubles_sketch(K)
        theirs.update(np.array(zeros))
        sketches.append(Quantiles.from_bytes(theirs.serialize()))
    a, b = sketches
    assert (a + b).to_bytes() == (b + a).to_bytes()


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
