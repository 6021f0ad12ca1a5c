"""popmon's stability report on captured records, hour by hour: `popmon_report.py metrics|report folder small-folder`.

metrics: histograms, profiles, comparisons between the hours and traffic lights, as frames. report: the same and the
HTML page that popmon is known for, which is drawn for the first time then.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import popmon
from flatten import flatten
from timed import WARM_UP, Timed

OPTIONS = {"time_axis": "time", "time_width": "1h", "reference_type": "self"}


def main(kind: str, folder: Path, small: Path) -> None:
    """Flattens, and compares each hour with the others."""
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    timed = Timed("popmon")
    with timed.step(WARM_UP):
        popmon.df_stability_metrics(flatten(small), **OPTIONS)
    with timed.step("flatten"):
        rows = flatten(folder)
    with timed.step(kind):
        if kind == "metrics":
            found = popmon.df_stability_metrics(rows, **OPTIONS)
        else:
            report = popmon.df_stability_report(rows, **OPTIONS)
            page, found = report.to_html(), report.datastore
            if "f0" not in page:
                raise SystemExit("popmon: found an empty page")
    hours = found["profiles"]["f0"]
    timed.done(hours["count"].sum(), (hours["count"] * hours["mean"]).sum() / hours["count"].sum())


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
