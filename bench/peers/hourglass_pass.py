"""Ours: `hourglass_pass.py spark|local|command folder output [small-folder]`.

spark: the data-quality pass with all statistics, written as statistics.json, on a session that is warm from a pass over
the small folder. local and command: all that `hourglass data-quality` does when it suggests a baseline, with
`--engine local` or on Spark from a standing start; more than the pass, since constraints come with it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from timed import WARM_UP, Timed

PACKAGE = "hourglass-monitor"
DOCUMENT = "statistics.json"


def _on_spark(timed: Timed, folder: Path, output: Path, small: Path) -> None:
    import ours

    from hourglass.spark.session import start_session

    session = start_session("peers")
    session.sparkContext.setLogLevel("ERROR")
    with timed.step(WARM_UP):
        ours.statistics(session, small)
    with timed.step("pass"):
        output.mkdir(parents=True, exist_ok=True)
        (output / DOCUMENT).write_bytes(ours.statistics(session, folder))
    session.stop()


def _command(timed: Timed, folder: Path, output: Path, engine: list[str]) -> None:
    from hourglass.cli import main

    sys.argv = ["hourglass", "data-quality", *engine, "--dataset-source", str(folder), "--output-path", str(output)]
    with timed.step("command"):
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise


def main(kind: str, folder: Path, output: Path, small: Path | None = None) -> None:
    """Runs it, and reads what was written."""
    timed = Timed(PACKAGE)
    (output / DOCUMENT).unlink(missing_ok=True)
    if kind == "spark" and small:
        _on_spark(timed, folder, output, small)
    else:
        _command(timed, folder, output, ["--engine", "local"] if kind == "local" else [])
    document = json.loads((output / DOCUMENT).read_bytes())
    columns = document["features"]
    first = columns[len(columns) - 20]  # captures have the score in front
    timed.done(document["dataset"]["item_count"], first["numerical_statistics"]["mean"])


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
