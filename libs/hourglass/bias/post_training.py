"""Bias in what a model makes of the rows: whether the facets get the same predictions, and equally right ones."""

from __future__ import annotations

import numpy as np

from hourglass.bias.metric import COMPLETE, PREDICTED, Basis, Stage, bias_metric, ratio
from hourglass.bias.pre_training import disparity
from hourglass.bias.table import BiasTable, Side
from hourglass.values import Floats

ACTUAL_POSITIVE = Basis("a positive label and a prediction", lambda side: side.tp + side.fn)
ACTUAL_NEGATIVE = Basis("a negative label and a prediction", lambda side: side.fp + side.tn)
ACCEPTED = Basis("a positive prediction and a label", lambda side: side.tp + side.fp)
REJECTED = Basis("a negative prediction and a label", lambda side: side.fn + side.tn)
# a ratio of two counts says something when one of them is not small: 40 to 0 does, 4 to 0 does not
ACTUAL_OR_ACCEPTED = Basis("a positive label, or a positive prediction", lambda side: side.tp + np.maximum(side.fn, side.fp))
ACTUAL_OR_REJECTED = Basis("a negative label, or a negative prediction", lambda side: side.tn + np.maximum(side.fn, side.fp))
WRONG = Basis("a prediction wrong in the same way", lambda side: np.maximum(side.fn, side.fp))


@bias_metric(
    "DPPL",
    "Difference in Positive Proportions in Predicted Labels",
    Stage.POST,
    meaning="{worse} has a smaller share of positive predictions than {other}: {worse} is worse off.",
    worse="d",
    counts=PREDICTED,
    most=1.0,
)
def prediction_difference(table: BiasTable) -> Floats:
    """Share of positive predictions in a, less that in d: na'(1)/na - nd'(1)/nd.

    Of all rows with a prediction, whether they have a label or not.

    >>> prediction_difference(BiasTable.of([[8, 2], [0, 0]], [[5, 5], [0, 0]])).tolist()
    [0.3]
    """
    return ratio(table.a.predicted_positive, table.a.predicted) - ratio(table.d.predicted_positive, table.d.predicted)


@bias_metric(
    "DI",
    "Disparate Impact",
    Stage.POST,
    meaning="{worse} gets positive predictions less often than {other}: {worse} is worse off.",
    worse="a",
    counts=PREDICTED,
    ideal=1.0,
)
def disparate_impact(table: BiasTable) -> Floats:
    """Share of positive predictions in d, divided by that in a: (nd'(1)/nd) / (na'(1)/na).

    Of all rows with a prediction. 0 without positive predictions in either; infinite where only d has some.

    >>> disparate_impact(BiasTable.of([[8, 2], [0, 0]], [[5, 5], [0, 0]])).tolist()
    [0.4]
    """
    d, a = table.d, table.a
    return ratio(ratio(d.predicted_positive, d.predicted), ratio(a.predicted_positive, a.predicted))


@bias_metric(
    "DCA",
    "Difference in Conditional Acceptance",
    Stage.POST,
    meaning="By their labels, {worse} is accepted less often in proportion than {other}: {worse} is worse off.",
    worse="a",
    counts=COMPLETE,
    shares=ACTUAL_OR_ACCEPTED,
)
def conditional_acceptance(table: BiasTable) -> Floats:
    """Positive labels for each positive prediction in a, less those in d: na(1)/na'(1) - nd(1)/nd'(1).

    Infinite where a facet has positive labels and no positive predictions; undefined where both have.

    >>> conditional_acceptance(BiasTable.of([[0, 10], [0, 20]], [[0, 0], [10, 60]])).round(4).tolist()
    [0.5]
    """
    return ratio(_positive(table.a), _accepted(table.a)) - ratio(_positive(table.d), _accepted(table.d))


@bias_metric(
    "DCR",
    "Difference in Conditional Rejection",
    Stage.POST,
    meaning="By their labels, {worse} is rejected more often in proportion than {other}: {worse} is worse off.",
    worse="a",
    counts=COMPLETE,
    shares=ACTUAL_OR_REJECTED,
)
def conditional_rejection(table: BiasTable) -> Floats:
    """Negative labels for each negative prediction in d, less those in a: nd(0)/nd'(0) - na(0)/na'(0).

    Infinite where a facet has negative labels and no negative predictions; undefined where both have.

    >>> conditional_rejection(BiasTable.of([[30, 10], [0, 0]], [[50, 0], [10, 0]])).round(4).tolist()
    [0.5]
    """
    return ratio(_negative(table.d), _rejected(table.d)) - ratio(_negative(table.a), _rejected(table.a))


@bias_metric(
    "RD",
    "Recall Difference",
    Stage.POST,
    meaning="Of the rows of {worse} with a positive label the model finds a smaller share than of those of {other}: {worse} is worse off.",
    worse="d",
    counts=COMPLETE,
    shares=ACTUAL_POSITIVE,
    most=1.0,
)
def recall_difference(table: BiasTable) -> Floats:
    """Share of the positive labels that are predicted positive, in a less in d: TPR_a - TPR_d.

    The share is 0 without positive labels.

    >>> recall_difference(BiasTable.of([[0, 0], [7, 20]], [[0, 0], [5, 65]])).round(4).tolist()
    [0.1878]
    """
    return ratio(table.a.tp, _positive(table.a)) - ratio(table.d.tp, _positive(table.d))


