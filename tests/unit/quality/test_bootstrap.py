"""Deviations: drawing in a table is drawing rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import fbeta_score, roc_auc_score

from hourglass.quality import Bootstrap, Problem, metrics_of
from hourglass.quality.binary import BinaryTable
from hourglass.quality.bootstrap import draw_cells
from hourglass.quality.multiclass import ClassTable
from hourglass.quality.probability import ScoreTable, drawn_points
from hourglass.quality.regression import ErrorTable
from hourglass.states import Errors, Scores
from hourglass.states.replicates import weights
from hourglass.undefined import Undefined
from tests.unit.quality.rows import confusion, errors, report_of, scores

DRAWS = 1500
ONE_IN_A_MILLION = 1e-6


def drawn_rows(n: int, seed: int) -> np.ndarray:
    """Places of 80 % of the rows, drawn with replacement, a draw a line."""
    return np.random.default_rng(seed).integers(0, n, (DRAWS, round(0.8 * n)))


@pytest.mark.parametrize("seed", range(4))
def test_drawing_in_the_table_is_drawing_rows(seed: int) -> None:
    """Weighted F1 of 300 rows of three classes: one distribution, by a Kolmogorov-Smirnov test that fails once in a million."""
    random = np.random.default_rng(seed)
    actual = random.integers(0, 3, 300)
    predicted = np.where(random.random(300) < 0.7, actual, random.integers(0, 3, 300))
    state = confusion(actual.tolist(), predicted.tolist())
    table = next(ClassTable.of(state, cells) for cells in draw_cells(state.counts, Bootstrap(DRAWS, seed=seed)))
    ours = metrics_of(Problem.MULTICLASS)["weighted_f1"].values(table)
    theirs = [fbeta_score(actual[rows], predicted[rows], beta=1, average="weighted") for rows in drawn_rows(300, seed)]
    assert stats.ks_2samp(ours.round(9), np.round(theirs, 9)).pvalue > ONE_IN_A_MILLION


@pytest.mark.parametrize("distinct", [20, 100_000])
def test_auc_of_draws_in_the_table_is_that_of_drawn_rows(distinct: int) -> None:
    """Also where 4,000 distinct scores are drawn from 2,048 buckets."""
    random = np.random.default_rng(distinct)
    given_scores = random.integers(0, distinct, 4000) / distinct
    actual = random.random(4000) < 0.2 + 0.6 * given_scores
    points = drawn_points(scores(actual, given_scores))
    cells = np.concatenate([points.negatives, points.positives])
    tables = [ScoreTable.drawn(points, block, 0) for block in draw_cells(cells, Bootstrap(DRAWS))]
    ours = np.concatenate([metrics_of(Problem.BINARY)["auc"].values(table) for table in tables])
    theirs = np.array([roc_auc_score(actual[rows], given_scores[rows]) for rows in drawn_rows(4000, 7)[:400]])
    assert stats.ks_2samp(ours, theirs).pvalue > ONE_IN_A_MILLION


@pytest.mark.parametrize("key", ["mae", "rmse", "r2", "mape"])
def test_poisson_replicates_have_the_deviation_of_drawn_rows(key: str) -> None:
    """The two bootstraps differ in how many rows a draw has, which a mean of 2,000 rows does not show."""
    random = np.random.default_rng(3)
    y = random.gamma(4, 2, 2000)
    predicted = y + random.normal(0, 1 + y / 8)
    state = errors(y, predicted, replicates=DRAWS)
    ours = metrics_of(Problem.REGRESSION)[key].values(ErrorTable.of(state.sums[1:]))
    alone = [errors(y[rows], predicted[rows], replicates=0).sums[0] for rows in drawn_rows(2000, 3)]
    theirs = metrics_of(Problem.REGRESSION)[key].values(ErrorTable.of(np.array(alone)))
    assert ours.mean() == pytest.approx(theirs.mean(), abs=6 * theirs.std() / np.sqrt(DRAWS))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.12)


def test_replicates_are_independent_poisson_variables() -> None:
    """Mean and variance 0.8, uncorrelated from one replicate to the next, also of ids in a row."""
    for ids in (np.arange(200_000, dtype=np.uint64), np.random.default_rng(0).integers(0, 2**64, 200_000, np.uint64)):
        drawn = np.array(list(weights(ids, 9)))
        np.testing.assert_allclose(drawn.mean(axis=1), 0.8, atol=0.012)
        np.testing.assert_allclose(drawn.var(axis=1), 0.8, atol=0.02)
        assert np.abs(np.corrcoef(drawn) - np.eye(9)).max() < 0.012


def test_replicates_do_not_depend_on_the_order_or_the_cutting_of_rows() -> None:
    """A row is drawn by its id, wherever it comes."""
    random = np.random.default_rng(0)
    y, e, ids = random.normal(size=900), random.normal(size=900), random.integers(0, 2**64, 900, np.uint64)
    whole, parts = Errors.empty(), []
    whole.update(y, y + e, ids)
    for rows in np.array_split(random.permutation(900), 7):
        part = Errors.empty()
        part.update(y[rows], (y + e)[rows], ids[rows])
        parts.append(part)
    np.testing.assert_allclose(Errors.merged(parts).sums, whole.sums, rtol=1e-10)


def test_the_same_seed_gives_the_same_deviations_and_another_gives_others() -> None:
    """Reports of one window are the same in every run."""
    state = confusion(["1", "0"] * 200, ["1", "0", "0", "0"] * 100)
    first, second, third = (
        report_of(Problem.BINARY, state, bootstrap=Bootstrap(seed=seed)).metrics["recall"].deviation for seed in (0, 0, 1)
    )
    assert first == second != third


def test_draws_do_not_depend_on_how_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large tables are drawn from in blocks."""
    counts = np.arange(1, 40)
    at_once = np.concatenate(list(draw_cells(counts, Bootstrap(50))))
    monkeypatch.setattr("hourglass.quality.bootstrap._AT_ONCE", 100)
    np.testing.assert_array_equal(np.concatenate(list(draw_cells(counts, Bootstrap(50)))), at_once)


