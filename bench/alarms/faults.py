"""The faults that are planted: 11 of distributions and 6 of data quality, each at three severities.

What was in the first benchmark of alarms has the severities that it had there; those of the others were written before anything
was measured. One was mended after the first run, for all rules alike: uniform categories are planted only where the categories are
not uniform already, since there they change nothing. A fault keeps a column's own number of decimals. Shares of rows are exact: at
least one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from data_sets import Array, Column

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator
DISTRIBUTION, QUALITY = "distribution", "data quality"
LEAST_CATEGORY = 0.05  # of a category that becomes less, or that a sub-population is made of
LEAST_MOVED = 0.1  # of the rows that a uniform choice of all would put into other categories
LEAST_STEPS = 5  # a rounding is to so many of a column's own steps at least
SENTINEL, TEXT, NEW = -999.0, "unknown", "a new one"


@dataclass(frozen=True)
class Fault:
    """A fault: of which columns, at which severities, and what it makes of a column's window."""

    name: str
    group: str
    severities: tuple[float, float, float]
    fits: Callable[[Column], bool]
    plant: Callable[[Array, float, Generator, Column], Array] | None  # None: rows of a sub-population


def _rows(count: int, share: float, random: Generator) -> npt.NDArray[np.intp]:
    return random.choice(count, max(1, round(share * count)), replace=False)


def _numbers(change: Callable[[Floats, float, Generator, Column], Floats]) -> Callable[[Array, float, Generator, Column], Array]:
    """A change of the numbers that are there."""

    def plant(values: Array, severity: float, random: Generator, column: Column) -> Array:
        there = ~np.isnan(values)
        found = values.copy()
        changed = change(values[there], severity, random, column)
        found[there] = changed if column.decimals is None else changed.round(column.decimals)
        return found

    return plant


def _some(to: Callable[[int, Generator, Column], object]) -> Callable[[Array, float, Generator, Column], Array]:
    """Some rows become another thing."""

    def plant(values: Array, severity: float, random: Generator, column: Column) -> Array:
        found = values.copy()
        rows = _rows(len(values), severity, random)
        found[rows] = to(len(rows), random, column)
        return found

    return plant


def _cut(numbers: Floats, share: float, _: Generator, __: Column) -> Floats:
    return np.minimum(numbers, np.quantile(numbers, 1 - share)) if len(numbers) else numbers


def _two_groups(numbers: Floats, share: float, random: Generator, column: Column) -> Floats:
    found = numbers.copy()
    if len(found):
        found[_rows(len(found), share, random)] += 2 * column.deviation
    return found


def _bent(numbers: Floats, by: float, _: Generator, __: Column) -> Floats:
    """Of rank u, from 0 to 1, the number of rank u to the power of 1 + by: more small ones."""
    ordered, ranks = np.sort(numbers), np.argsort(np.argsort(numbers, kind="stable"), kind="stable")
    places = ((ranks + 0.5) / max(1, len(numbers))) ** (1 + by) * len(numbers)
    return ordered[places.astype(np.intp)] if len(numbers) else numbers


def _first(column: Column) -> str:
    return max(column.counts, key=lambda name: column.counts[name])


def _less(values: Array, share: float, random: Generator, name: str) -> Array:
    """A share of the rows of a category go to others, as these are frequent."""
    mine = np.flatnonzero(values == name)
    others = np.flatnonzero([value is not None and value != name for value in values])
    found = values.copy()
    if len(mine) and len(others):
        gone = mine[_rows(len(mine), share, random)]
        found[gone] = values[random.choice(others, len(gone))]
    return found


def other_category(column: Column, random: Generator, least: float = 0.0) -> str:
    """A category by lot, not the most frequent, of those with the least share; the second most frequent where there is none."""
    first, total = _first(column), sum(column.counts.values())
    names = [name for name in column.counts if name != first]
    large = [name for name in names if column.counts[name] >= least * total]
    return str(random.choice(large or [max(names, key=lambda name: column.counts[name])]))


def _stuck(values: Array, share: float, random: Generator, _: Column) -> Array:
    found = values.copy()
    there = values[~np.isnan(values)]
    if len(there):
        found[_rows(len(values), share, random)] = random.choice(there)
    return found


