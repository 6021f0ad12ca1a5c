"""The counts of a window → every metric of bias of each value of a facet, with intervals → the contract's analysis.json."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hourglass.bias.faults import Faults, absent
from hourglass.bias.flip_test import NEIGHBOURS, FlipRows, flips, net_flips
from hourglass.bias.interval import Interval, intervals
from hourglass.bias.metric import BIAS_METRICS, BiasMetric, Stage, metrics_of
from hourglass.bias.table import NEGATIVE, NONE, POSITIVE, BiasTable, DrawnRows, FacetRows
from hourglass.quality.bootstrap import Bootstrap, draw_cells
from hourglass.states.confusion import in_order
from hourglass.states.facet_counts import MISSING_NAME, FacetCounts
from hourglass.undefined import Undefined
from hourglass.values import Floats

BIAS_BOOTSTRAP = Bootstrap(draws=1000, share=0.8, least_rows=0)
LEAST_COUNT = 30
MOST_COMPARED = 50  # values of a facet that are held against the best-off one; a column of ids has a thousand
ALL_OTHERS = "all others"
OWN_GROUP = "the group is the facet: within a group all rows have the same value"


@dataclass(frozen=True)
class FacetValue:
    """Facet d: a name and the values of the facet that it stands for."""

    name: str
    values: frozenset[str]

    @classmethod
    def of(cls, *values: str) -> FacetValue:
        """A facet d of some values, called as the stock analyzer calls it.

        >>> FacetValue.of("0", "2").name
        '0,2'
        """
        return cls(",".join(values), frozenset(values))


@dataclass(frozen=True)
class MeasuredBias:
    """A metric of one value of a facet, and where it lies by its draws.

    `counts` are the rows that it looks at on the sides d and a, `shares` those that its shares or ratios are made of.
    """

    value: float | Undefined
    interval: Interval | Undefined
    counts: tuple[int, int]
    shares: tuple[int, int]


@dataclass(frozen=True)
class ValueBias:
    """All metrics of one value d of a facet against a: all others, or one value."""

    value: str
    against: str
    rows: tuple[int, int]
    metrics: Mapping[str, MeasuredBias]


@dataclass(frozen=True)
class BiasReport:
    """The bias of a facet in a window.

    `rows` are all that were given, `missing` those without a value of the facet, which are on neither side. `values` are
    one for each facet d that was asked for; `truncated` says that some values are only counted as "other". The flip test saw
    `sampled` rows; `left_out` more lack a feature. Of values that are held against one, `not_compared` more were not asked for.

    `outcome_faults` say why labels or predictions cannot be told apart as positive or not. `warnings` are these, and the values
    that no row has: slips of a configuration, more likely than news about people.
    """

    facet: str
    positive: tuple[str, ...]
    rows: int
    missing: int
    labelled: int
    predicted: int
    truncated: bool
    values: tuple[ValueBias, ...]
    sampled: int = 0
    left_out: int = 0
    not_compared: int = 0
    outcome_faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def measure_bias(
    state: FacetCounts,
    facet: str,
    values: Sequence[FacetValue] | None = None,
    positive: Collection[str] = ("1",),
    bootstrap: Bootstrap = BIAS_BOOTSTRAP,
    *,
    reference: str | None = None,
    sample: FlipRows | None = None,
    neighbours: int = NEIGHBOURS,
    is_group: bool = False,
) -> BiasReport:
    """Every registered metric of a facet: each of some values against all others, or against the value `reference`.

    Without `values` each value of the facet is facet d once, rows without a value as "(missing)"; they are never on the side
    that a value is compared with. All values see the same draws. The flip test is computed on `sample`, and undefined without;
    its draws hold the neighbours fixed. Where the facet `is_group`, by which CDDL and CDDPL compare, these are undefined.

    >>> import pyarrow as pa
    >>> state = FacetCounts.empty()
    >>> state.update({"Sex": pa.array(["f", "m"] * 4)}, None, pa.array(["0", "1"] * 3 + ["1", "0"]), None)
    >>> report = measure_bias(state, "Sex", [FacetValue.of("f")])
    >>> report.values[0].metrics["DPL"].value, report.values[0].metrics["DI"].value
    (0.5, Undefined(reason='no row has a prediction'))
    """
    rows = FacetRows.of(state, facet, positive)
    asked = _every_value(rows) if values is None else values
    asked = [found for found in asked if reference is None or found.values != {reference}]
    against = None if reference is None else frozenset([reference])
    window = DrawnRows(rows, rows.counts[np.newaxis], several=len(asked) > 1)
    tables = [
        replace(window.table(found.values, against), names=(f"{facet} = {found.name}", f"{facet} = {reference or f'not {found.name}'}"))
        for found in asked
    ]
    faults = Faults.of(state, facet, positive)
    drawn = _drawn(rows, asked, against, bootstrap)
    nobody = [absent(rows, facet, found.name, found.values) for found in asked]
    measured = []
    for place, (found, table, fault) in enumerate(zip(asked, tables, nobody, strict=True)):
        metrics = {}
        for key, metric in sorted(BIAS_METRICS.items()):
            if metric.formula is None:
                measure = _flip_test(sample, facet, found, against, positive, bootstrap, neighbours)
            else:
                measure = _measured(metric, table, drawn[key][place])
            reason = faults.by_metric.get(key) or (OWN_GROUP if is_group and metric.by_group else "") or fault
            metrics[key] = replace(measure, value=Undefined(reason), interval=Undefined(reason)) if reason else measure
        n_d, n_a = (int(side.outcomes.sum()) for side in (table.d, table.a))
        measured.append(ValueBias(found.name, reference or ALL_OTHERS, (n_d, n_a), metrics))
    return BiasReport(
        facet,
        tuple(sorted(positive)),
        rows.n,
        rows.missing,
        int(rows.counts[rows.outcome // 3 != NONE].sum()),
        int(rows.counts[rows.outcome % 3 != NONE].sum()),
        rows.truncated,
        tuple(measured),
        0 if sample is None else len(sample.features),
        0 if sample is None else sample.left_out,
        outcome_faults=faults.outcomes,
        warnings=tuple(dict.fromkeys(filter(None, (*faults.outcomes, *faults.by_metric.values(), *nobody)))) if rows.n else (),
    )


def best_off(state: FacetCounts, facet: str, positive: Collection[str] = ("1",), least_count: int = LEAST_COUNT) -> str | Undefined:
    """The value of a facet with the highest share of positive predictions, or of positive labels where nothing is predicted.

    Of the values with at least `least_count` such rows: five lucky rows are no yardstick. Rows without a value are never it,
    and neither are those that are only counted as "other". Of equal shares the value with more rows, then by name.

    >>> import pyarrow as pa
    >>> state = FacetCounts.empty()
    >>> state.update({"Sex": pa.array(["f", "m"] * 40)}, None, pa.array(["0", "1"] * 40), None)
    >>> best_off(state, "Sex"), best_off(state, "Sex", least_count=50)
    ('m', Undefined(reason="no value of 'Sex' has 50 rows with a label"))
    """
    rows = FacetRows.of(state, facet, positive)
    label, prediction = np.divmod(rows.outcome, 3)
    predicted = bool((prediction != NONE).any())
    outcome = prediction if predicted else label
    sums = np.zeros((len(rows.names), 3), np.int64)
    named = rows.value < len(rows.names)
    np.add.at(sums, (rows.value[named], outcome[named]), rows.counts[named])
    ranked = [
        (found[POSITIVE] / (found[POSITIVE] + found[NEGATIVE]), found[POSITIVE] + found[NEGATIVE], name)
        for name, found in sorted(zip(rows.names, sums.tolist(), strict=True), reverse=True)
        if found[POSITIVE] + found[NEGATIVE] >= max(1, least_count)
    ]
    if not ranked:
        return Undefined(f"no value of {facet!r} has {least_count} rows with a {'prediction' if predicted else 'label'}")
    return max(ranked)[2]


def compared(
    state: FacetCounts, facet: str, reference: str, least_count: int = LEAST_COUNT, most: int = MOST_COMPARED
) -> tuple[list[FacetValue], int]:
    """The values of a facet that are worth holding against one: those with most rows, and at least so many; and how many are not.

    >>> import pyarrow as pa
    >>> state = FacetCounts.empty()
    >>> state.update({"Race": pa.array(["a"] * 40 + ["b"] * 30 + ["c"] * 50 + ["d"])}, None, None, None)
    >>> [value.name for value in compared(state, "Race", "a")[0]], compared(state, "Race", "a", most=1)
    (['b', 'c'], ([FacetValue(name='c', values=frozenset({'c'}))], 2))
    """
    rows = FacetRows.of(state, facet, ())
    others = [value for value in _every_value(rows) if value.values != {reference}]
    sizes = [int(rows.counts[rows.having(value.values)].sum()) for value in others]
    largest = sorted((place for place, n in enumerate(sizes) if n >= least_count), key=lambda place: -sizes[place])[:most]
    return [others[place] for place in sorted(largest)], len(others) - len(largest)


def by_facet(reports: Iterable[BiasReport]) -> dict[str, BiasReport]:
    """A report of each facet, in their order: the rows are the same whichever of its values are asked about."""
    found: dict[str, BiasReport] = {}
    for report in reports:
        found.setdefault(report.facet, report)
    return found


def _every_value(rows: FacetRows) -> list[FacetValue]:
    missing = [MISSING_NAME] if rows.missing else []
    return [FacetValue.of(name) for name in [*in_order(rows.names), *missing]]


def _drawn(
    rows: FacetRows, asked: Sequence[FacetValue], against: frozenset[str] | None, bootstrap: Bootstrap
) -> dict[str, list[Interval | Undefined]]:
    """The interval of each metric of the table, for each value."""
    metrics = {key: metric for key, metric in BIAS_METRICS.items() if metric.formula is not None}
    if rows.n < max(1, bootstrap.least_rows) or bootstrap.draws == 0:
        reason = Undefined(f"{rows.n} rows, {bootstrap.draws} draws; an interval takes {max(1, bootstrap.least_rows)} and 2")
        return dict.fromkeys(metrics, [reason] * len(asked))
    found: dict[tuple[str, int], list[Floats]] = {(key, place): [] for key in metrics for place in range(len(asked))}
    for counts in draw_cells(rows.counts, bootstrap):
        block = DrawnRows(rows, counts, several=len(asked) > 1)
        for place, value in enumerate(asked):
            table = block.table(value.values, against)
            for key, metric in metrics.items():
                found[key, place].append(metric.values(table))
    return {key: intervals(np.stack([np.concatenate(found[key, place]) for place in range(len(asked))])) for key in metrics if asked}


def _measured(metric: BiasMetric, table: BiasTable, interval: Interval | Undefined) -> MeasuredBias:
    value = metric.value(table)
    counts, shares = ((int(basis.of(table.d)[0]), int(basis.of(table.a)[0])) for basis in (metric.counts, metric.shares))
    if isinstance(value, Undefined):
        return MeasuredBias(value, value, counts, shares)
    if metric.distance and not isinstance(interval, Undefined):
        interval = interval.of_distance(value)
    return MeasuredBias(value, interval, counts, shares)


def _flip_test(
    sample: FlipRows | None,
    facet: str,
    found: FacetValue,
    against: frozenset[str] | None,
    positive: Collection[str],
    bootstrap: Bootstrap,
    neighbours: int,
) -> MeasuredBias:
    if sample is None or facet not in sample.facets:
        reason = Undefined("no sampled rows: the flip test takes rows")
        return MeasuredBias(reason, reason, (0, 0), (0, 0))
    d, a = sample.sides(facet, found.values, against)
    counts = int(np.count_nonzero(d)), int(np.count_nonzero(a))
    cells = flips(sample.features, np.array([name in positive for name in sample.predicted], np.bool_), d, a, neighbours)
    if isinstance(cells, Undefined):
        reason = Undefined(f"{cells.reason}; kept rows do not tell {', '.join(sample.hidden)}") if sample.hidden else cells
        return MeasuredBias(reason, reason, counts, counts)
    draws = [(block[:, 0] - block[:, 1]) / block.sum(axis=1) for block in draw_cells(cells, bootstrap)] if counts[0] > 1 else []
    interval = intervals(np.concatenate(draws)[np.newaxis])[0] if draws else Undefined("no draws")
    return MeasuredBias(net_flips(cells), interval, counts, counts)


def analysis_document(reports: Sequence[BiasReport], label: str, positive: str, metrics: Collection[str] | None = None) -> dict[str, Any]:
    """The document of `analysis.json`: each stage's metrics by facet and value, as the contract has it.

    `positive` is the label's value or threshold as the analyzer writes it ("1"). A metric without a value has null and the
    reason as its `error`; an infinite one is "Infinity". `metrics` are the keys to be written, all when absent. Values that
    were compared with one reference value stand apart, under `reference_bias_metrics`: they are no constraints.
    """
    document: dict[str, Any] = {"version": "1.0"}
    for stage in (Stage.POST, Stage.PRE):
        facets: dict[str, list[dict[str, Any]]] = {}
        chosen = [key for key in metrics_of(stage) if metrics is None or key in metrics]
        for report in reports if chosen else ():
            for value in report.values:
                entry = {"value_or_threshold": value.value, "metrics": [_entry(key, value.metrics[key]) for key in chosen]}
                if value.against == ALL_OTHERS:
                    facets.setdefault(report.facet, []).append(entry)
                else:
                    apart = document.setdefault("reference_bias_metrics", {}).setdefault(report.facet, [])
                    apart.append({"reference": value.against, **entry})
        if facets:
            document[f"{stage}_bias_metrics"] = {"label": label, "facets": facets, "label_value_or_threshold": positive}
    return document


def _entry(key: str, measured: MeasuredBias) -> dict[str, Any]:
    found = {"name": key, "description": BIAS_METRICS[key].name}
    if isinstance(measured.value, Undefined):
        return {**found, "value": None, "error": measured.value.reason}
    return {**found, "value": json_number(measured.value)}


def json_number(value: float) -> float | str:
    """A number as the documents have it: JSON has no infinities, so these are words.

    >>> json_number(0.5), json_number(-math.inf)
    (0.5, '-Infinity')
    """
    return value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
