"""The other side of the ratios: Spark's own scans and DuckDB, each as fast as we could make it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import pyarrow as pa
from data import DOUBLES, FLAGS, TEXTS, WHOLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CAPTURES = "*/*/*/*/*/*/*.jsonl"
KINDS = ["DOUBLE"] * DOUBLES + ["BIGINT"] * (WHOLES + FLAGS) + ["VARCHAR"] * TEXTS
_SPLIT = ", ".join(f"fields[{i + 1}]::{kind} AS f{i}" for i, kind in enumerate(KINDS))

# three ways to the 21 typed columns; the one that is the fastest on this machine is measured
CAPTURE_SUMMARIES = (
    f"""
    SUMMARIZE SELECT score::DOUBLE AS score, {_SPLIT} FROM (
        SELECT captureData.endpointOutput.data AS score, string_split(captureData.endpointInput.data, ',') AS fields
        FROM read_json('{{files}}', format = 'newline_delimited', columns = {{{{
            captureData: 'STRUCT(endpointInput STRUCT(data VARCHAR), endpointOutput STRUCT(data VARCHAR))'}}}}))
    """,
    f"""
    SUMMARIZE SELECT score::DOUBLE AS score, {_SPLIT} FROM (
        SELECT json->>'$.captureData.endpointOutput.data' AS score, string_split(json->>'$.captureData.endpointInput.data', ',') AS fields
        FROM read_json_objects('{{files}}', format = 'newline_delimited'))
    """,
    f"""
    SUMMARIZE SELECT split_part(parts[3], '"', 1)::DOUBLE AS score, {_SPLIT} FROM (
        SELECT parts, string_split(split_part(parts[2], '"', 1), ',') AS fields FROM (
            SELECT string_split(line, '"data":"') AS parts
            FROM read_csv('{{files}}', columns = {{{{line: 'VARCHAR'}}}}, header = false, auto_detect = false,
                          delim = '\\x01', quote = '', escape = '')))
    """,
)


def summarize(sql: str, folder: Path, threads: int) -> None:
    """DuckDB's summary of the captured records' features, in a fresh in-memory database."""
    import duckdb

    with duckdb.connect(config={"threads": threads, "preserve_insertion_order": False}) as database:
        columns = database.execute(sql.format(files=folder / CAPTURES)).fetchall()
    filled = [(rows, nulls) for *_, rows, nulls in columns if rows and nulls == 0]
    if len(filled) != len(KINDS) + 1:
        raise SystemExit(f"DuckDB: found {len(filled)} columns with values, expected {len(KINDS) + 1}")


def transport(session: SparkSession, folder: Path) -> int:
    """The lines of all files, read by Spark, shipped to Python and counted there."""
    lines = session.read.option("recursiveFileLookup", "true").text(str(folder))
    return sum(row.n for row in lines.mapInArrow(_count, "n long").collect())


class Transport:
    """The transport in a process and a session of its own, kept warm: what Spark's users have.

    In our session it would be faster by a quarter of a second, since our pass leaves the shared workers without the zip
    importers that pyspark refreshes before every task.
    """

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def seconds(self, folder: Path) -> float:
        """How long one pass over the lines takes."""
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def stop(self) -> None:
        """Ends the process."""
        self._process.communicate()


def _serve() -> None:
    from hourglass.spark.session import start_session

    session = start_session("transport")
    for folder in map(str.strip, sys.stdin):
        start = perf_counter()
        transport(session, Path(folder))
        print(perf_counter() - start, flush=True)
    session.stop()


def _count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pydict({"n": [sum(batch.num_rows for batch in batches)]})


def bare_scan(session: SparkSession, folder: Path) -> None:
    """Spark reads every value of a table and drops it."""
    session.read.parquet(str(folder)).write.format("noop").mode("overwrite").save()


START_AND_COUNT = """
import sys
from hourglass.spark.session import start_session

session = start_session("count")
print(session.read.option("recursiveFileLookup", "true").text(sys.argv[1]).count())
session.stop()
"""


def start_and_count(folder: Path) -> None:
    """A process of its own that starts a session with our settings, counts the lines and ends."""
    subprocess.run([sys.executable, "-c", START_AND_COUNT, str(folder)], check=True, capture_output=True)


if __name__ == "__main__":
    _serve()
