"""What is no prediction is an error that says so, whatever the kind of model."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from hourglass.errors import InputError, ModelError
from hourglass.models import Model, Predictor, Rows, open_model

ROWS = Rows(("age", "job"), np.array([[39.0, 1.0], [np.nan, 0.0], [40.0, np.nan]]), {"job": ("clerk", "nurse")})


def model(path: Path, body: str, **settings: object) -> Model:
    (path / "model.py").write_text(f"import numpy as np\ndef predict(rows):\n    return {body}\n")
    return open_model(Predictor(str(path / "model.py"), **settings))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            "[0.5, float('nan'), 0.5]",
            r"nan for \{'age': None, 'job': 'clerk'\}; expected finite numbers. Hint: values of age, job are missing",
        ),
        ("[0.5, 0.5, float('inf')]", r"inf for \{'age': 40, 'job': None\}"),
        ("[0.5, 0.5]", r"an answer of shape \(2,\); expected 3 rows of one or more numbers"),
        ("0.5", r"an answer of shape \(\); expected 3 rows"),
        ("np.ones((3, 2, 1))", r"an answer of shape \(3, 2, 1\)"),
        ("np.ones((3, 0))", r"an answer of shape \(3, 0\)"),
        ("['yes', 'no', 'no']", r"could not convert string to float: 'yes' in a list; .* Hint: let it give a probability"),
        ("[[1], [2, 3], [4]]", "inhomogeneous shape .*; expected a number, or a list of as many numbers, for each row"),
        ("None", r"an answer of shape \(\)"),
        ("[{'p': 1}] * 3", "in a list; expected a number"),
    ],
)
def test_an_answer_that_is_no_table_of_numbers_is_told(tmp_path: Path, body: str, found: str) -> None:
    """With the row, the shape, or the value that was found."""
    with pytest.raises(ModelError, match=rf"(?s)model \S+model\.py: found .*{found}"):
        model(tmp_path, body).predict(ROWS)


def test_an_answer_of_another_width_than_before_is_told(tmp_path: Path) -> None:
    """A model has as many outputs for each batch of rows."""
    opened = model(tmp_path, "np.ones((len(rows), len(rows)))")
    assert opened.predict(ROWS).shape == (3, 3)
    with pytest.raises(ModelError, match="found 2 outputs after 3 before"):
        opened.predict(ROWS[:2])


def test_without_rows_no_model_is_asked(tmp_path: Path) -> None:
    """Many fail then."""
    opened = model(tmp_path, "1 / len(rows) * np.ones((len(rows), 2))")
    assert opened.predict(ROWS[:0]).shape == (0, 1)
    assert opened.predict(ROWS).shape == (3, 2)
    assert opened.predict(ROWS[:0]).shape == (0, 2)


def test_labels_are_one_for_each_output(tmp_path: Path) -> None:
    """Two are taken for one output: the probability of the second class."""
    two = model(tmp_path, "[0.5] * len(rows)", labels=("no", "yes"))
    two.predict(ROWS)
    assert two.labels == ("yes",)
    three = model(tmp_path, "[0.5] * len(rows)", labels=("a", "b", "c"))
    with pytest.raises(InputError, match=r"label_headers: found 3 \(a, b, c\); expected 1, one for each output of model \S+model.py"):
        three.predict(ROWS)


def test_a_lacking_feature_is_named_with_what_is_near_it(tmp_path: Path) -> None:
    """There may be many: five are told."""
    (tmp_path / "model.py").write_text("FEATURES = ['Age', 'job']\ndef predict(rows): return rows['Age']\n")
    opened = open_model(Predictor(str(tmp_path / "model.py")))
    with pytest.raises(InputError, match=r"found no Age among the features age, job; expected .*: Age, job. Hint: did you mean age\?"):
        opened.predict(ROWS)
    many = Rows(tuple(f"_c{place}" for place in range(9)), np.ones((1, 9)), {})
    with pytest.raises(InputError, match=r"among the features _c0, _c1, _c2, _c3, _c4 … \(4 more\).* Hint: name the columns"):
        opened.predict(many)


def test_a_name_with_underscores_is_one_with_blanks_only_where_there_is_no_doubt(tmp_path: Path) -> None:
    """`a b` and `a_b` may both be there."""
    (tmp_path / "model.py").write_text("FEATURES = ['a_b', 'c_d e']\ndef predict(rows): return rows['c_d e']\n")
    opened = open_model(Predictor(str(tmp_path / "model.py")))
    assert opened.predict(Rows(("a b", "a_b", "c d_e"), np.array([[1.0, 2.0, 3.0]]), {})).tolist() == [[3.0]]
    with pytest.raises(InputError, match="found no c_d e"):
        opened.predict(Rows(("a_b", "c d e", "c d_e"), np.ones((1, 3)), {}))


def test_an_error_travels_between_processes() -> None:
    """Spark's workers raise it, the driver tells it."""
    fault = ModelError("model m", found="nan", expected="numbers")
    assert str(pickle.loads(pickle.dumps(fault))) == "model m: found nan; expected numbers"  # noqa: S301 our own
