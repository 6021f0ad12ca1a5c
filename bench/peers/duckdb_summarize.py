"""DuckDB's SUMMARIZE: `duckdb_summarize.py json|text|parquet folder small-folder threads`.

json: the fastest of the queries in bench/others.py that parse the lines as JSON. text: the one that cuts the payloads
out of the lines at `"data":"`, which is right only for lines written like these. parquet: a table.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from others import CAPTURE_SUMMARIES, CAPTURES
from timed import WARM_UP, Timed

QUERIES = {
    "json": (CAPTURE_SUMMARIES[1], CAPTURES),
    "text": (CAPTURE_SUMMARIES[2], CAPTURES),
    "parquet": ("SUMMARIZE SELECT * FROM read_parquet('{files}')", "*.parquet"),
}


def _summarize(kind: str, folder: Path, threads: int) -> dict[str, dict]:
    """The summary of each column, by a fresh database in memory."""
    sql, files = QUERIES[kind]
    with duckdb.connect(config={"threads": threads, "preserve_insertion_order": False}) as database:
        asked = database.execute(sql.format(files=folder / files))
        names = [column[0] for column in asked.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in asked.fetchall()}


def main(kind: str, folder: Path, small: Path, threads: int) -> None:
    """Runs the query."""
    timed = Timed("duckdb")
    with timed.step(WARM_UP):
        _summarize(kind, small, threads)
    with timed.step("summarize"):
        columns = _summarize(kind, folder, threads)
    timed.done(columns["f0"]["count"], columns["f0"]["avg"])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
