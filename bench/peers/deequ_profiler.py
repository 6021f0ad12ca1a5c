"""Deequ's column profiler on a table, on a warm session of Spark 3.5: `deequ_profiler.py kll|plain folder small-folder threads jar`.

Warm: it has profiled the small folder. The sketch's size is the one we use, the other parameters are Deequ's own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ |= {
    "SPARK_VERSION": "3.5",  # pydeequ wants it when it is imported
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYSPARK_PYTHON": sys.executable,
}

from pydeequ.profiles import ColumnProfilerRunner, KLLParameters
from pyspark.sql import DataFrame, SparkSession
from timed import WARM_UP, Timed

SKETCH, SHRINKING, BUCKETS = 2048, 0.64, 100


def _profile(session: SparkSession, rows: DataFrame, sketches: bool) -> dict:
    runner = ColumnProfilerRunner(session).onData(rows)
    if sketches:
        runner = runner.withKLLProfiling().setKLLParameters(KLLParameters(session, SKETCH, SHRINKING, BUCKETS))
    return runner.run().profiles


def _session(threads: str, jar: str) -> SparkSession:
    builder = SparkSession.builder.master(f"local[{threads}]").config("spark.jars", jar)
    # as much memory as it may want, and as few shuffle partitions as the cores need: both help it
    settings = {"spark.driver.memory": "8g", "spark.sql.shuffle.partitions": threads, "spark.ui.enabled": "false"}
    for key, value in settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def main(kind: str, folder: Path, small: Path, threads: str, jar: str) -> None:
    """Starts, warms up, profiles."""
    session = _session(threads, jar)
    timed = Timed("pydeequ")
    try:
        with timed.step(WARM_UP):
            _profile(session, session.read.parquet(str(small)), kind == "kll")
        with timed.step("profile"):
            profiles = _profile(session, session.read.parquet(str(folder)), kind == "kll")
        if (profiles["f0"].kll is not None) != (kind == "kll"):
            raise SystemExit("Deequ: found no sketches, or some that were not asked for")
        timed.done(sum(profiles["f19"].typeCounts.values()), profiles["f0"].mean)
    finally:
        # a thread of its own keeps the process alive otherwise
        session.sparkContext._gateway.shutdown_callback_server()
        session.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:])
