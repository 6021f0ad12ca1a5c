"""Other packages, each in a process and an environment of its own: windows go to it as Parquet files, its answers come back as one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from data_sets import Columns, DataSet
from environments import environment
from rules import arrow_of, kind_of
from windows import Window

SCRIPTS = Path(__file__).resolve().parents[1] / "peers"


@dataclass(frozen=True)
class Peer:
    """A package: what its row is called, its environment, and its script in bench/peers."""

    rule: str
    environment: str
    script: str


PACKAGES: Mapping[str, Peer] = {
    "evidently": Peer("Evidently 0.7.23", "evidently", "alarms_evidently.py"),
    "nannyml": Peer("NannyML 0.13.1", "nannyml", "alarms_nannyml.py"),
    "whylogs": Peer("whylogs 1.6.4", "whylogs-drift", "alarms_whylogs.py"),
}


class Package:
    """A running package that judges windows; ends its process when it is left."""

    def __init__(self, peer: Peer, environments: Path) -> None:
        self._python, self._script = environment(environments, peer.environment), SCRIPTS / peer.script

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="hourglass-alarms-")
        quiet = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "WHYLOGS_NO_ANALYTICS": "True", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            [str(self._python), str(self._script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | quiet
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(BrokenPipeError):  # it has ended, and has said why
            self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def answers(self, data: DataSet, baseline: Columns, windows: Sequence[Window]) -> dict[int, dict[str, float]]:
        """By window and column how bad it is: above 1 the package alarms."""
        with tempfile.TemporaryDirectory(dir=self._folder.name) as place:
            folder = Path(place)
            _write(data, baseline, folder / "baseline.parquet")
            for window in windows:
                _write(data, window.columns, folder / f"{window.number}.parquet")
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{folder}\n")
                self._process.stdin.flush()
            # a package may say something on the way
            for line in self._process.stdout:
                if line.strip() == str(folder):
                    break
            else:
                raise RuntimeError(f"{self._script.name} ended with {self._process.wait()}")
            found: dict[int, dict[str, float]] = {window.number: {} for window in windows}
            for row in pq.read_table(folder / "answers.parquet").to_pylist():
                found[row["window"]][row["column"]] = row["badness"]
            return found


def _write(data: DataSet, columns: Columns, path: Path) -> None:
    table = pa.table({name: arrow_of(values, kind_of(data.columns[name])) for name, values in columns.items()})
    pq.write_table(table, path)


if __name__ == "__main__":
    sys.exit("this is a part of run.py")
