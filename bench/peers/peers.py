"""Who takes part: the environment, the script with its arguments, what is computed, and what is not."""

from __future__ import annotations

from dataclasses import dataclass

CAPTURES, TABLE = "captures", "table"
OURS = "Hourglass"


@dataclass(frozen=True)
class Peer:
    """One line of the table.

    `goal` is how many times our seconds this one should take at least.
    """

    key: str
    name: str
    data: str
    environment: str
    arguments: tuple[str, ...]
    computes: str
    lacks: str
    goal: float | None = None
    cores: int = 2

    @property
    def ours(self) -> bool:
        """Whether it is Hourglass itself."""
        return self.environment == "hourglass"


_OUR_STATES = (
    "types, missing, mean, deviation, extremes, KLL sketch (k 2048), HLL (lgK 12), category counts; by hour and column, mergeable; "
    "statistics.json"
)
_SUMMARIZE = "count, nulls, extremes, mean, deviation; approximate distinct and quartiles"
_DESCRIBE = "count, nulls, extremes, mean, deviation; approximate distinct, exact quartiles"
_NO_STATE = "sketches, category counts, hours, bad lines (one ends it)"
_UNCHECKED = 'as above, and lines are cut at `"data":"`, not parsed: right for these lines only'


def _ours(data: str) -> tuple[Peer, ...]:
    work = "captured lines that cannot be used are counted, and kept with their reason; " if data == CAPTURES else ""
    rest = "constraints, evaluation, metrics"
    return (
        Peer(f"{data}-spark", OURS, data, "hourglass", ("spark",), f"{work}{_OUR_STATES}", rest),
        Peer(f"{data}-local", f"{OURS} --engine local", data, "hourglass", ("local",), f"the same, {rest}; no Spark", "–"),
        Peer(f"{data}-command", f"{OURS}, the command, cold", data, "hourglass", ("command",), f"the same, {rest}", "–"),
    )


def _dataframe(key: str, name: str, environment: str, script: str, computes: str, lacks: str, goal: float) -> Peer:
    return Peer(key, name, CAPTURES, environment, (script, *key.split("-")[1:]), computes, lacks, goal)


PEERS: tuple[Peer, ...] = (
    *_ours(CAPTURES),
    Peer("captures-spark-1", f"{OURS}, one core", CAPTURES, "hourglass", ("spark",), "as on two cores", "as on two cores", cores=1),
    Peer("captures-local-1", f"{OURS} --engine local, one core", CAPTURES, "hourglass", ("local",), "as on two cores", "–", cores=1),
    Peer("duckdb-json", "DuckDB SUMMARIZE, JSON", CAPTURES, "duckdb", ("duckdb_summarize.py", "json"), _SUMMARIZE, _NO_STATE, 1.25),
    Peer("duckdb-text", "DuckDB SUMMARIZE, text", CAPTURES, "duckdb", ("duckdb_summarize.py", "text"), _SUMMARIZE, _UNCHECKED, 1.25),
    Peer("polars-json", "Polars, JSON", CAPTURES, "polars", ("polars_aggregates.py", "json"), _DESCRIBE, _NO_STATE, 1.25),
    Peer("polars-text", "Polars, text", CAPTURES, "polars", ("polars_aggregates.py", "text"), _DESCRIBE, _UNCHECKED, 1.25),
    _dataframe(
        "whylogs",
        "whylogs",
        "whylogs",
        "whylogs_profile.py",
        "types, missing, mean, deviation, extremes, KLL (k 1024), HLL (lgK 12), frequent items; one profile for all, mergeable",
        "hours (its pandas logger has no event time here), bad lines",
        6,
    ),
    _dataframe(
        "evidently-summary",
        "Evidently, data summary",
        "evidently",
        "evidently_report.py",
        "exact: missing, distinct, extremes, mean, deviation, quartiles, histograms, duplicate and constant rows and columns; its charts",
        "sketches or any state that merges, hours, bad lines; all rows are in memory",
        10,
    ),
    _dataframe(
        "evidently-drift",
        "Evidently, data drift",
        "evidently",
        "evidently_report.py",
        "drift of the second half of the rows against the first, 21 columns (ours compares states in milliseconds, not in our figure)",
        "statistics, state, hours, bad lines",
        10,
    ),
    _dataframe(
        "popmon-metrics",
        "popmon, metrics",
        "popmon",
        "popmon_report.py",
        "by hour: histograms (mergeable), profiles with quantiles, comparisons between hours, traffic lights (not in our figure)",
        "bad lines; exact extremes of its bins' width",
        10,
    ),
    _dataframe("popmon-report", "popmon, report", "popmon", "popmon_report.py", "the same and its HTML page", "bad lines", 10),
    *_ours(TABLE),
    Peer("duckdb-table", "DuckDB SUMMARIZE", TABLE, "duckdb", ("duckdb_summarize.py", "parquet"), _SUMMARIZE, _NO_STATE, 1.25),
    Peer("polars-table", "Polars", TABLE, "polars", ("polars_aggregates.py", "parquet"), _DESCRIBE, _NO_STATE, 1.25),
    Peer(
        "deequ-plain",
        "Deequ 2.0.7's profiler by pydeequ",
        TABLE,
        "deequ",
        ("deequ_profiler.py", "plain"),
        "completeness, types, approximate distinct, extremes, mean, deviation, histograms of columns with up to 120 values; three passes",
        "quantiles, hours, state (this interface keeps none)",
    ),
    Peer(
        "deequ-kll",
        "Deequ 2.0.7's profiler with KLL by pydeequ",
        TABLE,
        "deequ",
        ("deequ_profiler.py", "kll"),
        "the same with a KLL sketch (2048) of the numeric columns: 100 buckets, 99 percentiles",
        "hours, state (the sketch itself cannot be stored)",
        50,
    ),
)
