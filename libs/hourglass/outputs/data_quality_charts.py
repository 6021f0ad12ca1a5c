"""What the charts of a data-quality report show: the shares of a column's values, of the window beside the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hourglass.comparisons import Distribution, aligned
from hourglass.comparisons.distribution import cumulative_shares
from hourglass.outputs.numbers import counted, told_apart
from hourglass.outputs.share_chart import Bar
from hourglass.states import ColumnProfile, Quantiles, ValueClasses
from hourglass.states.categories import number_name
from hourglass.values import Floats

_CELLS, _BARS = 12, 10
_SPIKES = 3  # numbers that have a bar of their own for what happened to them
_LEAST_SPIKE, _FEWEST_IN_A_SPIKE, _TIMES_OTHERS = 0.005, 10, 8
_FAR_OUT = 0.1  # of the other side's range
_NOTABLE = 0.5  # of the largest difference
NUMBERS = "whole numbers", "numbers with a fraction"
_CLASSES = {
    NUMBERS[0]: "integral",
    NUMBERS[1]: "fractional",
    "infinite numbers": "infinite",
    "texts": "string",
    "true and false": "boolean",
    "no value": "missing",
}


def value_bars(window: Distribution, baseline: Distribution) -> list[Bar]:
    """The shares of a column's values: of numbers by cells, of texts those that changed most; none where a side has no values."""
    if window.n == 0 or baseline.n == 0:
        return []
    if window.sketch is not None and baseline.sketch is not None:
        return _with_notable(_number_bars(window.sketch, baseline.sketch))
    if window.counts is not None and baseline.counts is not None:
        return _with_notable(_category_bars(*aligned(window, baseline)))
    return []


def class_bars(column: ColumnProfile, before: ColumnProfile | None) -> list[Bar]:
    """What a column's rows hold: numbers, texts, nothing; beside the baseline's where its states are known."""
    now, was = column.get(ValueClasses), before.states.get(ValueClasses.kind) if before is not None else None
    if not now.rows:
        return []
    bars = [
        Bar(name, getattr(now, key) / now.rows, before=getattr(was, key) / was.rows if isinstance(was, ValueClasses) and was.rows else None)
        for name, key in _CLASSES.items()
    ]
    return _with_notable(bar for bar in bars if bar.share or bar.before)


def _with_notable(bars: Iterable[Bar]) -> list[Bar]:
    """The bars, of which those that differ most from the baseline have another colour."""
    found = list(bars)
    largest = largest_difference(found)
    return [replace(bar, changed=bool(largest) and _difference(bar) >= _NOTABLE * largest) for bar in found]


def largest_difference(bars: Iterable[Bar]) -> float:
    """By how much a share differs from the baseline's at most; 0 where that is not known."""
    return max(map(_difference, bars), default=0.0)


def _difference(bar: Bar) -> float:
    return 0.0 if bar.before is None else abs(bar.share - bar.before)


def _number_bars(window: Quantiles, baseline: Quantiles) -> Iterator[Bar]:
    """Numbers in cells that hold about as many of both sides together; one that stands out, or is one of few, has its own.

    Cells by rank have no range that a single huge number could stretch.
    """
    points, first, second = cumulative_shares(window, baseline)
    alone = set(points[_stand_alone(points, first, second, window, baseline)].tolist())
    ranks = np.arange(1, _CELLS) / _CELLS
    ends = (
        {(float(end), True) for end in points[np.searchsorted((first + second) / 2, ranks - 1e-9)]} if len(alone) < len(points) else set()
    )
    cuts = sorted(ends | {(number, inclusive) for number in alone for inclusive in (False, True)})
    counts = [
        [0.0, *(float(side.counts_below(np.array([number]), inclusive=inclusive)[0]) / side.n for number, inclusive in cuts), 1.0]
        for side in (window, baseline)
    ]
    numbers = sorted({number for number, _ in cuts})
    texts = dict(zip(numbers, told_apart(numbers), strict=True))
    names = [None, *cuts, None]
    for place, (low, high) in enumerate(pairwise(names)):
        now, before = (of[place + 1] - of[place] for of in counts)
        if now or before:
            yield Bar(_cell_name(low, high, texts), now, before=before)


def _cell_name(low: tuple[float, bool] | None, high: tuple[float, bool] | None, texts: Mapping[float, str]) -> str:
    if low is None and high is not None:
        return f"{'up to' if high[1] else 'below'} {texts[high[0]]}"
    if high is None:
        return f"above {texts[low[0]]}" if low is not None else "all numbers"
    if low is not None and low[0] == high[0]:
        return f"exactly {texts[low[0]] if low[0].is_integer() else number_name(low[0]).replace('-', '−')}"
    return f"{texts[low[0]] if low is not None else ''} to {texts[high[0]]}"


def _stand_alone(points: Floats, first: Floats, second: Floats, window: Quantiles, baseline: Quantiles) -> npt.NDArray[np.bool_]:
    """Which numbers have a bar of their own: all of few; those that fill a cell; and some whose share changed and that stick out.

    Sticking out is to be far more frequent than the others of its side, or far from all numbers of the other side.
    """
    if len(points) <= _CELLS:
        return np.ones(len(points), np.bool_)
    sides = [(np.diff(of, prepend=0.0), of_whom, other) for of, of_whom, other in ((first, window, baseline), (second, baseline, window))]
    (now, _, _), (before, _, _) = sides
    spikes = np.zeros(len(points), np.bool_)
    for shares, side, other in sides:
        usual = float(np.median(shares[shares > 0]))
        room = _FAR_OUT * (other.maximum - other.minimum)
        far = (points < other.minimum - room) | (points > other.maximum + room)
        spikes |= (shares * side.n >= _FEWEST_IN_A_SPIKE) & ((shares >= _TIMES_OTHERS * usual) | far)
    changes = np.where(spikes & (np.abs(now - before) >= _LEAST_SPIKE), np.abs(now - before), 0.0)
    most = np.argsort(-changes, kind="stable")[:_SPIKES]
    found = (now + before) / 2 >= 1 / _CELLS
    found[most[changes[most] > 0]] = True
    return found


def _category_bars(window: Distribution, baseline: Distribution) -> Iterator[Bar]:
    """The categories whose shares changed most, and all others together."""
    mine, theirs = window.counts or {}, baseline.counts or {}
    shares = {value: (mine.get(value, 0) / window.n, theirs.get(value, 0) / baseline.n) for value in {**theirs, **mine}}
    ranked = sorted(shares, key=lambda value: (-abs(shares[value][0] - shares[value][1]), -max(shares[value]), value))
    for value in ranked[:_BARS]:
        yield Bar(value, shares[value][0], before=shares[value][1])
    rest = [shares[value] for value in ranked[_BARS:]]
    others = [
        sum(side) + of.other / of.n for side, of in zip(zip(*rest, strict=True) if rest else ((), ()), (window, baseline), strict=True)
    ]
    if any(others):
        name = "all others" if window.other or baseline.other else counted(len(rest), "other", "others")
        yield Bar(name, others[0], before=others[1])
