"""The benchmarks' data: made once from a seed, the same on every machine, and found again by the folder's name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SEED = 20261121
DOUBLES, WHOLES, FLAGS, TEXTS = 10, 5, 2, 3  # 20 features
RECORDS_AN_HOUR_FOLDER = 8  # hours over which captures are spread
CHUNK = 50_000  # rows made at a time
CITIES = np.array([f"{place} {number:02d}" for place in ("North", "South", "East", "West", "Central") for number in range(40)])

# one captured record, as an endpoint writes it; the payloads, the id and the time differ
LINE = (
    '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"',
    '","encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"',
    '","encoding":"CSV"}},"eventMetadata":{"eventId":"',
    '","inferenceTime":"2026-11-21T',
    'Z"},"eventVersion":"0"}\n',
)


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made if it is not there; a run that was stopped halfway leaves none."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(folder)
    return folder


def captures(root: Path, records: int, files: int) -> Path:
    """So many captured records with 20 CSV features and a score, in so many files of eight hours."""
    return once(root / f"records_{records}_in_{files}", partial(_write_captures, records, files))


def merged(root: Path, records: int, files: int) -> Path:
    """The captured records with a label each, 1 as often as the record's score says."""
    return once(root / f"merged_{records}_in_{files}", partial(_write_merged, captures(root, records, files)))


def table(root: Path, rows: int, columns: int) -> Path:
    """Parquet of the 20 features, or of doubles where more columns are asked for, in eight files (one for few rows)."""
    make = _features if columns == DOUBLES + WHOLES + FLAGS + TEXTS else partial(_doubles, columns)
    return once(root / f"parquet_{rows}_by_{columns}", partial(_write_parquet, make, rows))


def _write_captures(records: int, files: int, folder: Path) -> None:
    """Record i is the same whatever the number of files, as long as the hours are."""
    a_file = records // files
    an_hour = max(1, files // RECORDS_AN_HOUR_FOLDER)
    lines: list[str] = []
    made = chunk = 0
    for number in range(files):
        while len(lines) < a_file and made < records:
            count = min(CHUNK, records - made)
            hours = np.minimum(np.minimum(np.arange(made, made + count) // a_file, files - 1) // an_hour, RECORDS_AN_HOUR_FOLDER - 1)
            lines += _capture_lines(chunk, hours)
            made, chunk = made + count, chunk + 1
        hour = folder / "endpoint" / "AllTraffic" / "2026" / "11" / "21" / f"{min(number // an_hour, RECORDS_AN_HOUR_FOLDER - 1):02d}"
        hour.mkdir(parents=True, exist_ok=True)
        last = number == files - 1
        (hour / f"{number:05d}.jsonl").write_text("".join(lines if last else lines[:a_file]), "utf-8")
        lines = lines[a_file:]


def _capture_lines(chunk: int, hours: npt.NDArray[np.int64]) -> list[str]:
    count = len(hours)
    rng = np.random.default_rng((SEED, chunk))
    features = [_text(column) for column in _feature_columns(rng, count)]
    payload = pc.binary_join_element_wise(*features, ",")
    score = _text(pa.array(rng.beta(2, 5, count)))
    ids = rng.bytes(16 * count).hex()
    event = pa.array(
        [
            f"{ids[i : i + 8]}-{ids[i + 8 : i + 12]}-{ids[i + 12 : i + 16]}-{ids[i + 16 : i + 20]}-{ids[i + 20 : i + 32]}"
            for i in range(0, 32 * count, 32)
        ]
    )
    seconds = np.sort(rng.integers(0, 3600, count))
    time = pa.array(
        [f"{hour:02d}:{second // 60:02d}:{second % 60:02d}" for hour, second in zip(hours.tolist(), seconds.tolist(), strict=True)]
    )
    first, *rest = (pa.scalar(part) for part in LINE)
    whole = pc.binary_join_element_wise(first, payload, rest[0], score, rest[1], event, rest[2], time, rest[3], "")
    return whole.to_pylist()


def _write_merged(captured: Path, folder: Path) -> None:
    rng = np.random.default_rng(SEED)
    for path in sorted(captured.rglob("*.jsonl")):
        place = folder / path.relative_to(captured)
        place.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r") as source, place.open("w") as target:
            for line in source:
                score = line.partition(LINE[1])[2].partition('"')[0]
                label = int(rng.random() < float(score))
                target.write(f'{line.rstrip()[:-1]},"groundTruthData":{{"data":"{label}","encoding":"CSV"}}}}\n')


def _feature_columns(rng: np.random.Generator, count: int) -> list[pa.Array]:
    """Ten measured doubles of two to four digits after the point, five whole numbers, two flags, three texts."""
    doubles = [np.round(rng.normal(50 * (i + 1), 10, count), 2 + i % 3) for i in range(DOUBLES)]
    wholes = [rng.poisson(4 ** (i + 1), count) for i in range(WHOLES)]
    flags = [(rng.random(count) < share).astype(np.int64) for share in (0.1, 0.5)]
    texts = [CITIES[rng.integers(0, kinds, count)] for kinds in (5, 40, 200)]
    return [pa.array(column) for column in (*doubles, *wholes, *flags, *texts)]


def _text(column: pa.Array) -> pa.Array:
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _features(rng: np.random.Generator, count: int) -> pa.Table:
    columns = _feature_columns(rng, count)
    # a table's doubles have all their digits
    columns[:DOUBLES] = [pa.array(rng.normal(50 * (i + 1), 10, count)) for i in range(DOUBLES)]
    return pa.table(columns, [f"f{i}" for i in range(len(columns))])


def _doubles(columns: int, rng: np.random.Generator, count: int) -> pa.Table:
    return pa.table([pa.array(rng.normal(i, 1 + i % 7, count)) for i in range(columns)], [f"f{i}" for i in range(columns)])


def _write_parquet(make: Callable[[np.random.Generator, int], pa.Table], rows: int, folder: Path) -> None:
    """Eight files, each of row groups of about 64 MB, as Spark's and Arrow's writers leave them by default or smaller."""
    files = 8
    for number in range(files):
        made = make(np.random.default_rng((SEED, number)), rows // files)
        group = max(1, (64 << 20) // (8 * made.num_columns))
        pq.write_table(made, folder / f"part-{number}.parquet", row_group_size=group)
