"""The whole job, files in and statistics.json out, against scikit-learn on the same rows, in every shape that rows come in."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hourglass.problems import Problem
from hourglass.quality import metrics_of
from tests.engine import read, run_quality
from tests.model_quality import oracles
from tests.model_quality.shapes import SEVERAL, WHOLE, Row, Shape

CLASSES = ["setosa", "versicolor", "1"]
Expected = Mapping[str, float]


def evaluate(shape: Shape, rows: Sequence[Row], folder: Path, problem: Problem, **flags: Any) -> dict[str, Any]:
    """The job's statistics.json of some rows in a shape."""
    source = folder / "source"
    source.mkdir()
    run_quality(folder / "out", problem_type=problem, **shape(source, rows), bootstrap_draws=0, **flags)
    return read(folder / "out" / "statistics.json")


def assert_agree(document: Mapping[str, Any], problem: Problem, expected: Expected) -> None:
    """Every metric of the problem has the expected value, or none and a reason."""
    known = metrics_of(problem)
    found = {key: entry["value"] for key, entry in document[f"{problem.part}_metrics"].items() if key in known}
    assert found == pytest.approx(dict(expected), rel=1e-9, abs=1e-9)
    assert {key for key in document.get("not_computable", {}) if key in known} == known.keys() - expected.keys()


def names(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def column(rows: Sequence[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def by_cut(rows: Sequence[Row], cut: float | None) -> list[str | None]:
    """The classes that a threshold makes, one for all or each row's own."""
    limits = [row.get("cut") if cut is None else cut for row in rows]
    return [
        None if row["score"] is None or limit is None else str(int(row["score"] >= limit)) for row, limit in zip(rows, limits, strict=True)
    ]


def expected_of(problem: Problem, rows: Sequence[Row], cut: float | None = 0.5) -> Expected:
    """What is right for rows of a problem."""
    labels = column(rows, "label")
    if problem is Problem.REGRESSION:
        return oracles.regression(labels, column(rows, "prediction"))
    if problem is Problem.BINARY:
        said = names(column(rows, "prediction")) if "prediction" in rows[0] else by_cut(rows, cut)
        return oracles.binary(names(labels), said, column(rows, "score") if "score" in rows[0] else None)
    if problem is Problem.MULTICLASS:
        lists = column(rows, "score") if "score" in rows[0] else None
        said = column(rows, "prediction") if "prediction" in rows[0] else [p and CLASSES[p.index(max(p))] for p in lists or []]
        return oracles.multiclass(labels, said, lists, CLASSES)
    if problem is Problem.MULTILABEL:
        return oracles.multilabel(labels, column(rows, "prediction"))
    return oracles.ranking(labels, column(rows, "score"))


def regression_row(draws: random.Random) -> Row:
    label = round(draws.gauss(10, 3), 4)
    return {"prediction": label + draws.gauss(0, 1), "label": label}


def binary_row(draws: random.Random) -> Row:
    label = int(draws.random() < 0.4)
    return {
        "prediction": int(draws.random() < 0.3 + 0.5 * label),
        "score": round(draws.betavariate(1 + label, 2 - label), 2),
        "label": label,
    }


def multiclass_row(draws: random.Random) -> Row:
    weights = [draws.random() + 0.01 for _ in CLASSES]
    label = draws.choices(CLASSES, weights)[0]
    return {"prediction": draws.choice(CLASSES), "score": [weight / sum(weights) for weight in weights], "label": label}


def multilabel_row(draws: random.Random) -> Row:
    return {name: draws.sample(["news", "sport", "arts", "1"], draws.randint(0, 3)) for name in ("prediction", "label")}


def ranking_row(draws: random.Random) -> Row:
    size = draws.randint(2, 14)
    return {"score": [draws.random() for _ in range(size)], "label": [float(draws.choice([0, 0, 0, 1, 2])) for _ in range(size)]}


MAKE: Mapping[Problem, Callable[[random.Random], Row]] = {
    Problem.REGRESSION: regression_row,
    Problem.BINARY: binary_row,
    Problem.MULTICLASS: multiclass_row,
    Problem.MULTILABEL: multilabel_row,
    Problem.RANKING: ranking_row,
}


def rows_of(problem: Problem, count: int, without: Sequence[str] = ()) -> list[Row]:
    draws = random.Random(count)
    return [{name: value for name, value in MAKE[problem](draws).items() if name not in without} for _ in range(count)]


def flags_of(problem: Problem, rows: Sequence[Row]) -> dict[str, Any]:
    return {"class_labels": ", ".join(CLASSES)} if problem is Problem.MULTICLASS and "score" in rows[0] else {}


ONE_VALUE = [(Problem.REGRESSION, ()), (Problem.BINARY, ("score",)), (Problem.BINARY, ()), (Problem.BINARY, ("prediction",))]
OF_CLASSES = [(Problem.MULTICLASS, ("score",)), (Problem.MULTICLASS, ()), (Problem.MULTICLASS, ("prediction",))]
LISTS = [(Problem.MULTILABEL, ()), (Problem.RANKING, ())]
EVERY = [
    *((shape, *case) for case in (*ONE_VALUE, *OF_CLASSES, *LISTS) for shape in WHOLE),
    *((shape, *case) for case in (*ONE_VALUE, OF_CLASSES[0]) for shape in SEVERAL),
    *((shape, *case) for case in OF_CLASSES[1:] for shape in SEVERAL if shape.__name__ != "several_in_a_wider_document"),
]


@pytest.mark.parametrize(
    ("shape", "problem", "without"),
    EVERY,
    ids=lambda part: getattr(part, "__name__", "without-" + "-".join(part) if isinstance(part, tuple) else part),
)
def test_every_metric_is_scikit_learns_in_every_shape(shape: Shape, problem: Problem, without: Sequence[str], tmp_path: Path) -> None:
    """Sixty rows as CSV, JSON, Parquet and merged captures of one or several records, with and without a probability."""
    rows = rows_of(problem, 60, without)
    document = evaluate(shape, rows, tmp_path, problem, **flags_of(problem, rows))
    assert document["dataset"]["item_count"] == 60
    assert_agree(document, problem, expected_of(problem, rows))