def _text(values: Array, share: float, random: Generator, column: Column) -> Array:
    decimals = column.decimals
    written = [None if np.isnan(value) else f"{value:.{decimals}f}" if decimals is not None else repr(float(value)) for value in values]
    found = np.array(written, np.object_)
    found[_rows(len(found), share, random)] = TEXT
    return found


def step(column: Column, deviations: float) -> float:
    """The next of 1, 2, 5, 10, 20, … that is not below so many deviations."""
    least = deviations * column.deviation
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-12)))


def _roundable(column: Column) -> bool:
    return column.spread and (column.decimals is None or step(column, 0.25) >= LEAST_STEPS * 10.0**-column.decimals)


def _spread(column: Column) -> bool:
    return column.spread


def _categorical(column: Column) -> bool:
    return column.categorical


def _uneven(column: Column) -> bool:
    """Whether categories differ in their shares: elsewhere a uniform choice changes nothing."""
    if not column.categorical:
        return False
    shares = np.array([*column.counts.values()]) / sum(column.counts.values())
    return float(np.abs(shares - 1 / len(shares)).sum() / 2) >= LEAST_MOVED


def _numeric(column: Column) -> bool:
    return column.numeric


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("shift", DISTRIBUTION, (0.1, 0.25, 0.5), _spread, _numbers(lambda x, by, _, column: x + by * column.deviation)),
        Fault(
            "scale", DISTRIBUTION, (1.1, 1.25, 1.5), _spread, _numbers(lambda x, by, *_: x.mean() + (x - x.mean()) * by if len(x) else x)
        ),
        Fault("other unit", DISTRIBUTION, (1.05, 1.15, 1.5), _spread, _numbers(lambda x, by, *_: x * by)),
        Fault("cut off", DISTRIBUTION, (0.05, 0.1, 0.25), _spread, _numbers(_cut)),
        Fault("two groups", DISTRIBUTION, (0.05, 0.1, 0.25), _spread, _numbers(_two_groups)),
        Fault("bent", DISTRIBUTION, (0.1, 0.25, 0.5), _spread, _numbers(_bent)),
        Fault(
            "uniform categories",
            DISTRIBUTION,
            (0.05, 0.1, 0.25),
            _uneven,
            _some(lambda n, random, column: random.choice(np.array([*column.counts], np.object_), n)),
        ),
        Fault("the first category less", DISTRIBUTION, (0.15, 0.3, 0.6), _categorical, lambda v, by, r, c: _less(v, by, r, _first(c))),
        Fault(
            "one category less",
            DISTRIBUTION,
            (0.3, 0.6, 1.0),
            _categorical,
            lambda v, by, r, c: _less(v, by, r, other_category(c, r, LEAST_CATEGORY)),
        ),
        Fault("one category more", DISTRIBUTION, (0.03, 0.06, 0.15), _categorical, _some(lambda _, random, c: other_category(c, random))),
        Fault("sub-population", DISTRIBUTION, (0.1, 0.25, 0.5), lambda column: column.spread or column.categorical, None),
        Fault(
            "missing",
            QUALITY,
            (0.02, 0.05, 0.15),
            lambda _: True,
            _some(lambda _, __, column: np.nan if column.numeric else None),
        ),
        Fault("sentinel", QUALITY, (0.02, 0.05, 0.15), _spread, _some(lambda *_: SENTINEL)),
        Fault("stuck", QUALITY, (0.05, 0.1, 0.25), _spread, _stuck),
        Fault("text in numbers", QUALITY, (0.02, 0.05, 0.15), _numeric, _text),
        Fault("rounded", QUALITY, (0.25, 0.5, 1.0), _roundable, lambda v, by, _, c: np.round(v / step(c, by)) * step(c, by)),
        Fault("a new category", QUALITY, (0.01, 0.03, 0.1), _categorical, _some(lambda *_: NEW)),
    )
}


def sub_population(column: Column, rows: npt.NDArray[np.intp], random: Generator) -> npt.NDArray[np.intp]:
    """Of some rows those whose number is in the upper fifth, or that have a category by lot."""
    values = column.values[rows]
    if column.numeric:
        return rows[values >= np.quantile(column.numbers, 0.8)]
    return rows[values == other_category(column, random, LEAST_CATEGORY)]
