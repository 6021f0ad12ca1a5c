"""What a background's file may look like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hourglass.attribution.config import AttributionConfig
from hourglass.attribution.given_background import given_background
from hourglass.errors import InputError
from hourglass.models import Predictor

NAMES = ("age", "hours", "debt")
ROW = (40.0, 38.0, 0.0)


def config(folder: Path, text: str, headers: tuple[str, ...] = NAMES) -> AttributionConfig:
    """A configuration with a CSV file as its baseline."""
    path = folder / "baseline.csv"
    path.write_bytes(text.encode())
    return AttributionConfig(headers=headers, label="y", baseline=str(path))


@pytest.mark.parametrize("headers", [NAMES, ()], ids=["headers", "no headers"])
@pytest.mark.parametrize(
    "text",
    [
        "age,hours,debt\n40,38,0\n",
        '"age","hours","debt"\r\n"40","38","0"\r\n',
        "\ufeffage,hours,debt\n40,38,0\n",
        "age, hours , debt\n40, 38, 0\n\n",
        "y,age,hours,debt\n1,40,38,0\n",
    ],
    ids=["plain", "quoted", "byte-order mark", "blanks", "with the label"],
)
def test_a_line_of_names_is_told_from_rows(tmp_path: Path, text: str, headers: tuple[str, ...]) -> None:
    """By the known names, or as words above numbers; the label's column is left out."""
    found = given_background(config(tmp_path, text, headers), None)
    assert found is not None
    assert (found.names, found.rows, found.texts) == (NAMES, (ROW,), ())


def test_names_in_another_order_are_put_in_that_of_the_headers(tmp_path: Path) -> None:
    """The columns go with them."""
    found = given_background(config(tmp_path, "debt,hours,age\n0,38,40\n"), None)
    assert found is not None
    assert (found.names, found.rows) == (NAMES, (ROW,))


def test_a_model_says_the_names_where_no_header_does(tmp_path: Path) -> None:
    """Above texts as well, which otherwise no line of names is told from."""
    (tmp_path / "model.py").write_text("FEATURES = ['city']\ndef predict(rows):\n    return rows['city'] == 'Bath'\n")
    unnamed = config(tmp_path, "city\nBath\n", ())
    known, unknown = (
        given_background(replace(unnamed, predictor=Predictor(str(tmp_path / "model.py"))), None),
        given_background(unnamed, None),
    )
    assert known is not None
    assert unknown is not None
    assert (known.names, known.rows) == (("city",), (("Bath",),))
    assert (unknown.names, unknown.rows) == (("_c0",), (("city",), ("Bath",)))


def test_dates_and_codes_are_texts_and_what_is_not_there_is_missing(tmp_path: Path) -> None:
    """By the number rule of all data; digits among codes stay as they are written."""
    found = given_background(config(tmp_path, "2020-01-01,0123,NaN\n2021-01-01,A12,7\n,,- 3\n"), None)
    assert found is not None
    assert found.rows == (("2020-01-01", "0123", None), ("2021-01-01", "A12", 7.0), (None, None, -3.0))
    assert found.texts == ("age", "hours")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found no rows"),
        ("age,hours,debt\n", "found names and no rows"),
        ("1,2,3\n1,2\n", r"row 2: found 2 values; expected 3"),
        ("1,2\n", "found 2 values a row; expected 3"),
        ("Age,hours,debt\n40,38,0\n", "expected all features, age among them"),
        ('"1,2,3\n', "expected CSV"),
    ],
    ids=["empty", "names only", "ragged", "narrow", "another name", "an open quote"],
)
def test_another_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With what was found."""
    with pytest.raises(InputError, match=words):
        given_background(config(tmp_path, text), None)
