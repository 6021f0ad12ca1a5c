"""Sets of labels, rankings and probabilities of several classes, against scikit-learn and plain definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.preprocessing import MultiLabelBinarizer

from hourglass.quality import Bootstrap, Problem
from hourglass.states import ClassProbabilities, LabelSets, Rankings
from hourglass.undefined import Undefined
from tests.unit.quality.rows import confusion, report_of, values

CLOSE = {"rel": 1e-9, "abs": 1e-9}
SET = st.lists(st.sampled_from("abcd"), max_size=4)


def ids(n: int) -> np.ndarray:
    """Hashes of rows."""
    return np.random.default_rng(n).integers(0, 2**64, n, np.uint64)


def label_sets(actual: list, predicted: list) -> LabelSets:
    """The state of two columns of sets."""
    state = LabelSets.empty()
    kind = pa.list_(pa.string())
    state.update(pa.array(actual, kind), pa.array(predicted, kind), ids(len(actual)))
    return state


def rankings(relevances: list, scores: list, replicates: int = 5) -> Rankings:
    """The state of two columns of lists."""
    state = Rankings.empty(replicates)
    kind = pa.list_(pa.float64())
    state.update(pa.array(relevances, kind), pa.array(scores, kind), ids(len(relevances)))
    return state


@given(st.lists(st.tuples(SET, SET), min_size=1, max_size=12))
@settings(deadline=None)
def test_multilabel_metrics_are_those_of_scikit_learn(rows: list) -> None:
    """Micro and macro averages, subset accuracy and Hamming loss, over the labels that the window has."""
    actual, predicted = [a for a, _ in rows], [p for _, p in rows]
    found = values(report_of(Problem.MULTILABEL, label_sets(actual, predicted)))
    labels = sorted({name for row in rows for side in row for name in side})
    if not labels:
        assert found["subset_accuracy"] == 1.0
        assert found["micro_f1"] == Undefined("no row has an actual label")
        return
    assume(len(labels) > 1)  # one column is not multilabel to scikit-learn, but binary
    binarizer = MultiLabelBinarizer(classes=labels).fit([])
    y, guess = binarizer.transform(actual), binarizer.transform(predicted)
    expected = {
        "subset_accuracy": sk.accuracy_score(y, guess),
        "hamming_loss": sk.hamming_loss(y, guess),
        "micro_precision": sk.precision_score(y, guess, average="micro", zero_division=0),
        "micro_recall": sk.recall_score(y, guess, average="micro", zero_division=0),
        "micro_f1": sk.f1_score(y, guess, average="micro", zero_division=0),
        "macro_f1": sk.f1_score(y, guess, average="macro", zero_division=0),
    }
    assert found.keys() == expected.keys()
    assert all(isinstance(found[key], Undefined) or found[key] == pytest.approx(value, **CLOSE) for key, value in expected.items())


RANKED = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=14)


def plain(relevance: list) -> tuple[float, float, float]:
    """Average precision@10, reciprocal rank and hit@10 of a list in its order."""
    ranks = [rank for rank, gain in enumerate(relevance, 1) if gain > 0]
    precision = sum(found / rank for found, rank in enumerate(ranks, 1) if rank <= 10) / min(10, len(ranks))
    return precision, 1 / ranks[0], float(ranks[0] <= 10)


@given(st.lists(RANKED, min_size=1, max_size=6))
@settings(deadline=None)
def test_rankings_are_those_of_scikit_learn_and_the_definitions(queries: list) -> None:
    """NDCG with its shared gains; the others item by item."""
    relevances, scores = ([[item[side] for item in query] for query in queries] for side in (0, 1))
    found = values(report_of(Problem.RANKING, rankings(relevances, scores)))
    some = [place for place, relevance in enumerate(relevances) if max(relevance) > 0]
    if not some:
        assert found["mrr"] == Undefined(f"none of {len(queries)} queries has a relevant item")
        return
    ordered = [[relevances[place][item] for item in np.argsort(-np.array(scores[place]), kind="stable")] for place in some]
    means = np.mean([plain(relevance) for relevance in ordered], axis=0).tolist()
    gains = [sk.ndcg_score([relevances[place]], [scores[place]], k=10) for place in some]
    assert found == {
        key: pytest.approx(value, **CLOSE)
        for key, value in zip(("ndcg_at_10", "map_at_10", "mrr", "hit_rate_at_10"), (np.mean(gains), *means), strict=True)
    }


def test_queries_that_cannot_be_ranked_are_counted() -> None:
    """Lists of two lengths, of nothing, without a number, with nothing relevant."""
    state = rankings([[1, 0], [1], None, [], [1, None], [0, 0], [-1, 1]], [[2, 1], [1, 2], [1], [], [1, 2], [1, 2], [1, 2]])
    assert (state.n, dict(zip(state.APART, state.apart, strict=True))) == (1, {"unusable": 5, "nothing_relevant": 1})


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(1, 5), min_size=6, max_size=6)), min_size=1, max_size=15))
@settings(deadline=None)
def test_probabilities_of_several_classes_are_judged_as_by_scikit_learn(rows: list) -> None:
    """Top-k accuracy with ties, and log loss."""
    actual = np.array([place for place, _ in rows])
    table = np.array([weights for _, weights in rows], np.float64)
    table /= table.sum(axis=1, keepdims=True)
    names = list("abcdef")
    state = ClassProbabilities.empty()
    state.update(pa.array([names[place] for place in actual]), table, names, ids(len(rows)))
    labels = [names[place] for place in actual]
    found = values(report_of(Problem.MULTICLASS, confusion(labels, labels), state))
    assert found["top_2_accuracy"] == pytest.approx(sk.top_k_accuracy_score(actual, table, k=2, labels=range(6)), **CLOSE)
    assert found["top_5_accuracy"] == pytest.approx(sk.top_k_accuracy_score(actual, table, k=5, labels=range(6)), **CLOSE)
    assert found["log_loss"] == pytest.approx(sk.log_loss(actual, table, labels=range(6)), **CLOSE)


@pytest.mark.parametrize(
    ("labels", "table", "reason"),
    [
        (None, None, "no probability"),
        ([None, None], [[0.5, 0.5]] * 2, "none of 2 rows has a label"),
        (["a", None], [[np.nan, 0.5]] * 2, "1 of 2 rows have no label, the others no probability of each class"),
    ],
    ids=["no state", "no label", "no probability"],
)
def test_without_probabilities_there_is_no_log_loss(labels: Any, table: Any, reason: str) -> None:
    """And no top-k accuracy, for the same reason; accuracy there is."""
    states: list[Any] = [confusion(["a", "b"], ["a", "a"])]
    if labels:
        states.append(ClassProbabilities.empty())
        states[1].update(pa.array(labels, pa.string()), np.array(table), ["a", "b"], ids(2))
    found = values(report_of(Problem.MULTICLASS, *states))
    assert found["log_loss"] == found["top_2_accuracy"] == Undefined(reason)
    assert found["accuracy"] == 0.5


def test_a_class_that_the_model_does_not_know_is_no_hit() -> None:
    """Whatever k is, and however the other classes are ranked."""
    state = ClassProbabilities.empty()
    state.update(pa.array(["z"]), np.array([[1.0, 0.0]]), ["a", "b"], ids(1))
    assert state.sums[0, 1:6].tolist() == [0] * 5


def test_deviations_come_from_the_replicates() -> None:
    """The deviation of a share is sqrt(p (1 - p) / 0.8 n), for sets and for rankings."""
    random = np.random.default_rng(0)
    right = random.random(2000) < 0.7
    state = LabelSets.empty(400)
    kind = pa.list_(pa.string())
    state.update(pa.array([["a"]] * 2000, kind), pa.array([["a"] if hit else ["b"] for hit in right], kind), ids(2000))
    lists = [[1.0 if hit else 0.0] * 10 + [1.0] for hit in right]
    ranked = rankings(lists, [list(range(11, 0, -1))] * 2000, 400)
    for problem, found, key in ((Problem.MULTILABEL, state, "subset_accuracy"), (Problem.RANKING, ranked, "hit_rate_at_10")):
        measured = report_of(problem, found, bootstrap=Bootstrap(draws=400)).metrics[key]
        share = right.mean()
        assert measured.value == pytest.approx(share)
        assert measured.deviation == pytest.approx(np.sqrt(share * (1 - share) / 1600), rel=0.15)


def test_what_is_summed_over_labels_is_exact_however_many_there_are() -> None:
    """Beyond a thousand labels the averages over labels are not computable, the others are as they were."""
    names = [f"c{i}" for i in range(1200)]
    found = values(report_of(Problem.MULTILABEL, label_sets([[name] for name in names], [[name, "x"] for name in names])))
    assert (found["micro_recall"], found["micro_precision"]) == (1.0, 0.5)
    assert found["macro_f1"] == found["hamming_loss"] == Undefined("more than 1,000 labels, of which not all are kept apart")
