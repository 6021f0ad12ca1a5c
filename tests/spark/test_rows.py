"""The rows as a DataFrame: types that the pass found, nothing guessed anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from hourglass.capture.hooks import Script
from tests.engine import capture_line, write_hour
from tests.spark.flat import flat

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_the_flattened_rows_have_the_types_that_the_pass_found(spark: SparkSession, tmp_path: Path) -> None:
    """Long, double and string by column; what is missing, of another type, or beyond it, is null; other widths are left out."""
    inputs = ["1,0.5,red", "2,3,", ',1e999,"a, b"', "x,NaN,true", "99999999999999999999,-1.5,7", "+ 4,2,nan", "1,2", "5,inf,blue"]
    write_hour(tmp_path, "2026/11/21/09", [capture_line(None, text) for text in inputs])
    frame, _ = flat(spark, tmp_path, '{"sagemakerCaptureJson": {}}')
    assert frame.dtypes == [("_c0", "bigint"), ("_c1", "double"), ("_c2", "string")]
    assert sorted(map(tuple, frame.collect()), key=str) == sorted(
        [
            (1, 0.5, "red"),
            (2, 3.0, None),
            (None, None, "a, b"),
            (None, None, "true"),
            (None, -1.5, "7"),
            (4, 2.0, None),
            (5, None, "blue"),
        ],
        key=str,
    )


def test_rows_of_wide_parquet_come_together_again(spark: SparkSession, tmp_path: Path) -> None:
    """Which the pass reads a chunk of the columns at a time, over several row groups."""
    table = pa.table({f"c{i}": [float(row * 1000 + i) for row in range(30)] for i in range(300)})
    pq.write_table(table, tmp_path / "wide.parquet", row_group_size=7)
    frame, _ = flat(spark, tmp_path / "wide.parquet", '{"parquet": {}}')
    assert sorted(map(tuple, frame.collect())) == [tuple(row.values()) for row in table.to_pylist()]


def test_values_of_json_have_one_type_a_column(spark: SparkSession, tmp_path: Path) -> None:
    """Numbers among texts are text, booleans are text, an array's members are columns, and a column that a row lacks is null."""
    inputs = ['{"a": 1, "b": [true, "x"]}', '{"a": 2.5, "b": [false, 7]}', '{"b": [null, "z"], "c": "only here"}']
    write_hour(tmp_path, "2026/11/21/09", [capture_line(None, text, encoding="JSON") for text in inputs])
    frame, _ = flat(spark, tmp_path, '{"sagemakerCaptureJson": {}}')
    assert frame.dtypes == [("a", "double"), ("b[0]", "string"), ("b[1]", "string"), ("c", "string")]
    assert sorted(map(tuple, frame.collect()), key=str) == [
        (1.0, "true", "x", None),
        (2.5, "false", "7", None),
        (None, None, "z", "only here"),
    ]


def test_a_hooks_rows_are_what_is_flattened(spark: SparkSession, tmp_path: Path) -> None:
    """The script runs on the workers, as in the pass."""
    write_hour(tmp_path / "capture", "2026/11/21/09", [capture_line(None, text) for text in ("3", "4")])
    (tmp_path / "hook.py").write_text("def preprocess_handler(record):\n    return {'twice': 2 * int(record.endpoint_input.data)}\n")
    frame, _ = flat(spark, tmp_path / "capture", '{"sagemakerCaptureJson": {}}', Script.read(str(tmp_path / "hook.py")))
    assert sorted(map(tuple, frame.collect())) == [(6,), (8,)]


def test_numbers_of_parquet_keep_what_fits(spark: SparkSession, tmp_path: Path) -> None:
    """Whole numbers of 64 bits exactly; NaN and infinity are null; dates are text, as in the pass."""
    big = (1 << 62) + 1
    table = pa.table(
        {
            "whole": pa.array([big, None, -1], pa.int64()),
            "unsigned": pa.array([1, 1 << 63, 2], pa.uint64()),
            "real": pa.array([0.5, float("nan"), float("inf")], pa.float64()),
            "day": pa.array([0, 1, None], pa.date32()),
        }
    )
    pq.write_table(table, tmp_path / "numbers.parquet")
    frame, _ = flat(spark, tmp_path / "numbers.parquet", '{"parquet": {}}')
    assert frame.dtypes == [("whole", "bigint"), ("unsigned", "bigint"), ("real", "double"), ("day", "string")]
    assert list(map(tuple, frame.collect())) == [(big, 1, 0.5, "1970-01-01"), (None, None, None, "1970-01-02"), (-1, 2, None, None)]


def test_a_source_without_rows_is_a_frame_without_rows(spark: SparkSession, tmp_path: Path) -> None:
    """And without columns, since none is known."""
    frame, dataset = flat(spark, write_hour(tmp_path, "2026/11/21/09", []).parents[5], '{"sagemakerCaptureJson": {}}')
    assert (dataset.rows, frame.columns, frame.collect()) == (0, [], [])
