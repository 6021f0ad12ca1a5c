"""Rows as plain lists, the counts that are made of them, and every metric row by row, as formulas in books are."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from hourglass.bias import FacetValue, ValueBias, measure_bias
from hourglass.quality import Bootstrap
from hourglass.states import FacetCounts

NO_DRAWS = Bootstrap(draws=0)
Row = tuple[str | None, str | None, str | None, str | None]  # facet, group, label, prediction


def counts(rows: list[Row]) -> FacetCounts:
    """The state of rows with one facet, `f`."""
    facet, group, label, predicted = (pa.array([row[place] for row in rows], pa.string()) for place in range(4))
    state = FacetCounts.empty()
    state.update({"f": facet}, group, label, predicted)
    return state


def repeated(cells: dict[Row, int]) -> list[Row]:
    """Rows by how often each is there."""
    return [row for row, n in cells.items() for _ in range(n)]


def bias(rows: list[Row], d: str = "d", **options: Any) -> ValueBias:
    """All metrics of a facet's value."""
    options = {"bootstrap": NO_DRAWS, "positive": {"1"}, **options}
    return measure_bias(counts(rows), "f", [FacetValue.of(d)], **options).values[0]


def over(x: float, y: float) -> float:
    """0 / 0 is 0, x / 0 infinite."""
    return (0.0 if x == 0 else math.copysign(math.inf, x)) if y == 0 else x / y


def slowly(rows: list[Row], positive: set[str], d: set[str], a: set[str] | None = None) -> dict[str, float | None]:
    """Every metric but the flip test by going through the rows; None where it has no value."""
    side_d = [row for row in rows if row[0] in d]
    side_a = [row for row in rows if row[0] is not None and row[0] not in d and (a is None or row[0] in a)]

    def n(side: list[Row], label: bool | None = None, predicted: bool | None = None, group: Any = all) -> int:
        """Rows with a label (a prediction) that is positive, or not; None is any, also none."""
        return sum(
            (label is None or (row[2] is not None and (row[2] in positive) == label))
            and (predicted is None or (row[3] is not None and (row[3] in positive) == predicted))
            and (group is all or row[1] == group)
            for row in side
        )

    labelled, predicted = ([[row for row in side if row[place] is not None] for side in (side_d, side_a)] for place in (2, 3))
    both = [[row for row in side if row[2] is not None and row[3] is not None] for side in (side_d, side_a)]
    found: dict[str, float | None] = {}
    grouped = any(row[1] is not None for row in rows)
    if all(labelled):
        (l_d, l_a), (n_d, n_a) = labelled, map(len, labelled)
        found["CI"] = (n_a - n_d) / (n_a + n_d)
        found["DPL"] = n(l_a, label=True) / n_a - n(l_d, label=True) / n_d
        classes = {row[2] for row in l_d + l_a}
        p_a, p_d = ([sum(row[2] == c for row in side) / len(side) for c in classes] for side in (l_a, l_d))
        found["KL"] = max(0.0, kl(p_a, p_d))
        mean = [(p + q) / 2 for p, q in zip(p_a, p_d, strict=True)]
        found["JS"] = (kl(p_a, mean) + kl(p_d, mean)) / 2
        apart = [abs(p - q) for p, q in zip(p_a, p_d, strict=True)]
        found["LP"], found["TVD"], found["KS"] = math.sqrt(sum(x * x for x in apart)), sum(apart) / 2, max(apart)
        if grouped:
            found["CDDL"] = disparity(l_d, l_d + l_a, lambda side, outcome, group: n(side, label=outcome, group=group))
    if all(predicted):
        (p_d, p_a), (n_d, n_a) = predicted, map(len, predicted)
        q_a, q_d = n(p_a, predicted=True) / n_a, n(p_d, predicted=True) / n_d
        found["DPPL"], found["DI"] = q_a - q_d, over(q_d, q_a)
        if grouped:
            found["CDDPL"] = disparity(p_d, p_d + p_a, lambda side, outcome, group: n(side, predicted=outcome, group=group))
    if all(both):
        outcomes = (True, True), (False, True), (True, False), (False, False)
        tp, fp, fn, tn = ([n(side, actual, guess) for side in both] for actual, guess in outcomes)
        found["DCA"] = over(tp[1] + fn[1], tp[1] + fp[1]) - over(tp[0] + fn[0], tp[0] + fp[0])
        found["DCR"] = over(tn[0] + fp[0], tn[0] + fn[0]) - over(tn[1] + fp[1], tn[1] + fn[1])
        found["RD"] = over(tp[1], tp[1] + fn[1]) - over(tp[0], tp[0] + fn[0])
        found["SD"] = over(tn[0], tn[0] + fp[0]) - over(tn[1], tn[1] + fp[1])
        found["DAR"] = over(tp[1], tp[1] + fp[1]) - over(tp[0], tp[0] + fp[0])
        found["DRR"] = over(tn[0], tn[0] + fn[0]) - over(tn[1], tn[1] + fn[1])
        found["AD"] = (tp[1] + tn[1]) / len(both[1]) - (tp[0] + tn[0]) / len(both[0])
        found["TE"] = over(fn[0], fp[0]) - over(fn[1], fp[1])
        benefits = [(row[3] in positive) - (row[2] in positive) + 1 for row in both[0] + both[1]]
        mean_benefit = sum(benefits) / len(benefits)
        if mean_benefit:
            found["GE"] = sum((b / mean_benefit) ** 2 - 1 for b in benefits) / (2 * len(benefits))
    return {key: None if value is None or math.isnan(value) else value for key, value in found.items()}


def kl(p: list[float], q: list[float]) -> float:
    return sum(0.0 if x == 0 else math.inf if y == 0 else x * math.log(x / y) for x, y in zip(p, q, strict=True))


def disparity(side_d: list[Row], both: list[Row], n: Any) -> float:
    total = 0.0
    for group in {row[1] for row in both}:
        dd = over(n(side_d, False, group), n(both, False, group)) - over(n(side_d, True, group), n(both, True, group))
        total += (n(both, False, group) + n(both, True, group)) * dd
    return total / len(both)
