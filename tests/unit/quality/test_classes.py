"""When two labels are one class."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourglass.quality import ClassRule, Problem, Same, class_name, class_names, names_by_threshold
from hourglass.states import Confusion
from hourglass.states.confusion import CAP
from tests.unit.quality.rows import confusion, report_of, values

NUMBER = ClassRule(Same.NUMBER)
YES = ClassRule(Same.NUMBER, {"yes": "1", "no": "0"})


@pytest.mark.parametrize(
    ("value", "plain", "by_number", "with_aliases"),
    [
        ("1", "1", "1", "1"),
        (1, "1", "1", "1"),
        (1.0, "1.0", "1", "1"),
        ("1.0", "1.0", "1", "1"),
        (" 1", " 1", "1", "1"),
        ("1e0", "1e0", "1", "1"),
        ("-0", "-0", "0", "0"),
        ("yes", "yes", "yes", "1"),
        (True, "true", "true", "true"),
        ("2.50", "2.50", "2.5", "2.5"),
        (np.int64(3), "3", "3", "3"),
        ("", None, None, None),
        (None, None, None, None),
        (float("nan"), None, None, None),
    ],
    ids=repr,
)
def test_labels_are_one_class_as_the_rule_says(value: object, plain: str | None, by_number: str | None, with_aliases: str | None) -> None:
    """Spelling by default; as numbers, and by other names, only when that is said."""
    assert [class_name(value, rule) for rule in (ClassRule(), NUMBER, YES)] == [plain, by_number, with_aliases]


LABEL = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3) | st.sampled_from(["1", "1.0", "yes"])


@given(st.lists(LABEL, max_size=20), st.sampled_from([ClassRule(), NUMBER, YES]))
def test_a_column_has_the_names_of_its_values(column: list, rule: ClassRule) -> None:
    """True, 1 and 1.0 are one key to Python, and still have their own names."""
    assert class_names(column, rule).to_pylist() == [class_name(value, rule) for value in column]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 0, None]),
        pa.array([1.0, 0.0, None]),
        pa.array(["1", "0", ""]),
        pa.array(["1", "0", None]).dictionary_encode(),
        np.array([1.0, 0.0, np.nan]),
        [1, "0.0", None],
    ],
    ids=["integers", "floats", "texts", "dictionary", "numpy", "objects"],
)
def test_columns_of_any_kind_are_named(column: object) -> None:
    """Parquet, CSV and JSON give different columns of the same labels."""
    assert class_names(column, NUMBER).to_pylist() == ["1", "0", None]


def test_json_predictions_and_csv_labels_are_the_same_classes() -> None:
    """The stock analyzer reports 0.0 for all metrics of JSON output."""
    found = values(report_of(Problem.MULTICLASS, confusion(["7", "8", "9", "7"], [7, 8, 9, 8])))
    assert found["accuracy"] == 0.75


def test_a_probability_on_the_threshold_is_positive() -> None:
    """And one that is none predicts nothing."""
    given = [0.29, 0.3, 1.0, math.nan, math.inf]
    assert names_by_threshold(given, 0.3, "yes", "no").to_pylist() == ["no", "yes", "yes", None, None]


def test_accuracy_is_exact_however_many_classes_there_are() -> None:
    """Fifteen hundred classes: the kept ones are exact, and rows within "other" are still right or wrong."""
    random = np.random.default_rng(2)
    actual = random.integers(0, 1500, 30_000)
    predicted = np.where(random.random(30_000) < 0.6, actual, random.integers(0, 1500, 30_000))
    columns = [pa.array([f"c{i}" for i in column]) for column in (actual, predicted)]
    parts = []
    for start in range(0, 30_000, 5000):
        part = Confusion.empty()
        part.update(*(column[start : start + 5000] for column in columns))
        parts.append(part)
    state = Confusion.merged(parts)
    assert state.truncated
    assert len(state.names) == CAP
    assert state.n == 30_000
    assert values(report_of(Problem.MULTICLASS, state))["accuracy"] == (actual == predicted).mean()
    table = state.table()
    name = state.names[0]
    assert table[name][name] == int(((actual == predicted) & (actual == int(name[1:]))).sum())
    assert sum(sum(row.values()) for row in table.values()) == 30_000