@bias_metric(
    "SD",
    "Specificity Difference",
    Stage.POST,
    meaning="{other} is taken for positive by mistake more often than {worse}: {other} is favoured, {worse} is worse off.",
    worse="d",
    counts=COMPLETE,
    shares=ACTUAL_NEGATIVE,
    most=1.0,
)
def specificity_difference(table: BiasTable) -> Floats:
    """Share of the negative labels that are predicted negative, in d less in a: TNR_d - TNR_a.

    The share is 0 without negative labels.

    >>> specificity_difference(BiasTable.of([[18, 5], [0, 0]], [[20, 10], [0, 0]])).round(4).tolist()
    [0.1159]
    """
    return ratio(table.d.tn, _negative(table.d)) - ratio(table.a.tn, _negative(table.a))


@bias_metric(
    "DAR",
    "Difference in Acceptance Rates",
    Stage.POST,
    meaning="Positive predictions are right less often for {other}: it is accepted on weaker grounds, so {worse} is worse off.",
    worse="a",
    counts=COMPLETE,
    shares=ACCEPTED,
    most=1.0,
)
def acceptance_difference(table: BiasTable) -> Floats:
    """Share of the positive predictions that are right, in a less in d: PPV_a - PPV_d.

    The share is 0 without positive predictions.

    >>> acceptance_difference(BiasTable.of([[0, 60], [0, 40]], [[0, 35], [0, 35]])).round(4).tolist()
    [0.1]
    """
    return ratio(table.a.tp, _accepted(table.a)) - ratio(table.d.tp, _accepted(table.d))


@bias_metric(
    "DRR",
    "Difference in Rejection Rates",
    Stage.POST,
    meaning="Negative predictions are right less often for {worse}: it is rejected on weaker grounds, so {worse} is worse off.",
    worse="a",
    counts=COMPLETE,
    shares=REJECTED,
    most=1.0,
)
def rejection_difference(table: BiasTable) -> Floats:
    """Share of the negative predictions that are right, in d less in a: NPV_d - NPV_a.

    The share is 0 without negative predictions.

    >>> rejection_difference(BiasTable.of([[45, 0], [5, 0]], [[80, 0], [20, 0]])).round(4).tolist()
    [0.1]
    """
    return ratio(table.d.tn, _rejected(table.d)) - ratio(table.a.tn, _rejected(table.a))


@bias_metric(
    "AD",
    "Accuracy Difference",
    Stage.POST,
    meaning="The model is wrong more often about {worse} than about {other}: {worse} is worse off.",
    worse="d",
    counts=COMPLETE,
    most=1.0,
)
def accuracy_difference(table: BiasTable) -> Floats:
    """Share of the rows that are predicted right, in a less in d: ACC_a - ACC_d.

    Right is positive for positive and negative for negative, also where there are more than two classes.

    >>> accuracy_difference(BiasTable.of([[10, 10], [40, 40]], [[10, 10], [20, 60]])).round(4).tolist()
    [0.2]
    """
    return ratio(table.a.tp + table.a.tn, table.a.both) - ratio(table.d.tp + table.d.tn, table.d.both)


@bias_metric(
    "TE",
    "Treatment Equality",
    Stage.POST,
    meaning="Among the errors about {worse} more are wrong rejections than among those about {other}: {worse} is worse off.",
    worse="d",
    counts=COMPLETE,
    shares=WRONG,
)
def treatment_equality(table: BiasTable) -> Floats:
    """False negatives for each false positive in d, less those in a: FN_d/FP_d - FN_a/FP_a.

    Infinite where a facet has false negatives and no false positives; undefined where both have.

    >>> treatment_equality(BiasTable.of([[0, 2], [5, 0]], [[0, 6], [8, 0]])).round(4).tolist()
    [1.1667]
    """
    return ratio(table.d.fn, table.d.fp) - ratio(table.a.fn, table.a.fp)


@bias_metric(
    "CDDPL",
    "Conditional Demographic Disparity in Predicted Labels",
    Stage.POST,
    meaning="Within the groups {worse} has a larger part of the negative predictions than of the positive ones: {worse} is worse off.",
    worse="d",
    counts=PREDICTED,
    by_group=True,
    most=1.0,
)
def prediction_disparity(table: BiasTable) -> Floats:
    """Demographic disparity of predictions, DD = nd'(0)/n'(0) - nd'(1)/n'(1) in each group i, weighted: sum of n_i DD_i / n.

    Of all rows with a prediction; groups as in CDDL.

    >>> prediction_disparity(BiasTable.of([[6, 2], [0, 0]], [[4, 8], [0, 0]])).round(4).tolist()
    [0.4]
    """
    return disparity(table.predictions)


@bias_metric(
    "GE",
    "Generalized Entropy",
    Stage.POST,
    meaning="Wrong predictions are spread unequally over the rows of {d} and {a}; it does not say who is worse off.",
    counts=COMPLETE,
    otherwise="every row is a false negative: there is no benefit to be shared",
)
def generalized_entropy(table: BiasTable) -> Floats:
    """Inequality of the benefit b = y' - y + 1 of each row, alpha = 2: sum of ((b / mean b)^2 - 1) / (2 n).

    A false negative has the benefit 0, a right prediction 1, a false positive 2. Over the rows of both facets, so the same
    for either. Undefined when all are false negatives.

    >>> generalized_entropy(BiasTable.of([[1, 1], [0, 0]], [[1, 0], [1, 0]])).tolist()
    [0.25]
    """
    n = table.d.both + table.a.both
    false_positive, false_negative = table.d.fp + table.a.fp, table.d.fn + table.a.fn
    mean = (n + false_positive - false_negative) / n
    squares = (n - false_positive - false_negative + 4 * false_positive) / n
    return (squares / mean**2 - 1) / 2


def _positive(side: Side) -> Floats:
    return ACTUAL_POSITIVE.of(side)


def _negative(side: Side) -> Floats:
    return ACTUAL_NEGATIVE.of(side)


def _accepted(side: Side) -> Floats:
    return ACCEPTED.of(side)


def _rejected(side: Side) -> Floats:
    return REJECTED.of(side)
