"""How long the bias of a window takes: `python bench/bias.py`.

A thousand draws of all metrics of ten facets (goal: 1 s), whether they are ten values of one facet or ten facets of two; what
counting costs in the pass, and adding up 720 hours. Processor time, on one core; medians of several runs, in milliseconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "libs"))

import numpy as np
import pyarrow as pa

from hourglass.bias import BIAS_BOOTSTRAP, BIAS_METRICS, BiasReport, FacetValue, FlipRows, measure_bias
from hourglass.quality import Bootstrap
from hourglass.states import FacetCounts

ROWS, BLOCK = 1_000_000, 50_000
SEVENTY = 74  # groups: the ages of UCI Adult


def milliseconds(work: Callable[[], object], runs: int = 7) -> float:
    """The median time of some runs, after one that is not counted."""
    work()
    times = []
    for _ in range(runs):
        start = process_time()
        work()
        times.append(1000 * (process_time() - start))
    return median(times)


def column(size: int, random: np.random.Generator, rows: int = ROWS) -> pa.StringArray:
    """Texts of so many values."""
    return pa.array([str(i) for i in range(size)]).take(pa.array(random.integers(0, size, rows)))


def counts(facets: dict[str, int], groups: int, random: np.random.Generator, rows: int = ROWS) -> FacetCounts:
    """Rows of facets with so many values each, a binary label and a binary prediction."""
    state = FacetCounts.empty()
    columns = {name: column(size, random, rows) for name, size in facets.items()}
    group, label, predicted = (column(size, random, rows) for size in (groups, 2, 2))
    feed(state, columns, group, label, predicted)
    return state


def feed(state: FacetCounts, facets: dict[str, pa.StringArray], *columns: pa.StringArray) -> FacetCounts:
    """Rows in blocks, as a pass gives them."""
    for start in range(0, len(columns[0]), BLOCK):
        state.update({name: values.slice(start, BLOCK) for name, values in facets.items()}, *(c.slice(start, BLOCK) for c in columns))
    return state


def all_of(state: FacetCounts, bootstrap: Bootstrap, *, one_side: bool) -> list[BiasReport]:
    """Every facet of a state: all of its values, or one of them."""
    return [measure_bias(state, facet, [FacetValue.of("0")] if one_side else None, {"1"}, bootstrap) for facet in state.facets]


def lines() -> Iterator[tuple[str, float]]:
    """What is measured, and its milliseconds."""
    random = np.random.default_rng(0)
    for groups in (1, 5, SEVENTY):
        ten_values = counts({"a": 10}, groups, random)
        ten_facets = counts({f"f{i}": 2 for i in range(10)}, groups, random)
        for draws in (5, 1000):
            bootstrap = Bootstrap(draws=draws, least_rows=0)
            title = f"{draws:,} draws x {len(BIAS_METRICS) - 1} metrics x 10"
            yield f"{title} values of a facet, {groups} groups", milliseconds(lambda: all_of(ten_values, bootstrap, one_side=False))  # noqa: B023 run before the next turn
            yield f"{title} facets of two values, {groups} groups", milliseconds(lambda: all_of(ten_facets, bootstrap, one_side=True))  # noqa: B023 the same
    wide = counts({"a": 1000}, 1000, random)
    yield (
        "the same of 1,000 values and 1,000 groups, one of the values, 5 draws",
        milliseconds(lambda: all_of(wide, Bootstrap(draws=5, least_rows=0), one_side=True), runs=3),
    )
    for name, sizes, groups in (("one facet", {"a": 2}, SEVENTY), ("ten facets", {f"f{i}": 2 for i in range(10)}, SEVENTY)):
        columns = {facet: column(size, random) for facet, size in sizes.items()}
        rest = [column(size, random) for size in (groups, 2, 2)]
        yield f"{ROWS:,} rows counted by {name}, {groups} groups", milliseconds(lambda: feed(FacetCounts.empty(), columns, *rest), runs=3)  # noqa: B023 the same
    million = pa.array([f"customer {i}" for i in range(ROWS)])
    columns = {"a": column(2, random)}
    rest = [million, column(2, random), column(2, random)]
    yield f"{ROWS:,} rows counted by one facet, a group a row", milliseconds(lambda: feed(FacetCounts.empty(), columns, *rest), runs=3)
    stored = [counts({"Sex": 2, "Race": 5, "Sex & Race": 10}, SEVENTY, random, 10_000).to_bytes() for _ in range(24)] * 30
    yield (
        f"720 hours of 3 facets read and added up, {len(stored[0]):,} bytes each",
        milliseconds(lambda: FacetCounts.merged([FacetCounts.from_bytes(data) for data in stored]), runs=3),
    )
    n = 5000
    sample = FlipRows(random.random((n, 20)), {"a": ["0", "1"] * (n // 2)}, ["1", "0", "0", "1"] * (n // 4))
    small = counts({"a": 2}, 1, random, n)
    yield (
        f"flip test of {n:,} rows with 20 features",
        milliseconds(lambda: measure_bias(small, "a", [FacetValue.of("0")], sample=sample, bootstrap=BIAS_BOOTSTRAP), runs=3),
    )


if __name__ == "__main__":
    for title, took in lines():
        print(f"{took:10.1f} ms  {title}")
