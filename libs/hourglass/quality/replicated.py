"""The tables of states with replicates: probabilities of several classes, sets of labels, rankings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hourglass.comparisons import Worse
from hourglass.problems import Problem
from hourglass.quality.binary import SKLEARN
from hourglass.quality.metric import Condition, quality_metric, ratio
from hourglass.states.class_probabilities import ClassProbabilities
from hourglass.states.label_sets import LabelSets, Totals
from hourglass.states.rankings import Rankings
from hourglass.states.replicates import UNIT, ReplicatedSums
from hourglass.values import Counts, Floats

MANNING = "Manning, Raghavan, Schütze (2008), Introduction to Information Retrieval"


def columns(cls: type[ReplicatedSums], sums: Counts) -> Mapping[str, Floats]:
    """The sums by name, a number for each draw."""
    return dict(zip(cls.COLUMNS, np.moveaxis(sums.astype(np.float64), -1, 0), strict=True))


@dataclass(frozen=True)
class ProbabilityTable:
    """The sums of `ClassProbabilities`."""

    problem: ClassVar[Problem] = Problem.MULTICLASS
    state: ClassVar[str] = ClassProbabilities.kind

    sums: Mapping[str, Floats]

    @classmethod
    def of(cls, sums: Counts) -> ProbabilityTable:
        """The table of rows of sums."""
        return cls(columns(ClassProbabilities, sums))


@dataclass(frozen=True)
class RankingTable:
    """The sums of `Rankings`."""

    problem: ClassVar[Problem] = Problem.RANKING
    state: ClassVar[str] = Rankings.kind

    sums: Mapping[str, Floats]

    @classmethod
    def of(cls, sums: Counts) -> RankingTable:
        """The table of rows of sums."""
        return cls(columns(Rankings, sums))


@dataclass(frozen=True)
class LabelTable:
    """The sums of `LabelSets`: `cells` by label and true positive, false positive, false negative (last two axes)."""

    problem: ClassVar[Problem] = Problem.MULTILABEL
    state: ClassVar[str] = LabelSets.kind

    sums: Mapping[str, Floats]
    cells: Floats
    truncated: bool

    @classmethod
    def of(cls, state: LabelSets, rows: slice) -> LabelTable:
        """The table of some of a state's rows of sums."""
        return cls(columns(Totals, state.totals.sums[rows]), state.cells[rows].astype(np.float64), state.truncated)


PROBABLE = Condition[ProbabilityTable](lambda t: t.sums["rows"] > 0, lambda _: "no rows")
QUERIES = Condition[RankingTable](lambda t: t.sums["rows"] > 0, lambda _: "no query with a relevant item")
SETS = Condition[LabelTable](lambda t: t.sums["rows"] > 0, lambda _: "no rows")
TRUE_LABELS = Condition[LabelTable](lambda t: t.sums["tp"] + t.sums["fn"] > 0, lambda _: "no row has an actual label")
SAID_LABELS = Condition[LabelTable](lambda t: t.sums["tp"] + t.sums["fp"] > 0, lambda _: "no row has a predicted label")
ALL_LABELS = Condition[LabelTable](
    lambda t: np.full(len(t.cells), not t.truncated), lambda _: "more than 1,000 labels, of which not all are kept apart"
)


@quality_metric(ProbabilityTable, worse=Worse.LOWER, requires=(PROBABLE,), source=SKLEARN, contract=False)
def top_2_accuracy(table: ProbabilityTable) -> Floats:
    """Share of the rows whose actual class is among the two most probable.

    Undefined without rows. Of equally probable classes the later in the model's list goes first.

    >>> top_2_accuracy(ProbabilityTable({"rows": np.array([4.0]), "top_2": np.array([3.0])})).tolist()
    [0.75]
    """
    return ratio(table.sums["top_2"], table.sums["rows"])


@quality_metric(ProbabilityTable, worse=Worse.LOWER, requires=(PROBABLE,), source=SKLEARN, contract=False)
def top_5_accuracy(table: ProbabilityTable) -> Floats:
    """Share of the rows whose actual class is among the five most probable.

    Undefined without rows. Of equally probable classes the later in the model's list goes first.

    >>> top_5_accuracy(ProbabilityTable({"rows": np.array([4.0]), "top_5": np.array([4.0])})).tolist()
    [1.0]
    """
    return ratio(table.sums["top_5"], table.sums["rows"])


@quality_metric(ProbabilityTable, worse=Worse.HIGHER, requires=(PROBABLE,), source=SKLEARN, contract=False)
def log_loss(table: ProbabilityTable) -> Floats:
    """Mean of -log(the probability of the actual class), in nats; probabilities are held off 0 and 1 by 2.2e-16.

    Undefined without rows.

    >>> log_loss(ProbabilityTable({"rows": np.array([2.0]), "logarithms": np.array([2.0**33])})).tolist()
    [1.0]
    """
    return ratio(table.sums["logarithms"] / UNIT, table.sums["rows"])


@quality_metric(LabelTable, worse=Worse.LOWER, requires=(SETS,), source=SKLEARN, contract=False)
def subset_accuracy(table: LabelTable) -> Floats:
    """Share of the rows whose predicted set of labels is the actual one.

    Undefined without rows.

    >>> sums = {"rows": np.array([4.0]), "exact": np.array([1.0])}
    >>> subset_accuracy(LabelTable(sums, np.zeros((1, 0, 3)), truncated=False)).tolist()
    [0.25]
    """
    return ratio(table.sums["exact"], table.sums["rows"])


