"""What Polars' describe computes, and distinct counts, in one query: `polars_aggregates.py json|text|parquet folder small-folder`.

json: the lines parsed as JSON. text: the payloads cut out of the lines at `"data":"`, which is right only for lines
written like these. parquet: a table. Each with the engine that was the faster of the two on this machine. Distinct
counts are approximate, as ours are; quartiles are exact, since Polars has no others. POLARS_MAX_THREADS says how many threads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from timed import FEATURES, WARM_UP, Timed

CAPTURES = "*/*/*/*/*/*/*.jsonl"
KINDS = [pl.Float64] * 10 + [pl.Int64] * 7 + [pl.String] * 3
ENGINES = {"json": "in-memory", "text": "streaming", "parquet": "streaming"}
_SIDE = pl.Struct({"data": pl.String})
_SCHEMA = {"captureData": pl.Struct({"endpointInput": _SIDE, "endpointOutput": _SIDE})}


def _json(folder: Path) -> pl.LazyFrame:
    sides = pl.col("captureData").struct
    payload, score = (sides.field(side).struct.field("data") for side in ("endpointInput", "endpointOutput"))
    return _features(pl.scan_ndjson(folder / CAPTURES, schema=_SCHEMA).select(payload.alias("payload"), score.alias("score")))


def _text(folder: Path) -> pl.LazyFrame:
    lines = pl.scan_csv(folder / CAPTURES, separator="\x01", quote_char=None, has_header=False, schema={"line": pl.String})
    parts = lines.select(pl.col("line").str.split('"data":"').alias("parts"))
    payload, score = (pl.col("parts").list.get(i).str.split('"').list.get(0) for i in (1, 2))
    return _features(parts.select(payload.alias("payload"), score.alias("score")))


def _parquet(folder: Path) -> pl.LazyFrame:
    return pl.scan_parquet(folder / "*.parquet")


def _features(payloads: pl.LazyFrame) -> pl.LazyFrame:
    fields = pl.col("payload").str.split(",").list
    features = [fields.get(i).cast(kind).alias(name) for i, (name, kind) in enumerate(zip(FEATURES, KINDS, strict=True))]
    return payloads.select(pl.col("score").cast(pl.Float64), *features)


def _aggregates(frame: pl.LazyFrame) -> list[pl.Expr]:
    found: list[pl.Expr] = []
    for name, kind in frame.collect_schema().items():
        column = pl.col(name)
        made = {"count": column.count(), "nulls": column.null_count(), "distinct": column.approx_n_unique()}
        made |= {"min": column.min(), "max": column.max()}
        if kind != pl.String:
            made |= {"mean": column.mean(), "deviation": column.std()}
            made |= {f"quantile {share}": column.quantile(share) for share in (0.25, 0.5, 0.75)}
        found += [value.alias(f"{name}: {key}") for key, value in made.items()]
    return found


def _query(kind: str, folder: Path) -> dict:
    frame = {"json": _json, "text": _text, "parquet": _parquet}[kind](folder)
    return frame.select(_aggregates(frame)).collect(engine=ENGINES[kind]).row(0, named=True)


def main(kind: str, folder: Path, small: Path) -> None:
    """Runs the one query."""
    timed = Timed("polars")
    with timed.step(WARM_UP):
        _query(kind, small)
    with timed.step("aggregate"):
        found = _query(kind, folder)
    timed.done(found["f0: count"], found["f0: mean"])


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
