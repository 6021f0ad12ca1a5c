"""Merges that are killed at random moments: no half of a file is ever read, and the next run ends where one run would have."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time
from pathlib import Path

from tests.join.trees import SOURCE, at, capture, contents, hour, label, merge, merged, write

KILLS = 20
HOURS = 6


def job(root: str, output: str) -> None:
    """What is killed."""
    merge(Path(root), output_path=output)


def test_a_killed_merge_leaves_whole_files_and_the_next_one_completes(tmp_path: Path) -> None:
    """Runs over an output of an earlier run are killed at moments spread over a run's length."""
    for number in range(HOURS):
        write(tmp_path, {f"captures/{SOURCE}/{hour(number)}/a.jsonl": [capture(f"{number}-{i}", time=at(number)) for i in range(500)]})
    write(tmp_path, {f"labels/{hour(1)}/a.jsonl": [label(f"{number}-{i}") for number in range(3) for i in range(400)]})
    merge(tmp_path, output_path=tmp_path / "earlier")
    before = merged(tmp_path / "earlier")
    write(tmp_path, {f"labels/{hour(7)}/a.jsonl": [label(f"{number}-{i}", "0") for number in range(2, HOURS) for i in range(300)]})
    merge(tmp_path, output_path=tmp_path / "whole")
    after = merged(tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.join.test_killed"])
    shutil.copytree(tmp_path / "earlier", tmp_path / "warm")
    for _ in range(2):  # the server that forks starts with the first
        begin = time.perf_counter()
        process = context.Process(target=job, args=(str(tmp_path), str(tmp_path / "warm")))
        process.start()
        process.join()
        length = time.perf_counter() - begin
        shutil.rmtree(tmp_path / "warm")
        shutil.copytree(tmp_path / "earlier", tmp_path / "warm")
    moments = random.Random(5)
    killed = tries = 0
    while killed < KILLS:
        tries += 1
        assert tries < 4 * KILLS
        output = tmp_path / f"killed-{tries}"
        shutil.copytree(tmp_path / "earlier", output)
        process = context.Process(target=job, args=(str(tmp_path), str(output)))
        process.start()
        time.sleep(moments.random() * length)
        process.kill()
        process.join()
        killed += process.exitcode != 0
        for partition, records in merged(output).items():
            assert records in (before.get(partition), after[partition])
        for path in output.rglob("*.json"):
            json.loads(path.read_bytes())
        job(str(tmp_path), str(output))
        assert {name: data for name, data in contents(output).items() if "/." not in name} == expected
