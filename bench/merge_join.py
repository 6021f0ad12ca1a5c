"""The merge against a plain Spark join of the two parsed tables: `python bench/merge_join.py [--records N] [--repeats N] [--memory]`.

Both sides take turns on one warm session. The plain join reads both trees with a stated schema, joins on the id and
writes JSON text; it looks at no hours, duplicates or bad lines, and reports nothing. With `--memory` the peak of the
merge's Python workers instead, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

BENCH = Path(__file__).resolve().parent
LIBS = BENCH.parent / "libs"
# Spark's Python workers must find the same code and packages
sys.path[:0] = [str(LIBS), str(BENCH)]
os.environ["PYTHONPATH"] = os.pathsep.join([str(LIBS), str(BENCH)])
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable

import data  # noqa: E402 found by the path above
import numpy as np  # noqa: E402 the same

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GOAL = 1.3
LATE_HOURS = 4
SIDE = "struct<observedContentType:string,mode:string,data:string,encoding:string>"
METADATA = "struct<eventId:string,inferenceId:string,inferenceTime:string>"
CAPTURES = f"captureData struct<endpointInput:{SIDE},endpointOutput:{SIDE}>, eventMetadata {METADATA}, eventVersion string"
LABELS = "groundTruthData struct<data:string,encoding:string>, eventMetadata struct<eventId:string>, eventVersion string"


def labels(root: Path, captures: Path) -> Path:
    """A label for each captured record, in any order, one to four hours after it; eight files."""
    return data.once(root / f"labels_of_{captures.name}", partial(_write_labels, captures))


def _write_labels(captures: Path, folder: Path) -> None:
    rng = np.random.default_rng(data.SEED)
    for number, path in enumerate(sorted(captures.rglob("*.jsonl"))):
        marker = '"eventId":"'
        ids = [line[(at := line.index(marker) + len(marker)) : line.index('"', at)] for line in path.open()]
        rng.shuffle(ids)
        hour = int(path.parent.name) + 1 + number % LATE_HOURS
        place = folder / "2026" / "11" / "21" / f"{hour:02d}" / f"{number:03d}.jsonl"
        place.parent.mkdir(parents=True, exist_ok=True)
        truths = rng.integers(0, 2, len(ids)).tolist()
        place.write_text(
            "".join(
                f'{{"groundTruthData":{{"data":"{truth}","encoding":"CSV"}},"eventMetadata":{{"eventId":"{key}"}},"eventVersion":"0"}}\n'
                for key, truth in zip(ids, truths, strict=True)
            )
        )


def merge(session: SparkSession, captures: Path, truths: Path, output: Path) -> float:
    """Seconds of our merge into an empty folder, reports and all."""
    from hourglass.monitors import ground_truth_merge
    from hourglass.settings import load_settings
    from hourglass.spark.ground_truth_join import spark_join

    shutil.rmtree(output, ignore_errors=True)
    said = {"dataset_source": captures, "ground_truth_source": truths, "output_path": output, "container_root": output / "none"}
    settings = load_settings({name: str(value) for name, value in said.items()}, {})
    start = perf_counter()
    outcome = ground_truth_merge.run(settings, *spark_join(session))
    took = perf_counter() - start
    if any(report.coverage != 1.0 for report in outcome.reports):
        raise SystemExit("not all records are matched: nothing to compare")
    return took


def plain_join(session: SparkSession, captures: Path, truths: Path, output: Path) -> float:
    """Seconds of the join that anybody would write first."""
    from pyspark.sql import functions as F  # noqa: N812 as everybody calls it

    shutil.rmtree(output, ignore_errors=True)
    start = perf_counter()
    left = session.read.schema(CAPTURES).option("recursiveFileLookup", "true").json(str(captures))
    right = session.read.schema(LABELS).option("recursiveFileLookup", "true").json(str(truths))
    right = right.select("groundTruthData", F.col("eventMetadata.eventId").alias("key"))
    left = left.withColumn("key", F.coalesce("eventMetadata.inferenceId", "eventMetadata.eventId"))
    joined = left.join(right, "key").select(F.to_json(F.struct("captureData", "eventMetadata", "eventVersion", "groundTruthData")))
    joined.write.text(str(output))
    return perf_counter() - start


def worker_peak() -> float:
    """The largest peak of a Python worker of this process's Spark, in MB."""
    peaks = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if b"pyspark.daemon" in (status.parent / "cmdline").read_bytes():
                peaks.append(int(status.read_text("ascii").partition("VmHWM:")[2].split()[0]) / 1024)
        except (OSError, IndexError):
            continue
    return max(peaks, default=0.0)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "hourglass-bench"))
    arguments = parser.parse_args()
    from hourglass.spark.ground_truth_join import SETTINGS
    from hourglass.spark.session import start_session

    captures = data.captures(arguments.data, arguments.records, 8)
    truths = labels(arguments.data, captures)
    session = start_session("bench", SETTINGS)
    session.sparkContext.setLogLevel("ERROR")
    output = arguments.data / "merged"
    if arguments.memory:
        took = merge(session, captures, truths, output / "ours")
        print(json.dumps({"records": arguments.records, "seconds": round(took, 1), "worker_peak_mb": round(worker_peak())}))
    else:
        sides = [
            partial(merge, session, captures, truths, output / "ours"),
            partial(plain_join, session, captures, truths, output / "plain"),
        ]
        for side in sides:
            side()
        mine, plain = zip(*[[side() for side in sides] for _ in range(arguments.repeats)], strict=True)
        title = f"merge, {arguments.records:,} × {arguments.records:,} ÷ plain Spark join"
        print(f"| {title} | {median(mine) / median(plain):.2f} (goal {GOAL}) ", end="")
        print(f"| {median(mine):.1f} s ({min(mine):.1f}–{max(mine):.1f}) | {median(plain):.1f} s ({min(plain):.1f}–{max(plain):.1f}) |")
    session.stop()
    shutil.rmtree(output, ignore_errors=True)


if __name__ == "__main__":
    main()
