"""How much a metric varies by chance: draws of rows, made in the cells of a table instead of among the rows."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hourglass.undefined import Undefined
from hourglass.values import Counts, Floats

_AT_ONCE = 1 << 21  # cells drawn at a time: 16 MB


@dataclass(frozen=True)
class Bootstrap:
    """How rows are drawn: so many times a share of them with replacement; no deviation below `least_rows`.

    The contract's are 5 draws of 80 %, from 200 rows on. Five draws give a deviation that is right to a third.
    """

    draws: int = 5
    share: float = 0.8
    seed: int = 0
    least_rows: int = 200


def draw_cells(counts: Counts, bootstrap: Bootstrap) -> Iterator[Counts]:
    """Draws of the counts of a table's cells, in blocks of some draws each: the first axis is the draws.

    Rows drawn with replacement fall into the cells by a multinomial distribution with the cells' shares, so drawing in
    the table is drawing rows, at the cost of its cells. The same seed and table give the same draws, however many cells there
    are at once; other tables have other draws, so that chance does not lean all windows to one side. No rows have no draws.

    >>> (block,) = draw_cells(np.array([500, 500]), Bootstrap(draws=3))
    >>> block.shape, set(block.sum(axis=1).tolist())
    ((3, 2), {800})
    """
    n = int(counts.sum())
    if n == 0:
        return
    random = np.random.default_rng([bootstrap.seed, zlib.crc32(counts.astype("<i8").tobytes())])
    shares = counts / n
    at_once = max(1, _AT_ONCE // len(counts))
    for start in range(0, bootstrap.draws, at_once):
        yield random.multinomial(round(bootstrap.share * n), shares, size=min(at_once, bootstrap.draws - start))


def deviation(values: Floats, rows: int, bootstrap: Bootstrap) -> float | Undefined:
    """Standard deviation (n - 1) of a metric over the draws in which it is defined; undefined below the least rows.

    >>> deviation(np.array([1.0, 2.0, 3.0, np.nan]), 200, Bootstrap())
    1.0
    >>> deviation(np.array([1.0, 2.0, 3.0]), 199, Bootstrap())
    Undefined(reason='199 rows; a deviation takes 200')
    """
    if rows < bootstrap.least_rows:
        return Undefined(f"{rows} rows; a deviation takes {bootstrap.least_rows}")
    found = values[np.isfinite(values)]
    # where a rare class is missing from most draws, those that have it say little of the rest
    if len(found) < 2 or 2 * len(found) < len(values):
        return Undefined(f"defined in {len(found)} of {len(values)} draws")
    return float(found.std(ddof=1))
