"""CSV text into columns: Arrow's parser where it can, Python's where it must, one result."""

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.capture.csv_rows import CsvRows

FIELD = st.one_of(st.text("abc1.5 é-", max_size=6), st.sampled_from(["", '"a,b"', '"say ""no"""', '"', 'a"b', '"two\nlines"', "\r", "\t"]))
RECORD = st.lists(st.lists(FIELD, min_size=1, max_size=4).map(",".join), min_size=1, max_size=3).map("\n".join)


def by_python(record: str) -> list[list[str]]:
    """The rows of a record as Python's csv module reads them."""
    return [fields or [""] for fields in csv.reader(io.StringIO(record.rstrip("\r\n"), newline=None))] or [[""]]


def rows_of(rows: CsvRows) -> list[list[str]]:
    """All rows in order."""
    found: list = [None] * len(rows.widths)
    for width in np.unique(rows.widths):
        mask = rows.widths == width
        columns = rows.columns(mask, int(width))
        for place, fields in zip(np.flatnonzero(mask), zip(*(column.to_pylist() for column in columns), strict=True), strict=True):
            found[place] = list(fields)
    return found


@settings(max_examples=500, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=6), st.integers(0, 2))
def test_rows_are_what_python_reads(records: list[str], offset: int) -> None:
    """Quotes, line breaks, ragged rows and slices of arrays give the rows and fields that the csv module gives."""
    rows = CsvRows(pa.array(["x,y"] * offset + records, pa.string())[offset:])
    expected = [by_python(record) for record in records]
    assert rows.per_record.tolist() == [len(found) for found in expected]
    assert rows_of(rows) == [fields for found in expected for fields in found]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("1,2\n", [["1", "2"]]),
        ("1,2\r\n3,4\r\n", [["1", "2"], ["3", "4"]]),
        ("", [[""]]),
        (",", [["", ""]]),
        ("a\rb", [["a"], ["b"]]),
        ('"a,""b""",c', [['a,"b"', "c"]]),
        ('"a\nb",c\nd,e', [["a\nb", "c"], ["d", "e"]]),
        ('5" pipe,2', [['5" pipe', "2"]]),
        ("é,日本", [["é", "日本"]]),
    ],
)
def test_a_record_may_hold_any_csv(record: str, expected: list[list[str]]) -> None:
    """A record is one or more rows; its last line break ends the last of them."""
    assert rows_of(CsvRows(pa.array([record]))) == expected


def test_a_field_may_be_longer_than_python_allows() -> None:
    """Python's own limit of 128 KB a field does not end the job."""
    assert len(rows_of(CsvRows(pa.array(['"' + "x\n" * 100_000 + '",1'])))[0][0]) == 200_000
