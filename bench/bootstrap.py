"""How long the deviations of a model's metrics take: `python bench/bootstrap.py`.

A thousand draws of a confusion table with all its metrics (goal: 50 ms), of scores, and what the replicates of a
regression cost in the pass. On one core; medians of several runs, in milliseconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "libs"))

import numpy as np
import pyarrow as pa

from hourglass.quality import Bootstrap, Problem, measure_quality
from hourglass.states import Confusion, Errors, Scores

ROWS = 1_000_000
THOUSAND = Bootstrap(draws=1000)


def milliseconds(work: Callable[[], object], runs: int = 15) -> float:
    """The median time of some runs, after one that is not counted."""
    work()
    times = []
    for _ in range(runs):
        start = perf_counter()
        work()
        times.append(1000 * (perf_counter() - start))
    return median(times)


def table(classes: int, random: np.random.Generator) -> Confusion:
    """A million rows, of which eight in ten are predicted right."""
    actual = random.integers(0, classes, ROWS)
    predicted = np.where(random.random(ROWS) < 0.8, actual, random.integers(0, classes, ROWS))
    names = pa.array([str(i) for i in range(classes)])
    state = Confusion.empty()
    state.update(names.take(pa.array(actual)), names.take(pa.array(predicted)))
    return state


def lines() -> Iterator[tuple[str, float]]:
    """What is measured, and its milliseconds."""
    random = np.random.default_rng(0)
    for classes, problem in ((2, Problem.BINARY), (2, Problem.MULTICLASS), (10, Problem.MULTICLASS), (30, Problem.MULTICLASS)):
        states = {Confusion.kind: table(classes, random)}
        yield (
            f"1,000 draws, {problem}, {classes} classes, all metrics",
            milliseconds(lambda: measure_quality(states, problem, bootstrap=THOUSAND)),  # noqa: B023 run before the next turn
        )
    given_scores = random.random(ROWS)
    truth = random.random(ROWS) < given_scores
    scores = Scores.empty()
    scores.update(truth, given_scores)
    states = {Confusion.kind: table(2, random), Scores.kind: scores}
    for draws in (5, 1000):
        bootstrap = Bootstrap(draws=draws)
        yield (
            f"{draws:,} draws, {Problem.BINARY} with 65,536 points of scores",
            milliseconds(lambda: measure_quality(states, Problem.BINARY, bootstrap=bootstrap), runs=3),  # noqa: B023 the same
        )
    y, ids = random.normal(size=ROWS), random.integers(0, 2**64, ROWS, np.uint64)
    guess = y + random.normal(size=ROWS)
    for replicates in (0, 5, 100):
        yield (
            f"{ROWS:,} rows into errors with {replicates} replicates, blocks of 50,000",
            milliseconds(lambda: _feed(Errors.empty(replicates), y, guess, ids), runs=3),  # noqa: B023 the same
        )
    yield f"{ROWS:,} rows into scores, blocks of 50,000", milliseconds(lambda: _feed_scores(truth, given_scores), runs=3)


def _feed(state: Errors, *columns: np.ndarray) -> None:
    for start in range(0, ROWS, 50_000):
        state.update(*(column[start : start + 50_000] for column in columns))


def _feed_scores(truth: np.ndarray, given_scores: np.ndarray) -> None:
    state = Scores.empty()
    for start in range(0, ROWS, 50_000):
        state.update(truth[start : start + 50_000], given_scores[start : start + 50_000])
    state.to_bytes()


if __name__ == "__main__":
    for title, took in lines():
        print(f"{took:10.1f} ms  {title}")
