"""Whether what a configuration of bias names is in the data: where no row has it, a slip is said instead of measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from hourglass.bias import BIAS_METRICS
from hourglass.bias.digest import BiasDigest
from hourglass.capture.attributes import find_attribute
from hourglass.capture.payloads import Column, objects
from hourglass.errors import InputError
from hourglass.monitors.job import FirstRows, need_names
from hourglass.outputs.numbers import counted
from hourglass.quality.classes import class_name
from hourglass.states import FacetCounts
from hourglass.states.categories import number_name
from hourglass.states.facet_counts import MISSING
from hourglass.values import as_floats


def need_columns(digest: BiasDigest, counts: FacetCounts, first: Callable[[], FirstRows], *, predicts: bool) -> tuple[str, ...]:
    """InputError where no row of a window has a facet, the group, the label or the prediction, and its column says why.

    Such a column is not there, has lists, or has texts where a threshold is asked for. Captured records may have no labels
    yet, and a data set may have labels only: a prediction that is not among its columns is a warning, which is given back, as
    are labels that nobody has merged into captures. Where the baseline `predicts`, its metrics ask for a prediction.
    """
    config = digest.config
    cells = next(iter(counts.facets.values()), None)
    if cells is None:
        return ()
    no_group, no_label, no_prediction = (bool((codes == MISSING).all()) for codes in (cells.group, cells.actual, cells.predicted))
    lacking = [facet for facet in config.facets if counts.facets[facet.name].missing == counts.n]
    if not (lacking or no_group or no_label or no_prediction):
        return ()
    rows = first()
    if config.features is not None:
        need_names([("features", config.features)], rows.columns)
    if rows.has_sides and config.features is None:
        _need_as_many_headers(digest.feature_names, rows)
    columns = _examples(digest.features(batch) for batch in rows.batches)
    for facet in lacking:
        for column in facet.columns:
            _need_value(f"facet {facet.name}", column, columns, facet.threshold, '"type": "values"')
    if no_group and config.group_variable is not None:
        _need_value("group_variable", config.group_variable, columns)
    if no_label and (rows.labels or not rows.has_sides):
        labels = columns if rows.labels is None else _examples(batch.labels or {} for batch in rows.batches)
        name = next(iter(labels)) if rows.labels is not None and len(labels) == 1 else config.label
        _need_value("label", name, labels, config.positive.cut, '"label_type": "values"')
    unmerged = no_label and rows.has_sides and rows.labels is None and any(BIAS_METRICS[key].takes_labels for key in config.metrics)
    warnings = ("no row has a label: captures get theirs by hourglass merge",) if unmerged else ()
    return (*warnings, *(_need_prediction(digest, rows, columns, predicts=predicts) if no_prediction else ()))


def _need_as_many_headers(names: Sequence[str], rows: FirstRows) -> None:
    """InputError where headers name more or fewer columns than the inputs have, which then have no names at all."""
    widths = [len(batch.columns) - len(batch.answers or ()) for batch in rows.batches if batch.columns.keys().isdisjoint(names)]
    if names and widths and len(widths) == len(rows.batches) and len(names) not in widths:
        expected = f"{widths[0]}, one for each value of a captured input"
        raise InputError("headers", found=f"{counted(len(names), 'name', 'names')} beside the label's", expected=expected)


def _need_prediction(digest: BiasDigest, rows: FirstRows, columns: Mapping[str, Column], *, predicts: bool) -> tuple[str, ...]:
    config = digest.config
    part = "label" if config.predicted_label is not None else "probability"
    attribute = config.predicted_label or config.probability
    if attribute is None:
        return ()
    answers = _examples(batch.columns if batch.answers is None else batch.answers for batch in rows.batches) if rows.has_sides else columns
    try:
        need_names([(f"predictor.{part}", attribute)], answers)
    except InputError as slip:
        if rows.has_sides or predicts:
            raise
        return (f"nothing is predicted: {slip}",)
    _need_value(f"predictor.{part}", attribute, answers, config.probability_threshold if part == "probability" else None)
    return ()


def _need_value(
    subject: str, attribute: str, columns: Mapping[str, Column], threshold: float | None = None, hint: str | None = None
) -> None:
    """InputError unless the attribute is a column of single values, of numbers where there is a threshold."""
    need_names([(subject, attribute)], columns)
    found = find_attribute(attribute, columns)
    if found is None:  # there are no columns at all
        return
    if found.is_list:
        named = find_attribute(attribute, {name: [name] for name in columns})
        items = [str(column[0]) for column in named.columns] if named is not None else []
        raise InputError(subject, found=f"a list, {attribute!r}", expected="one value", hint=f"name one of {', '.join(items)}")
    (value,) = objects(found.columns[0])
    if threshold is not None and value is not None and np.isnan(as_floats([value])[0]):
        kind = "texts" if isinstance(value, str) else "values"
        expected = f"numbers for the threshold {number_name(threshold)}"
        raise InputError(subject, found=f"{kind} such as {value!r}", expected=expected, hint=hint)


def _examples(batches: Iterable[Mapping[str, Column]]) -> dict[str, Column]:
    """Of each column one value that a row has, or None."""
    found: dict[str, Column] = {}
    for columns in batches:
        for name, column in columns.items():
            if found.get(name, [None])[0] is None:
                found[name] = [next((value for value in objects(column) if class_name(value) is not None), None)]
    return found
