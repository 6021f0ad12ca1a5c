"""The whole job, files in and statistics.json out, against scikit-learn on the same rows, in every shape that rows come in."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(("cut", "limit"), [(None, 0.5), ("0.3", 0.3), ("1", 1.0)])
def test_a_threshold_makes_the_class_of_a_probability(cut: str | None, limit: float, tmp_path: Path) -> None:
    """0.5 unless set, any number from 0 to 1; from the threshold on is positive."""
    rows = rows_of(Problem.BINARY, 80, ("prediction",))
    flags = {} if cut is None else {"probability_threshold_attribute": cut}
    assert_agree(evaluate(WHOLE[4], rows, tmp_path, Problem.BINARY, **flags), Problem.BINARY, expected_of(Problem.BINARY, rows, limit))


@pytest.mark.parametrize("shape", [*WHOLE, *SEVERAL], ids=lambda shape: shape.__name__)
def test_a_threshold_may_stand_in_each_row(shape: Shape, tmp_path: Path) -> None:
    """A column of thresholds, in every shape."""
    rows = [
        {"score": row["score"], "cut": (0.2, 0.5, 0.9)[i % 3], "label": row["label"]} for i, row in enumerate(rows_of(Problem.BINARY, 60))
    ]
    assert_agree(evaluate(shape, rows, tmp_path, Problem.BINARY), Problem.BINARY, expected_of(Problem.BINARY, rows, None))


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "number": st.integers(-4000, 4000).map(lambda number: number / 8) | st.sampled_from([0.0, 1.0, 3e-31]),
    "bit": st.sampled_from([0, 1]),
    "share": st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.5, 1.0]),
    "class": st.sampled_from(CLASSES),
    "shares": st.lists(st.floats(0.0625, 1, width=32), min_size=3, max_size=3, unique=True),
    "set": st.lists(st.sampled_from(["news", "sport", "1"]), max_size=3, unique=True),
}
KINDS: Mapping[Problem, Mapping[str, str]] = {
    Problem.REGRESSION: {"prediction": "number", "label": "number"},
    Problem.BINARY: {"prediction": "bit", "score": "share", "label": "bit"},
    Problem.MULTICLASS: {"prediction": "class", "score": "shares", "label": "class"},
    Problem.MULTILABEL: {"prediction": "set", "label": "set"},
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Problem, Shape, list[Row]]:
    """Some rows of a problem, values missing here and there, in a shape that can say so."""
    problem = draw(st.sampled_from(list(KINDS)))
    shapes = (*WHOLE, *SEVERAL) if problem in {Problem.REGRESSION, Problem.BINARY} else WHOLE
    shape = draw(st.sampled_from(shapes))
    kinds = dict(KINDS[problem])
    for name in draw(st.sampled_from([(), ("score",), ("prediction",)])):
        if problem in {Problem.BINARY, Problem.MULTICLASS}:
            kinds.pop(name)
    # a line of CSV that is empty as a whole is none; a list that ends in null is a shorter one, and leaves the record without labels
    may_lack = shape.__name__ not in {"several_as_csv", "several_as_base64", "merged_csv", "several_in_a_wider_document"}
    optional = {name: st.none() | VALUES[kind] if may_lack else VALUES[kind] for name, kind in kinds.items()}
    rows = draw(st.lists(st.fixed_dictionaries(optional), min_size=1, max_size=12))
    return problem, shape, [{name: row[name] for name in kinds} for row in rows]


@given(cases())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_rows_in_any_shape_have_scikit_learns_metrics(case: tuple[Problem, Shape, list[Row]]) -> None:
    """Ties, one class, values that are missing: what has a value agrees, and nothing has one that should not."""
    problem, shape, rows = case
    with tempfile.TemporaryDirectory() as folder:
        document = evaluate(shape, rows, Path(folder), problem, **flags_of(problem, rows))
    assert_agree(document, problem, expected_of(problem, rows))
