"""What keeps metrics of bias from being computed: classes of which none is positive, names that never occur, names not kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hourglass.bias.facets import negative_of
from hourglass.bias.metric import BIAS_METRICS, BiasMetric, Stage
from hourglass.bias.table import FacetRows
from hourglass.quality.classes import ONE_CLASS, agree_as_numbers, spelled_apart
from hourglass.states.confusion import in_order
from hourglass.states.facet_counts import CAP, OTHER, FacetCounts

_NAMED = 5  # of many names


@dataclass(frozen=True)
class Faults:
    """Why metrics of every value of a facet cannot be computed, by metric.

    `outcomes` are the reasons why labels or predictions cannot be told apart as positive or not: nothing is then known about
    who gets what.
    """

    by_metric: Mapping[str, str]
    outcomes: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: FacetCounts, facet: str, positive: Collection[str]) -> Faults:
        """What is wrong with a facet's rows and a set of positive classes.

        >>> import pyarrow as pa
        >>> state = FacetCounts.empty()
        >>> state.update({"Sex": pa.array(["f", "m"])}, None, pa.array(["0", "1"]), None)
        >>> Faults.of(state, "Sex", ["yes"]).outcomes
        ("the labels are '0', '1'; none of them is positive ('yes')",)
        """
        if facet not in state.facets:
            reason = f"the window has no facet {facet!r}, but {', '.join(state.facets)}" if state.facets else "no rows"
            return cls(dict.fromkeys(BIAS_METRICS, reason))
        cells = state.facets[facet]
        labels, predictions = (
            {state.classes[code] for code in set(codes.tolist()) if code < OTHER} for codes in (cells.actual, cells.predicted)
        )
        many_groups, many_labels, many_predictions = (
            bool((codes == OTHER).any()) for codes in (cells.group, cells.actual, cells.predicted)
        )
        lost = set(positive) - set(state.classes)
        of_labels = _dropped("labels", lost) if many_labels and lost else _none_positive("labels", labels, positive)
        of_predictions = _dropped("predictions", lost) if many_predictions and lost else _of_predictions(labels, predictions, positive)
        if of_labels and labels == predictions:
            of_labels = of_predictions = _none_positive("labels and predictions", labels, positive) or of_labels
        of_groups = f"there are more than {CAP:,} groups, and rows of those that are not kept cannot be compared within them"
        of_classes = f"the labels have more than {CAP:,} classes, and those that are not kept cannot be told apart"

        def why_not(metric: BiasMetric) -> str:
            return (
                (of_labels if metric.outcomes and metric.takes_labels else "")
                or (of_predictions if metric.stage is Stage.POST else "")
                or (of_groups if metric.by_group and many_groups else "")
                or (of_classes if metric.distance and many_labels else "")
            )

        found = {key: why_not(metric) for key, metric in BIAS_METRICS.items()}
        return cls({key: why for key, why in found.items() if why}, tuple(dict.fromkeys(filter(None, (of_labels, of_predictions)))))


def _of_predictions(labels: set[str], predictions: set[str], positive: Collection[str]) -> str:
    """Why predictions cannot be told apart as positive or not.

    Where a threshold makes the class, the negative one has a made-up name, which is no sign of other classes than the labels'.
    """
    if apart := spelled_apart(labels, predictions):
        return apart
    given = predictions - ({negative_of(name) for name in positive} - labels)
    if none := _none_positive("predictions", given, positive):
        return none
    # one class alone may be the negative one, unless the labels have another for that
    if given and labels - set(positive) and given.isdisjoint(labels | set(positive)):
        return f"the predictions are {_listed(given)}; the labels are {_listed(labels)}, and positive is {_listed(positive)}"
    return ""


def _none_positive(side: str, names: set[str], positive: Collection[str]) -> str:
    """Why none of two or more classes is positive; one alone may well be the negative one."""
    if len(names) < 2 or not names.isdisjoint(positive):
        return ""
    hint = f", but as a number one is: {ONE_CLASS}" if agree_as_numbers(names, positive) else ""
    return f"the {side} are {_listed(names)}; none of them is positive ({_listed(positive)}){hint}"


def _dropped(side: str, lost: Collection[str]) -> str:
    return f"the {side} have more than {CAP:,} classes, and positive ({_listed(lost)}) may be one of those that are not kept"


def absent(rows: FacetRows, facet: str, name: str, values: Collection[str]) -> str:
    """Why a facet d has no rows; "" where it has some."""
    if len(rows.having(values)):
        return ""
    if not rows.names:
        return f"no row has a value of {facet!r}"
    kept = ", of which there are more than can be kept" if rows.truncated else ""
    hint = f", but as a number one is: {ONE_CLASS}" if agree_as_numbers(rows.names, values) else ""
    return f"no row has {facet} = {name}; its values are {_listed(rows.names)}{kept}{hint}"


def _listed(names: Collection[str]) -> str:
    """Some of many names.

    >>> _listed("fedcba")
    "'a', 'b', 'c', 'd', 'e', …"
    """
    return ", ".join([*map(repr, in_order(names)[:_NAMED]), *(["…"] if len(names) > _NAMED else [])])
