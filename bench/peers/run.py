"""Hourglass beside others on the same data: `python bench/peers/run.py [--quick] [name …]`.

Makes each peer's environment from exact versions, runs all of them in turn as processes on the same two cores, and
writes bench/PEERS.md. Each peer is one script here, with what it computes in `peers.py`. Not a test: nothing fails when a
goal is missed, and a peer that fails has its error in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from math import isclose
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCH, LIBS = HERE.parent, HERE.parents[1] / "libs"
sys.path[1:1] = [str(BENCH)]

import data  # noqa: E402 found by the path above
from environments import deequ_jar, environment  # noqa: E402 the same
from peers import CAPTURES, PEERS, Peer  # noqa: E402 the same
from processes import Run, run, wait_for_quiet  # noqa: E402 the same
from table import page  # noqa: E402 the same

CORES = 2
CORES_TO_USE = sorted(os.sched_getaffinity(0))[:CORES]
SMALL = 10_000  # records of the pass that warms a session, or a library


def folders(root: Path, quick: bool) -> dict[str, tuple[Path, Path]]:
    """Where each kind of data lies, and a little of it."""
    share = 20 if quick else 1
    captured = data.captures(root, 1_000_000 // share, 8), data.captures(root, SMALL, 8)
    table = data.table(root, 4_000_000 // share, 20), data.table(root, SMALL, 20)
    return {CAPTURES: captured, "table": table}


def command(peer: Peer, python: Path, places: tuple[Path, Path], root: Path) -> list[str | Path]:
    """The process that measures a peer."""
    folder, small = places
    if peer.ours:
        (kind,) = peer.arguments
        return [python, HERE / "hourglass_pass.py", kind, folder, root / "reports" / peer.key, *([small] if kind == "spark" else [])]
    script, *kind = peer.arguments
    rest: dict[str, list[str | Path]] = {"duckdb": [str(CORES)], "deequ": [str(CORES), deequ_jar(root)]}
    return [python, HERE / script, *kind, folder, small, *rest.get(peer.environment, [])]


def variables(python: Path) -> dict[str, str]:
    """The environment variables of every process: our sources can be found, and libraries use as many threads as there are cores."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYSPARK", "SPARK"))}
    paths = os.pathsep.join(map(str, [LIBS, BENCH]))
    return {**kept, "PYTHONPATH": paths, "PYSPARK_PYTHON": str(python), "POLARS_MAX_THREADS": str(CORES), "MPLBACKEND": "agg"}


def check(peer: Peer, found: Run, reference: Run | None) -> None:
    """Whether a peer has read what we have read."""
    if reference is None:
        return
    same_mean = found.mean is None or reference.mean is None or isclose(found.mean, reference.mean, rel_tol=1e-3)
    if found.rows != reference.rows or not same_mean:
        saw = f"{found.rows:,} rows with the mean {found.mean}"
        raise RuntimeError(f"{peer.name}: found {saw}; expected {reference.rows:,} and {reference.mean}")


def measure(peer: Peer, python: Path, places: tuple[Path, Path], root: Path, reference: Run | None) -> Run:
    """One run, on as many cores as the peer is to have."""
    cores = set(CORES_TO_USE[: peer.cores])
    found = run(command(peer, python, places, root), variables(python), cores)
    check(peer, found, reference)
    return found


def recall(path: Path) -> dict[str, list[Run]]:
    """The runs that were written down."""
    return {key: [Run(**one) for one in found] for key, found in json.loads(path.read_bytes()).items()} if path.exists() else {}


def main() -> None:
    """Measures in rounds, keeps every run, and writes the page."""
    keys = [peer.key for peer in PEERS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help=f"one of {', '.join(keys)}; all when absent")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the sizes; the page is printed only")
    parser.add_argument("--more", action="store_true", help="add to the runs of the last time, where a machine was not quiet enough")
    parser.add_argument("--repeats", type=int, default=3, help="rounds (default 3); 0 with --more: the page only")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for a quiet machine before each run (default 60)")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir(), "hourglass-bench"), help="where the data are kept")
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir(), "hourglass-peers"), help="where those are kept")
    arguments = parser.parse_args()
    if unknown := set(arguments.name) - set(keys):
        parser.error(f"found {', '.join(sorted(unknown))}; expected some of {', '.join(keys)}")
    chosen = [peer for peer in PEERS if peer.key in arguments.name or not arguments.name]

    root = arguments.environments
    root.mkdir(parents=True, exist_ok=True)
    pythons = {peer.environment: environment(root, peer.environment) for peer in chosen}
    places = folders(arguments.data, arguments.quick)
    written = root / ("quick.json" if arguments.quick else "runs.json")
    runs = recall(written) if arguments.more else {}
    failures: dict[str, str] = {}
    for turn in range(arguments.repeats):
        for peer in chosen:
            wait_for_quiet(arguments.patience)
            reference = next((runs[key][0] for key in (f"{peer.data}-spark", f"{peer.data}-local") if key in runs), None)
            try:
                found = measure(peer, pythons[peer.environment], places[peer.data], root, reference)
            except (RuntimeError, OSError, ValueError) as fault:
                failures[peer.key] = "failed"
                print(f"{peer.key}: {fault}", file=sys.stderr, flush=True)
                continue
            runs.setdefault(peer.key, []).append(found)
            written.write_text(json.dumps({key: [asdict(one) for one in all_] for key, all_ in runs.items()}), "utf-8")
            steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in found.steps.items())
            found_in = f"{found.whole:.1f} s; {found.work:.1f} core-s; {found.memory:,.0f} MB; others {found.others:.1f}"
            print(f"{turn + 1} {peer.key}: {steps} s; whole {found_in}", file=sys.stderr, flush=True)
    text = page(runs, failures, f"python bench/peers/run.py {' '.join(sys.argv[1:])}".strip())
    if not arguments.quick and (arguments.more or not arguments.name):
        (BENCH / "PEERS.md").write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
