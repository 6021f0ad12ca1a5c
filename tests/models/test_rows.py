"""Rows in the shapes that libraries want."""

import numpy as np
import pytest

from hourglass.errors import InputError
from hourglass.models import Rows

NAN = np.nan
ROWS = Rows(("age", "job"), np.array([[39.5, 1.0], [NAN, 0.0], [40.0, NAN]]), {"job": ("clerk", "nurse")})


def test_a_column_is_of_numbers_or_of_texts() -> None:
    """A missing number is NaN, a missing text None."""
    np.testing.assert_array_equal(ROWS.column("age"), [39.5, NAN, 40.0])
    assert ROWS.column("job").tolist() == ["nurse", "clerk", None]


def test_a_frame_is_as_pandas_reads_a_csv() -> None:
    """Columns in order, numbers as floats, texts as objects, and NaN for whatever is missing."""
    frame = ROWS.frame()
    assert list(frame.columns) == ["age", "job"]
    assert [str(kind) for kind in frame.dtypes] == ["float64", "object"]
    assert frame.isna().to_numpy().tolist() == [[False, False], [True, False], [False, True]]
    assert frame["job"].tolist()[:2] == ["nurse", "clerk"]


def test_a_frame_of_numbers_copies_nothing() -> None:
    """An explainer's synthetic rows are many."""
    rows = Rows(("a", "b"), np.ones((3, 2)), {})
    assert np.shares_memory(rows.frame().to_numpy(), rows.matrix)


def test_records_have_whole_numbers_as_integers() -> None:
    """As people write them, up to where a float is no longer each whole number."""
    rows = Rows(("x",), np.array([[2.0], [-0.5], [1e300], [NAN]]), {})
    assert [row["x"] for row in rows.records()] == [2, -0.5, 1e300, None]
    assert [type(row["x"]) for row in rows.records()] == [int, float, float, type(None)]
    assert ROWS.records() == [{"age": 39.5, "job": "nurse"}, {"age": None, "job": "clerk"}, {"age": 40, "job": None}]


def test_texts_are_no_numbers() -> None:
    """The error names them; places in a vocabulary must not be calculated with."""
    assert Rows(("a",), np.ones((1, 1)), {}).numbers().tolist() == [[1.0]]
    with pytest.raises(InputError, match="feature job: found texts; expected numbers"):
        ROWS.numbers()


def test_a_part_of_the_rows_and_of_the_features_keeps_the_texts() -> None:
    """Batches of rows, and a model's own order of features."""
    assert ROWS[1:].records() == ROWS.records()[1:]
    assert len(ROWS[1:2]) == 1
    assert ROWS.select([1]).records() == [{"job": "nurse"}, {"job": "clerk"}, {"job": None}]
    assert ROWS.select([1, 0], ["work", "years"]).records()[0] == {"work": "nurse", "years": 39.5}
    assert ROWS.select([0]).texts == {}
    assert ROWS.lacking() == ["age", "job"]
    assert ROWS[:1].lacking() == []