@pytest.mark.parametrize(("rows", "known"), [(199, False), (200, True)])
def test_there_is_a_deviation_from_two_hundred_rows_on(rows: int, known: bool) -> None:
    """As in the stock analyzer."""
    labels = (["1", "0"] * rows)[:rows]
    guesses = (["1", "0", "0"] * rows)[:rows]
    by_class = report_of(Problem.BINARY, confusion(labels, guesses), scores([label == "1" for label in labels], np.linspace(0, 1, rows)))
    numbers = report_of(Problem.REGRESSION, errors(np.arange(rows) * 1.0, np.arange(rows) + 0.5))
    for report in (by_class, numbers):
        defined = [measured for measured in report.metrics.values() if not isinstance(measured.value, Undefined)]
        assert defined
        assert all(isinstance(measured.deviation, float) == known for measured in defined)


def test_a_table_of_many_classes_can_be_drawn_from() -> None:
    """Twelve hundred classes, most cells empty: a thousand draws in bounded memory."""
    random = np.random.default_rng(0)
    actual = random.integers(0, 1200, 20_000)
    state = confusion([f"c{i}" for i in actual], [f"c{i}" for i in np.where(random.random(20_000) < 0.8, actual, 0)])
    measured = report_of(Problem.MULTICLASS, state, bootstrap=Bootstrap(draws=200)).metrics["accuracy"]
    right = measured.value
    assert right == pytest.approx(0.8, abs=0.02)
    assert measured.deviation == pytest.approx(np.sqrt(right * (1 - right) / 16_000), rel=0.2)


def test_the_deviation_is_that_of_four_fifths_of_the_rows() -> None:
    """For a share, sqrt(p (1 - p) / 0.8 n)."""
    table = next(draw_cells(np.array([300, 100, 100, 500]), Bootstrap(draws=4000)))
    spread = metrics_of(Problem.BINARY)["accuracy"].values(BinaryTable.of(table, "1")).std()
    assert spread == pytest.approx(np.sqrt(0.8 * 0.2 / 800), rel=0.05)


def test_scores_without_rows_are_drawn_from_no_more_than_they_are() -> None:
    """No rows, no draws."""
    assert list(draw_cells(np.zeros(4, np.int64), Bootstrap())) == []
    assert len(drawn_points(Scores.empty()).scores) == 0