@quality_metric(LabelTable, worse=Worse.HIGHER, requires=(SETS, ALL_LABELS), source=SKLEARN, contract=False)
def hamming_loss(table: LabelTable) -> Floats:
    """Share of all pairs of row and label that are predicted wrong: (FP + FN) / (rows × labels met in the window).

    Undefined without rows, and above 1,000 labels. Without any label nothing is wrong.

    >>> sums = {"rows": np.array([2.0]), "fp": np.array([1.0]), "fn": np.array([0.0])}
    >>> hamming_loss(LabelTable(sums, np.zeros((1, 2, 3)), truncated=False)).tolist()
    [0.25]
    """
    return ratio(table.sums["fp"] + table.sums["fn"], table.sums["rows"] * table.cells.shape[1])


@quality_metric(LabelTable, worse=Worse.LOWER, requires=(TRUE_LABELS, SAID_LABELS), source=SKLEARN, contract=False)
def micro_precision(table: LabelTable) -> Floats:
    """Share of the predicted labels that are right, all labels together.

    Undefined when no row has a predicted label, or none an actual one.

    >>> micro_precision(LabelTable({"tp": np.array([3.0]), "fp": np.array([1.0])}, np.zeros((1, 0, 3)), truncated=False)).tolist()
    [0.75]
    """
    return ratio(table.sums["tp"], table.sums["tp"] + table.sums["fp"])


@quality_metric(LabelTable, worse=Worse.LOWER, requires=(TRUE_LABELS,), source=SKLEARN, contract=False)
def micro_recall(table: LabelTable) -> Floats:
    """Share of the actual labels that are predicted, all labels together.

    Undefined when no row has an actual label.

    >>> micro_recall(LabelTable({"tp": np.array([3.0]), "fn": np.array([1.0])}, np.zeros((1, 0, 3)), truncated=False)).tolist()
    [0.75]
    """
    return ratio(table.sums["tp"], table.sums["tp"] + table.sums["fn"])


@quality_metric(LabelTable, worse=Worse.LOWER, requires=(TRUE_LABELS,), source=SKLEARN, contract=False)
def micro_f1(table: LabelTable) -> Floats:
    """F-score of all labels together: 2 TP / (2 TP + FN + FP).

    Undefined when no row has an actual label.

    >>> sums = {"tp": np.array([1.0]), "fp": np.array([1.0]), "fn": np.array([1.0])}
    >>> micro_f1(LabelTable(sums, np.zeros((1, 0, 3)), truncated=False)).tolist()
    [0.5]
    """
    return ratio(2 * table.sums["tp"], 2 * table.sums["tp"] + table.sums["fp"] + table.sums["fn"])


@quality_metric(LabelTable, worse=Worse.LOWER, requires=(TRUE_LABELS, ALL_LABELS), source=SKLEARN, contract=False)
def macro_f1(table: LabelTable) -> Floats:
    """Mean of the labels' F-scores, each label alike.

    Undefined when no row has an actual label, and above 1,000 labels.

    >>> sums = {"tp": np.array([1.0]), "fn": np.array([1.0])}
    >>> macro_f1(LabelTable(sums, np.array([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]), truncated=False)).tolist()
    [0.5]
    """
    tp, fp, fn = np.moveaxis(table.cells, -1, 0)
    return ratio(ratio(2 * tp, 2 * tp + fp + fn).sum(axis=-1), np.full(len(table.cells), float(table.cells.shape[1])))


@quality_metric(RankingTable, worse=Worse.LOWER, requires=(QUERIES,), source=SKLEARN, contract=False)
def ndcg_at_10(table: RankingTable) -> Floats:
    """Mean over the queries of the discounted gain of the first ten items, divided by that of the best order.

    Undefined when no query has a relevant item; such queries are left out. Equal scores share their gains.

    >>> ndcg_at_10(RankingTable({"rows": np.array([2.0]), "gain": np.array([2.0**32])})).tolist()
    [0.5]
    """
    return ratio(table.sums["gain"] / UNIT, table.sums["rows"])


@quality_metric(RankingTable, worse=Worse.LOWER, requires=(QUERIES,), source=MANNING, contract=False)
def map_at_10(table: RankingTable) -> Floats:
    """Mean over the queries of average precision@10: the precisions at each relevant item's rank / relevant items, at most 10.

    Undefined when no query has a relevant item; such queries are left out.

    >>> map_at_10(RankingTable({"rows": np.array([2.0]), "precision": np.array([2.0**32])})).tolist()
    [0.5]
    """
    return ratio(table.sums["precision"] / UNIT, table.sums["rows"])


@quality_metric(RankingTable, worse=Worse.LOWER, requires=(QUERIES,), source="Voorhees (1999), TREC-8", contract=False)
def mrr(table: RankingTable) -> Floats:
    """Mean over the queries of 1 / rank of the first relevant item.

    Undefined when no query has a relevant item; such queries are left out.

    >>> mrr(RankingTable({"rows": np.array([2.0]), "reciprocal": np.array([2.0**32])})).tolist()
    [0.5]
    """
    return ratio(table.sums["reciprocal"] / UNIT, table.sums["rows"])


@quality_metric(RankingTable, worse=Worse.LOWER, requires=(QUERIES,), source="common definition", contract=False)
def hit_rate_at_10(table: RankingTable) -> Floats:
    """Share of the queries with a relevant item among the first ten.

    Undefined when no query has a relevant item; such queries are left out.

    >>> hit_rate_at_10(RankingTable({"rows": np.array([2.0]), "hits": np.array([2.0**32])})).tolist()
    [0.5]
    """
    return ratio(table.sums["hits"] / UNIT, table.sums["rows"])
