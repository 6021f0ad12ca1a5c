"""The states of a window → all metrics of its problem, with their deviations → the contract's part of statistics.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from hourglass.errors import InternalError
from hourglass.problems import Problem
from hourglass.quality.binary import BinaryTable, binary_cells, no_rows, no_table
from hourglass.quality.bootstrap import Bootstrap, deviation, draw_cells
from hourglass.quality.curves import precision_recall_curve, roc_curve, thinned
from hourglass.quality.metric import QualityMetric, Table, metrics_of
from hourglass.quality.multiclass import ClassTable
from hourglass.quality.probability import ScoreTable, drawn_points
from hourglass.quality.regression import ErrorTable, error_quantiles
from hourglass.quality.replicated import LabelTable, ProbabilityTable, RankingTable
from hourglass.states.class_probabilities import ClassProbabilities
from hourglass.states.confusion import Confusion
from hourglass.states.label_sets import LabelSets
from hourglass.states.rankings import Rankings
from hourglass.states.regression_errors import Errors
from hourglass.states.replicates import ReplicatedSums
from hourglass.states.scores import Scores
from hourglass.states.state import State
from hourglass.undefined import Undefined

S = TypeVar("S")

QUALITY_STATES: Mapping[Problem, tuple[type[State], ...]] = {
    Problem.REGRESSION: (Errors,),
    Problem.BINARY: (Confusion, Scores),
    Problem.MULTICLASS: (Confusion, ClassProbabilities),
    Problem.MULTILABEL: (LabelSets,),
    Problem.RANKING: (Rankings,),
}


# What a person asks for first; segments are ranked by the first of these.
FIRST_METRICS: Mapping[Problem, tuple[str, ...]] = {
    Problem.REGRESSION: ("mae", "rmse", "r2"),
    Problem.BINARY: ("accuracy", "f1", "auc"),
    Problem.MULTICLASS: ("accuracy", "weighted_f1"),
    Problem.MULTILABEL: ("micro_f1", "subset_accuracy"),
    Problem.RANKING: ("ndcg_at_10", "mrr"),
}


@dataclass(frozen=True)
class Measured:
    """A metric of a window and its standard deviation over the draws."""

    value: float | Undefined
    deviation: float | Undefined


@dataclass(frozen=True)
class QualityReport:
    """All metrics of a window, and what is no number: the confusion matrix and the curves.

    `rows` are all that were given, `counted` those with label and prediction.
    """

    problem: Problem
    rows: int
    counted: int
    metrics: Mapping[str, Measured]
    parts: Mapping[str, dict[str, Any] | Undefined] = field(default_factory=dict)


@dataclass(frozen=True)
class Tables:
    """The table of a window and those of its draws, and how many rows are in it; a reason in place of all."""

    window: Table | Undefined
    draws: tuple[Table, ...] = ()
    rows: int = 0


def measure_quality(
    states: Mapping[str, State],
    problem: Problem,
    *,
    positive: str = "1",
    constant: str | None = None,
    bootstrap: Bootstrap | None = None,
) -> QualityReport:
    """Every registered metric of a problem from a window's states, by kind.

    `positive` names the class that a binary problem looks for, `constant` the one that the constant classifier of several
    classes always says. Without `scores` a binary problem has no metric of a probability, and says so.

    >>> import pyarrow as pa
    >>> state = Confusion.empty()
    >>> state.update(pa.array(["1", "0", "0", "0"]), pa.array(["1", "1", "1", "0"]))
    >>> report = measure_quality({"confusion": state}, Problem.BINARY)
    >>> report.metrics["f2"].value, report.metrics["f2"].deviation, report.metrics["auc"].value
    (0.7142857142857143, Undefined(reason='4 rows; a deviation takes 200'), Undefined(reason='no probability'))
    """
    drawn = bootstrap or Bootstrap()
    rows, counted, tables, parts = _MEASURES[problem](states, drawn, positive, constant)
    metrics = {key: _measured(metric, tables[metric.table.state], drawn) for key, metric in metrics_of(problem).items()}
    return QualityReport(problem, rows, counted, metrics, parts)


def _measured(metric: QualityMetric, tables: Tables, bootstrap: Bootstrap) -> Measured:
    if isinstance(tables.window, Undefined):
        return Measured(tables.window, tables.window)
    value = metric.value(tables.window)
    if isinstance(value, Undefined):
        return Measured(value, value)
    draws = [metric.values(draw) for draw in tables.draws]
    return Measured(value, deviation(np.concatenate(draws) if draws else np.empty(0), tables.rows, bootstrap))


_Found = tuple[int, int, dict[str, Tables], dict[str, dict[str, Any] | Undefined]]


def _regression(states: Mapping[str, State], bootstrap: Bootstrap, _positive: str, _constant: str | None) -> _Found:
    state = _get(states, Errors)
    sums = state.sums
    window = ErrorTable.of(sums[:1]) if state.n else Undefined(no_rows(state.rows, state.no_actual))
    quantiles = error_quantiles(state)
    parts: dict[str, dict[str, Any] | Undefined] = {"error_quantiles": quantiles}
    return state.rows, state.n, {Errors.kind: Tables(window, (ErrorTable.of(sums[1 : 1 + bootstrap.draws]),), state.n)}, parts


def _binary(states: Mapping[str, State], bootstrap: Bootstrap, positive: str, _constant: str | None) -> _Found:
    state = _get(states, Confusion)
    cells = binary_cells(state, positive)
    if isinstance(cells, Undefined):
        by_class = Tables(cells)
    else:
        draws = tuple(BinaryTable.of(drawn, positive) for drawn in _drawn(cells, bootstrap))
        by_class = Tables(BinaryTable.of(cells[np.newaxis], positive), draws, state.n)
    tables = {Confusion.kind: by_class, Scores.kind: Tables(Undefined("no probability"))}
    parts = {"confusion_matrix": _matrix(state)}
    parts |= dict.fromkeys(("receiver_operating_characteristic_curve", "precision_recall_curve"), Undefined("no probability"))
    if Scores.kind in states:
        scores = _get(states, Scores)
        if state.n and isinstance(cells, Undefined):
            # where the positive class is not known no row counts as one, and every score of a real positive as a bad one
            tables[Scores.kind] = Tables(cells)
        elif scores.n:
            points = drawn_points(scores)
            both = np.concatenate([points.negatives, points.positives])
            drawn_scores = tuple(ScoreTable.drawn(points, drawn, scores.outside) for drawn in _drawn(both, bootstrap))
            tables[Scores.kind] = Tables(ScoreTable.of(scores), drawn_scores, scores.n)
        else:
            tables[Scores.kind] = Tables(Undefined(no_rows(scores.no_actual + scores.no_score, scores.no_actual, "probability")))
        parts["receiver_operating_characteristic_curve"] = _curve(
            roc_curve(scores.points), tables[Scores.kind], "false_positive_rates", "true_positive_rates"
        )
        parts["precision_recall_curve"] = _curve(precision_recall_curve(scores.points), tables[Scores.kind], "precisions", "recalls")
    return state.rows, state.n, tables, parts


def _multiclass(states: Mapping[str, State], bootstrap: Bootstrap, _positive: str, constant: str | None) -> _Found:
    state = _get(states, Confusion)
    if reason := no_table(state):
        tables = Tables(Undefined(reason))
    else:
        draws = tuple(ClassTable.of(state, drawn, constant) for drawn in _drawn(state.counts, bootstrap))
        tables = Tables(ClassTable.of(state, state.counts[np.newaxis], constant), draws, state.n)
    by_kind = {Confusion.kind: tables, ClassProbabilities.kind: Tables(Undefined("no probability"))}
    if ClassProbabilities.kind in states:
        found = _get(states, ClassProbabilities)
        reason = _nothing(found, "probability of each class")
        window = Undefined(reason) if reason else ProbabilityTable.of(found.sums[:1])
        by_kind[ClassProbabilities.kind] = Tables(window, (ProbabilityTable.of(found.sums[1 : 1 + bootstrap.draws]),), found.n)
    return state.rows, state.n, by_kind, {"confusion_matrix": _matrix(state)}


def _multilabel(states: Mapping[str, State], bootstrap: Bootstrap, _positive: str, _constant: str | None) -> _Found:
    state = _get(states, LabelSets)
    reason = _nothing(state.totals)
    window = Undefined(reason) if reason else LabelTable.of(state, slice(1))
    return state.rows, state.n, {LabelSets.kind: Tables(window, (LabelTable.of(state, slice(1, 1 + bootstrap.draws)),), state.n)}, {}


def _ranking(states: Mapping[str, State], bootstrap: Bootstrap, _positive: str, _constant: str | None) -> _Found:
    state = _get(states, Rankings)
    reason = ""
    if state.n == 0:
        unusable, _ = state.apart
        lacks = "two lists of numbers of one length" if unusable == state.rows else "a relevant item"
        reason = f"none of {state.rows} queries has {lacks}" if state.rows else "no rows"
    window = Undefined(reason) if reason else RankingTable.of(state.sums[:1])
    return state.rows, state.n, {Rankings.kind: Tables(window, (RankingTable.of(state.sums[1 : 1 + bootstrap.draws]),), state.n)}, {}


def _nothing(state: ReplicatedSums, lacks: str = "prediction") -> str:
    """Why a state has no rows that count; "" when it has."""
    return "" if state.n else no_rows(state.rows, state.apart[0], lacks)


_MEASURES: Mapping[Problem, Callable[[Mapping[str, State], Bootstrap, str, str | None], _Found]] = {
    Problem.REGRESSION: _regression,
    Problem.BINARY: _binary,
    Problem.MULTICLASS: _multiclass,
    Problem.MULTILABEL: _multilabel,
    Problem.RANKING: _ranking,
}


def _drawn(counts: Any, bootstrap: Bootstrap) -> Any:
    return draw_cells(counts, bootstrap) if counts.sum() >= bootstrap.least_rows else ()


def _matrix(state: Confusion) -> dict[str, Any] | Undefined:
    return state.table() if state.n else Undefined(no_rows(state.rows, state.no_actual))


def _curve(found: Any, tables: Tables, first: str, second: str) -> dict[str, Any] | Undefined:
    if isinstance(tables.window, Undefined):
        return tables.window
    return (
        found if isinstance(found, Undefined) else {key: part.tolist() for key, part in zip((first, second), thinned(*found), strict=True)}
    )


def _get(states: Mapping[str, State], cls: type[S]) -> S:
    found = states.get(cls.kind)  # type: ignore[attr-defined]
    if not isinstance(found, cls):
        raise InternalError(f"state {cls.__name__}", found="not among the window's", expected=", ".join(states) or "some state")
    return found


def quality_statistics(report: QualityReport) -> dict[str, Any]:
    """The contract's part of `statistics.json`: `<problem>_metrics`, and what could not be computed, with the reason.

    A metric is {"value", "standard_deviation"}; a deviation that is not known is "NaN", as the stock analyzer writes it.
    A metric without a value is left out, and stands under `not_computable` instead: readers of the files expect numbers.
    """
    document: dict[str, Any] = {key: part for key, part in report.parts.items() if not isinstance(part, Undefined)}
    reasons = {key: part.reason for key, part in report.parts.items() if isinstance(part, Undefined)}
    for key, measured in report.metrics.items():
        if isinstance(measured.value, Undefined):
            reasons[key] = measured.value.reason
        else:
            spread = measured.deviation
            document[key] = {"value": measured.value, "standard_deviation": "NaN" if isinstance(spread, Undefined) else spread}
    return {f"{report.problem.part}_metrics": document, **({"not_computable": reasons} if reasons else {})}
