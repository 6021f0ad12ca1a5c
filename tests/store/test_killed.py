"""Runs that are killed at random moments: no hour is lost or half-written, and the next run has the same numbers."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from pathlib import Path

from hourglass.monitors import data_quality
from hourglass.settings import load_settings
from hourglass.store import StateError, read_states
from tests.engine import plain_engine, write_hour
from tests.store.test_store import HOURS, lines

KILLS = 50
TREE = HOURS[:3]


def job(tree: str, output: str) -> None:
    """A run over some hours with a store; what is killed."""
    said = {
        "dataset_source": tree,
        "output_path": output,
        "state_root": f"{output}/states",
        "container_root": f"{output}/none",
        "start_time": "2026-11-21T00:00:00Z",
        "end_time": "2026-11-21T03:00:00Z",
        "window": "1h",
        "reference": "previous",
        "segments": "_c1",
    }
    data_quality.run(load_settings(said, {}), plain_engine)


def test_a_killed_run_loses_nothing_and_the_next_one_completes(tmp_path: Path) -> None:
    """Fifty runs are killed at moments spread over a run's length: files are whole or absent, and the rest is made up for."""
    for hour in TREE:
        write_hour(tmp_path / "capture", hour, lines(hour, 20))
    tree = str(tmp_path / "capture")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.test_killed"])
    whole = context.Process(target=job, args=(tree, str(tmp_path / "whole")))
    whole.start()
    whole.join()
    assert whole.exitcode == 0
    warm = context.Process(target=job, args=(tree, str(tmp_path / "warm")))
    begin = time.perf_counter()
    warm.start()
    warm.join()
    length = time.perf_counter() - begin
    expected = outputs(tmp_path / "whole")
    moments = random.Random(4)
    killed = tries = 0
    while killed < KILLS:
        tries += 1
        assert tries < 4 * KILLS
        output = tmp_path / f"killed-{tries}"
        process = context.Process(target=job, args=(tree, str(output)))
        process.start()
        time.sleep(moments.random() * length)
        process.kill()
        process.join()
        killed += process.exitcode != 0
        look_at(output)
        job(tree, str(output))
        assert outputs(output) == expected


def look_at(output: Path) -> None:
    """Whatever a killed run has left can be read whole."""
    for path in output.rglob("*.json"):
        json.loads(path.read_bytes())
    for path in output.rglob("*.parquet"):
        try:
            assert read_states(str(path)) is not None
        except StateError as fault:  # pragma: no cover
            raise AssertionError(path) from fault


def outputs(output: Path) -> dict[str, bytes]:
    """All reports of a run."""
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*.json")}
