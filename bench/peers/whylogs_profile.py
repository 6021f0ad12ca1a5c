"""whylogs' profile of captured records: `whylogs_profile.py folder small-folder`.

With its default sketches, as the bytes that users store and as the frame that they look at.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"  # no telemetry while the clock runs

import pandas as pd
import whylogs
from flatten import flatten
from timed import WARM_UP, Timed


def _profile(rows: pd.DataFrame) -> pd.DataFrame:
    view = whylogs.log(rows).view()
    view.serialize()
    return view.to_pandas()


def main(folder: Path, small: Path) -> None:
    """Flattens, and profiles."""
    timed = Timed("whylogs")
    with timed.step(WARM_UP):
        _profile(flatten(small).drop(columns="time"))
    with timed.step("flatten"):
        rows = flatten(folder).drop(columns="time")
    with timed.step("profile"):
        columns = _profile(rows)
    timed.done(columns.loc["f0", "counts/n"], columns.loc["f0", "distribution/mean"])


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
