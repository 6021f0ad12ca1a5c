"""Runs in .venv-fairlearn: for each table on standard input what fairlearn says of its two groups, as JSON."""

import json
import sys

from fairlearn import metrics
from sklearn.metrics import accuracy_score, precision_score


def negative_precision(label, predicted):
    """Of the negative predictions the share that is right."""
    return precision_score(label, predicted, pos_label=0, zero_division=0)


def positive_precision(label, predicted):
    """Of the positive predictions the share that is right."""
    return precision_score(label, predicted, zero_division=0)


def positive_labels(label, predicted):  # noqa: ARG001 it is called with both
    """The share of positive labels."""
    return metrics.selection_rate(label, label)


BY_GROUP = {
    "accuracy": accuracy_score,
    "count": metrics.count,
    "positive_labels": positive_labels,
    "positive_precision": positive_precision,
    "negative_precision": negative_precision,
    "selection_rate": metrics.selection_rate,
    "tpr": metrics.true_positive_rate,
    "tnr": metrics.true_negative_rate,
}
OF_ALL = {
    "demographic_parity_difference": metrics.demographic_parity_difference,
    "demographic_parity_ratio": metrics.demographic_parity_ratio,
    "equal_opportunity_difference": metrics.equal_opportunity_difference,
}


def measure(facet, label, predicted):
    """The metrics of each group, and fairlearn's own comparisons of them."""
    frame = metrics.MetricFrame(metrics=BY_GROUP, y_true=label, y_pred=predicted, sensitive_features=facet)
    of_all = {name: metric(label, predicted, sensitive_features=facet) for name, metric in OF_ALL.items()}
    return {"by_group": {name: dict(frame.by_group[name]) for name in BY_GROUP}, "of_all": of_all}


print(json.dumps([measure(**table) for table in json.load(sys.stdin)], default=float))
