"""What scikit-learn, or a formula written out, says of rows: the metrics that have a value, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import metrics as sk
from sklearn.preprocessing import MultiLabelBinarizer

BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
CONSTANT = "_best_constant_classifier"
SMALLEST = float(np.finfo(np.float64).eps)


def regression(actual: Sequence[float | None], predicted: Sequence[float | None]) -> dict[str, float]:
    """Of rows that have both numbers."""
    pairs = [(a, p) for a, p in zip(actual, predicted, strict=True) if a is not None and p is not None]
    if not pairs:
        return {}
    y, guess = np.array(pairs, np.float64).T
    found = {"mae": sk.mean_absolute_error(y, guess), "mse": sk.mean_squared_error(y, guess)}
    found["rmse"] = sk.root_mean_squared_error(y, guess)
    if len({a for a, _ in pairs}) > 1:
        found["r2"] = sk.r2_score(y, guess)
    if (y != 0).any():
        # scikit-learn divides by 2e-16 at least
        found["mape"] = float(np.mean(np.abs((guess - y)[y != 0] / y[y != 0])))
    return found


def binary(
    actual: Sequence[str | None], predicted: Sequence[str | None], scores: Sequence[float | None] | None = None, positive: str = "1"
) -> dict[str, float]:
    """Of rows with an actual and a predicted class, and of those with an actual class and a score."""
    pairs = [(a == positive, p == positive) for a, p in zip(actual, predicted, strict=True) if a is not None and p is not None]
    found: dict[str, float] = {}
    if pairs:
        y, guess = (np.array(side) for side in zip(*pairs, strict=True))
        both = 0 < y.sum() < len(y)
        for suffix, said in (("", guess), (CONSTANT, np.ones(len(y), np.bool_))):
            found[f"accuracy{suffix}"] = sk.accuracy_score(y, said)
            if y.any():
                found[f"recall{suffix}"] = sk.recall_score(y, said, zero_division=0)
            if both and said.any():
                found[f"precision{suffix}"] = sk.precision_score(y, said)
            if both:
                found |= {f"{key}{suffix}": sk.fbeta_score(y, said, beta=beta, zero_division=0) for key, beta in BETAS.items()}
        tn, fp, fn, tp = sk.confusion_matrix(y, guess, labels=[False, True]).ravel().tolist()
        if tp + fn:
            found |= {"true_positive_rate": tp / (tp + fn), "false_negative_rate": fn / (tp + fn)}
        if tn + fp:
            found |= {"true_negative_rate": tn / (tn + fp), "false_positive_rate": fp / (tn + fp)}
    scored = [(a == positive, s) for a, s in zip(actual, scores or [None] * len(actual), strict=True) if a is not None and s is not None]
    return found | (_scored(*(np.array(side) for side in zip(*scored, strict=True))) if scored else {})


def _scored(y: Any, p: Any) -> dict[str, float]:
    found = {}
    if ((p >= 0) & (p <= 1)).all():
        found["brier"] = float(np.mean((p - y) ** 2))
        found["log_loss"] = sk.log_loss(y, p, labels=[False, True])
        bins = np.digitize(p, np.linspace(0, 1, 11)[1:-1], right=True)
        apart = [abs(float(y[bins == place].sum() - p[bins == place].sum())) for place in range(10)]
        found["expected_calibration_error"] = sum(apart) / len(y)
    if 0 < y.sum() < len(y) and len(set(p.tolist())) > 1:
        found["auc"] = sk.roc_auc_score(y, p)
        precisions, recalls, _ = sk.precision_recall_curve(y, p)
        found["au_prc"] = sk.auc(recalls, precisions)
        found |= {"lift_at_1": lift(y, p, 0.01), "lift_at_10": lift(y, p, 0.1)}
    return found


def lift(y: Any, p: Any, share: float) -> float:
    """Positives among the first rows by score, those with the score at the cut in part, beside their share among all."""
    room, hits = share * len(y), 0.0
    for score in sorted(set(p.tolist()), reverse=True):
        own = y[p == score]
        part = min(room, len(own))
        hits += part * float(own.mean())
        room -= part
    return hits / (share * len(y)) / float(y.mean())


def multiclass(
    actual: Sequence[str | None],
    predicted: Sequence[str | None],
    probabilities: Sequence[Sequence[float] | None] | None = None,
    classes: Sequence[str] = (),
) -> dict[str, float]:
    """Of rows with both classes, and of those with an actual class and a list of probabilities."""
    pairs = [(a, p) for a, p in zip(actual, predicted, strict=True) if a is not None and p is not None]
    found: dict[str, float] = {}
    if pairs:
        y, guess = (list(side) for side in zip(*pairs, strict=True))
        constant = "1" if "1" in {*y, *guess} else max(sorted(set(y)), key=y.count)
        for suffix, said in (("", guess), (CONSTANT, [constant] * len(y))):
            options: dict[str, Any] = {"average": "weighted", "zero_division": 0}
            found[f"accuracy{suffix}"] = sk.accuracy_score(y, said)
            found[f"weighted_recall{suffix}"] = sk.recall_score(y, said, **options)
            if len(set(y)) > 1:
                found |= {f"weighted_{key}{suffix}": sk.fbeta_score(y, said, beta=beta, **options) for key, beta in BETAS.items()}
            if len(set(y)) > 1 and set(y) & set(said):
                found[f"weighted_precision{suffix}"] = sk.precision_score(y, said, **options)
    given = [(a, p) for a, p in zip(actual, probabilities or [None] * len(actual), strict=True) if a is not None and p is not None]
    if given:
        own = [dict(zip(classes, row, strict=True)).get(a, 0.0) for a, row in given]
        found["log_loss"] = float(np.mean(-np.log(np.clip(own, SMALLEST, 1 - SMALLEST))))
        for k in (2, 5):
            tops = [[classes[i] for i in sorted(range(len(row)), key=lambda i: (row[i], i), reverse=True)[:k]] for _, row in given]
            found[f"top_{k}_accuracy"] = float(np.mean([a in top for (a, _), top in zip(given, tops, strict=True)]))
    return found


def multilabel(actual: Sequence[Sequence[str] | None], predicted: Sequence[Sequence[str] | None]) -> dict[str, float]:
    """Of rows with both sets."""
    pairs = [(a, p) for a, p in zip(actual, predicted, strict=True) if a is not None and p is not None]
    if not pairs:
        return {}
    names = sorted({name for pair in pairs for side in pair for name in side})
    if not names:
        return {"subset_accuracy": 1.0, "hamming_loss": 0.0}
    made = MultiLabelBinarizer(classes=names)
    y, guess = (made.fit_transform(side) for side in zip(*pairs, strict=True))
    found = {"subset_accuracy": sk.accuracy_score(y, guess), "hamming_loss": sk.hamming_loss(y, guess)}
    average = "micro" if len(names) > 1 else "binary"  # to scikit-learn one label is a class and its opposite
    if y.any():
        found["micro_recall"] = sk.recall_score(y, guess, average=average, zero_division=0)
        found["micro_f1"] = sk.f1_score(y, guess, average=average, zero_division=0)
        found["macro_f1"] = sk.f1_score(y, guess, average="macro" if len(names) > 1 else "binary", zero_division=0)
    if y.any() and guess.any():
        found["micro_precision"] = sk.precision_score(y, guess, average=average)
    return found


def ranking(relevances: Sequence[Sequence[float] | None], scores: Sequence[Sequence[float] | None]) -> dict[str, float]:
    """Of queries with two lists of one length and a relevant item."""
    queries = [(r, s) for r, s in zip(relevances, scores, strict=True) if r and s and len(r) == len(s) and max(r) > 0]
    if not queries:
        return {}
    parts = []
    for relevance, score in queries:
        order = sorted(range(len(score)), key=lambda i: -score[i])
        hits = [rank for rank, i in enumerate(order, 1) if relevance[i] > 0]
        precisions = [number / rank for number, rank in enumerate(hits, 1) if rank <= 10]
        gain = sk.ndcg_score([relevance], [score], k=10) if len(score) > 1 else 1.0
        parts.append((gain, sum(precisions) / min(len(hits), 10), 1 / hits[0], float(hits[0] <= 10)))
    return dict(zip(("ndcg_at_10", "map_at_10", "mrr", "hit_rate_at_10"), np.mean(parts, axis=0).tolist(), strict=True))
