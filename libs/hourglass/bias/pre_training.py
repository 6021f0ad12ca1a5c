"""Bias in the labels: whether the facets are as many, and get the same labels, before any model is asked."""

from __future__ import annotations

import numpy as np

from hourglass.bias.metric import LABELLED, Stage, bias_metric, ratio
from hourglass.bias.table import BiasTable, Strata
from hourglass.values import Floats


@bias_metric(
    "CI",
    "Class Imbalance",
    Stage.PRE,
    meaning="{worse} has fewer rows than {other}, so a model learns less about it: {worse} is worse off.",
    worse="d",
    counts=LABELLED,
    outcomes=False,
    most=1.0,
)
def class_imbalance(table: BiasTable) -> Floats:
    """How much smaller facet d is: (na - nd) / (na + nd), from -1 to 1.

    Undefined where a facet has no rows.

    >>> class_imbalance(BiasTable.of([[10, 0], [10, 0]], [[40, 0], [40, 0]])).tolist()
    [0.6]
    """
    n_a, n_d = table.a.labelled, table.d.labelled
    return ratio(n_a - n_d, n_a + n_d)


@bias_metric(
    "DPL",
    "Difference in Positive Proportions in Labels",
    Stage.PRE,
    meaning="{worse} has a smaller share of positive labels than {other}: {worse} is worse off.",
    worse="d",
    counts=LABELLED,
    most=1.0,
)
def label_difference(table: BiasTable) -> Floats:
    """Share of positive labels in a, less that in d: na(1)/na - nd(1)/nd.

    Undefined where a facet has no rows.

    >>> label_difference(BiasTable.of([[8, 0], [2, 0]], [[5, 0], [5, 0]])).tolist()
    [0.3]
    """
    return ratio(table.a.positive, table.a.labelled) - ratio(table.d.positive, table.d.labelled)


@bias_metric(
    "KL",
    "Kullback-Liebler Divergence",  # spelled as the stock analyzer does, which readers compare
    Stage.PRE,
    meaning="The labels of {a} are distributed differently from those of {d}; the measure does not say who is worse off.",
    counts=LABELLED,
    distance=True,
)
def kullback_leibler(table: BiasTable) -> Floats:
    """Divergence of a's labels from d's in nats: sum over the classes of Pa ln(Pa / Pd).

    A class that a does not have adds 0. A class that a has and d does not makes it infinite, as the definition has it:
    left out, as smclarify does, the rest is no divergence any more and can be negative. Never below 0.

    >>> kullback_leibler(BiasTable.of([[7, 0], [3, 0]], [[2, 0], [8, 0]])).round(4).tolist()
    [0.5341]
    """
    return _divergence(_shares(table.a.classes), _shares(table.d.classes))


@bias_metric(
    "JS",
    "Jensen-Shannon Divergence",
    Stage.PRE,
    meaning="The labels of {a} and of {d} are distributed differently; the measure does not say who is worse off.",
    counts=LABELLED,
    distance=True,
)
def jensen_shannon(table: BiasTable) -> Floats:
    """Mean divergence of both facets' labels from their mean P = (Pa + Pd) / 2: (KL(Pa, P) + KL(Pd, P)) / 2, in nats.

    At most ln 2, also where a class is missing from a facet.

    >>> jensen_shannon(BiasTable.of([[1, 0], [0, 0]], [[0, 0], [1, 0]])).round(4).tolist()
    [0.6931]
    """
    p_a, p_d = _shares(table.a.classes), _shares(table.d.classes)
    mean = (p_a + p_d) / 2
    return (_divergence(p_a, mean) + _divergence(p_d, mean)) / 2


@bias_metric(
    "LP",
    "L-p Norm",
    Stage.PRE,
    meaning="The labels of {a} and of {d} are distributed differently; the measure does not say who is worse off.",
    counts=LABELLED,
    distance=True,
)
def norm(table: BiasTable) -> Floats:
    """Euclidean distance of the shares of labels: sqrt(sum over the classes of (Pa - Pd)^2).

    >>> norm(BiasTable.of([[1, 0], [1, 0]], [[9, 0], [1, 0]])).round(4).tolist()
    [0.5657]
    """
    found: Floats = np.sqrt(((_shares(table.a.classes) - _shares(table.d.classes)) ** 2).sum(axis=1))
    return found


@bias_metric(
    "TVD",
    "Total Variation Distance",
    Stage.PRE,
    meaning="This share of labels would have to change for {d} and {a} to have the same; it does not say who is worse off.",
    counts=LABELLED,
    distance=True,
    most=1.0,
)
def total_variation(table: BiasTable) -> Floats:
    """Half the sum over the classes of the differences of their shares: sum of |Pa - Pd| / 2.

    >>> total_variation(BiasTable.of([[1, 0], [1, 0]], [[9, 0], [1, 0]])).tolist()
    [0.4]
    """
    found: Floats = np.abs(_shares(table.a.classes) - _shares(table.d.classes)).sum(axis=1) / 2
    return found


@bias_metric(
    "KS",
    "Kolmogorov-Smirnov Distance",
    Stage.PRE,
    meaning="For one label the shares of {d} and {a} are this far apart; the measure does not say who is worse off.",
    counts=LABELLED,
    distance=True,
    most=1.0,
)
def largest_difference(table: BiasTable) -> Floats:
    """Largest difference of the shares of a class: max |Pa - Pd|.

    >>> largest_difference(BiasTable.of([[1, 0], [1, 0]], [[9, 0], [1, 0]])).tolist()
    [0.4]
    """
    found: Floats = np.abs(_shares(table.a.classes) - _shares(table.d.classes)).max(axis=1, initial=0.0)
    return found


@bias_metric(
    "CDDL",
    "Conditional Demographic Disparity in Labels",
    Stage.PRE,
    meaning="Within the groups {worse} has a larger part of the negative labels than of the positive ones: {worse} is worse off.",
    worse="d",
    counts=LABELLED,
    by_group=True,
    most=1.0,
)
def label_disparity(table: BiasTable) -> Floats:
    """Demographic disparity DD = nd(0)/n(0) - nd(1)/n(1) within each group i, weighted: sum of n_i DD_i / n.

    A group without negative (positive) labels has 0 for that term; rows without a group are a group. Undefined where no row
    has a group.

    >>> label_disparity(BiasTable.of([[6, 0], [2, 0]], [[4, 0], [8, 0]])).round(4).tolist()
    [0.4]
    """
    return disparity(table.labels)


def disparity(strata: Strata) -> Floats:
    """The weighted mean over the groups of how much more of the negative than of the positive outcomes are d's."""
    negative, positive = ratio(strata.of_d, strata.of_both)
    return ratio((strata.of_both.sum(axis=0) * (negative - positive)).sum(axis=0), strata.n)


def _shares(counts: Floats) -> Floats:
    return ratio(counts, counts.sum(axis=1, keepdims=True))


def _divergence(p: Floats, q: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(ratio(p, q)), 0.0)
    found: Floats = np.maximum(terms.sum(axis=1), 0.0)  # of equal shares the last digit can be below 0
    return found
